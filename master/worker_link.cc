#include "master/worker_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"

namespace millrace {
namespace {

// Keeps a message near 100 KB, so that a heartbeat never waits long behind it.
constexpr size_t kOutputsPerCall = 1000;

void WriteNames(const WorkerLink::OutputNames& outputs, size_t first,
                capnp::List<capnp_worker::OutputName>::Builder out) {
  for (size_t i = 0; i < out.size(); ++i) {
    Write(outputs[first + i].first, out[i].initTask());
    Write(outputs[first + i].second, out[i].initAttempt());
  }
}

}  // namespace

WorkerLink::WorkerLink(capnp_worker::Worker::Client worker, const WorkerSessionId& session,
                       std::string name, kj::Timer& timer, const Options& options,
                       Callbacks callbacks)
    : worker_(kj::mv(worker)),
      session_(session),
      name_(std::move(name)),
      timer_(timer),
      options_(options),
      callbacks_(kj::mv(callbacks)),
      tasks_(*this) {}

void WorkerLink::Open() {
  open_ = true;
  for (const Call& call : std::exchange(held_, {})) call();
}

// --- Jobs that the worker knows ---

kj::Promise<std::string> WorkerLink::Prepare(const JobContext& context) {
  if (broken_) return std::string();
  const PreparedJob& job = Prepared(context);
  if (job.agreed) return std::string();
  if (!job.objection.empty()) return job.objection;
  return objections_.Await(context.job);
}

WorkerLink::PreparedJob& WorkerLink::Prepared(const JobContext& context) {
  const auto [it, is_new] = jobs_.try_emplace(context.job);
  if (is_new) WhenOpen([this, context]() { StartPreparing(context); });
  return it->second;
}

void WorkerLink::StartPreparing(const JobContext& context) {
  auto request = worker_.prepareJobRequest();
  Write(session_, request.initSession());
  Write(context, request.initContext());
  const JobId job = context.job;
  Watch(
      absl::StrCat("preparing ", ToString(job)), options_.prepare_deadline,
      request.send().then([this, job](capnp::Response<capnp_worker::Worker::PrepareJobResults> r) {
        OnPrepared(job, ReadMessageText(r.getProblem()));
      }));
}

void WorkerLink::OnPrepared(JobId job, const std::string& objection) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return;  // released meanwhile
  it->second.agreed = objection.empty();
  it->second.objection = objection;
  objections_.Answer(job, objection);
  if (!objection.empty()) LOG(WARNING) << name_ << " cannot run " << job << ": " << objection;
  for (const Call& call : std::exchange(it->second.waiting, {})) call();
}

void WorkerLink::WhenPrepared(JobId job, Call call) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end() || broken_) return;
  if (it->second.agreed || !it->second.objection.empty()) {
    call();
  } else {
    it->second.waiting.push_back(std::move(call));
  }
}

void WorkerLink::WhenOpen(Call call) {
  if (open_) {
    call();
  } else {
    held_.push_back(std::move(call));
  }
}

// --- Calls ---

void WorkerLink::Launch(const AttemptSpec& spec, const JobContext& context) {
  Prepared(context);
  WhenPrepared(context.job, [this, spec]() { SendLaunch(spec); });
}

void WorkerLink::SendLaunch(const AttemptSpec& spec) {
  const auto job = jobs_.find(spec.task.job);
  if (job == jobs_.end()) return;
  if (!job->second.objection.empty()) {
    AttemptOutcome outcome;
    outcome.attempt = spec.attempt;
    outcome.task = spec.task;
    outcome.cause = Cause::kWorkerUnfit;
    outcome.message = job->second.objection;
    // In a later turn: this may run while the core's actions are being performed.
    tasks_.add(kj::evalLater([this, outcome]() { callbacks_.on_failed_launch(outcome); }));
    return;
  }
  auto request = worker_.launchRequest();
  Write(session_, request.initSession());
  Write(spec, request.initSpec());
  Send(absl::StrCat("launching ", ToString(spec.attempt)), kj::mv(request));
}

void WorkerLink::GrantSlot(JobId job, const AttemptId& attempt) {
  WhenPrepared(job, [this, attempt]() {
    auto request = worker_.grantSlotRequest();
    Write(session_, request.initSession());
    Write(attempt, request.initAttempt());
    Send(absl::StrCat("granting a slot to ", ToString(attempt)), kj::mv(request));
  });
}

void WorkerLink::Cancel(JobId job, const AttemptId& attempt) {
  Call cancel = [this, attempt]() {
    auto request = worker_.cancelRequest();
    Write(session_, request.initSession());
    Write(attempt, request.initAttempt());
    Send(absl::StrCat("cancelling ", ToString(attempt)), kj::mv(request));
  };
  // Behind its launch, if that still waits; else it is an attempt of an earlier session.
  if (jobs_.count(job) > 0) return WhenPrepared(job, std::move(cancel));
  WhenOpen(std::move(cancel));
}

void WorkerLink::Publish(uint32_t from, uint32_t to, const JobContext& context) {
  PreparedJob& job = Prepared(context);
  job.newest = to;
  if (job.telling) return;
  job.telling = true;
  job.told = from;
  WhenPrepared(context.job, [this, id = context.job]() { TellSources(id); });
}

void WorkerLink::TellSources(JobId id) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;  // released meanwhile
  PreparedJob& job = it->second;
  const uint32_t to = std::min(job.newest, job.told + options_.sources_per_call);
  const std::optional<SourceNews> news =
      to == job.told ? std::nullopt : callbacks_.find_news(id, job.told, to);
  job.telling = news.has_value();
  if (!job.telling) return;
  job.told = to;
  SendSources(id, to, *news);
}

void WorkerLink::SendSources(JobId job, uint32_t version, const SourceNews& news) {
  if (broken_) return;
  auto request = worker_.publishSourcesRequest();
  Write(session_, request.initSession());
  request.setJob(job.value());
  request.setVersion(version);
  auto addresses = request.initAddresses(news.addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) Write(news.addresses[i], addresses[i]);
  auto sources = request.initSources(news.sources.size());
  for (size_t i = 0; i < sources.size(); ++i) Write(news.sources[i], sources[i]);
  Watch(absl::StrCat("publishing sources of ", ToString(job)), options_.call_deadline,
        request.send().ignoreResult().then([this, job]() { TellSources(job); }));
}

void WorkerLink::Release(JobId job) {
  const auto it = jobs_.find(job);
  // A worker that came back may hold outputs of a job for which this link never prepared it.
  if (it != jobs_.end()) jobs_.erase(it);
  WhenOpen([this, job]() {
    auto request = worker_.releaseJobRequest();
    Write(session_, request.initSession());
    request.setJob(job.value());
    Send(absl::StrCat("releasing ", ToString(job)), kj::mv(request));
  });
}

void WorkerLink::Retain(const OutputNames& outputs) {
  WhenOpen([this, outputs]() {
    for (size_t first = 0; first < outputs.size(); first += kOutputsPerCall) {
      auto request = worker_.retainOutputsRequest();
      Write(session_, request.initSession());
      const size_t count = std::min(kOutputsPerCall, outputs.size() - first);
      WriteNames(outputs, first, request.initOutputs(count));
      Send("retaining outputs", kj::mv(request));
    }
  });
}

void WorkerLink::Drop(const OutputNames& outputs) {
  WhenOpen([this, outputs]() {
    for (size_t first = 0; first < outputs.size(); first += kOutputsPerCall) {
      auto request = worker_.dropOutputsRequest();
      Write(session_, request.initSession());
      const size_t count = std::min(kOutputsPerCall, outputs.size() - first);
      WriteNames(outputs, first, request.initOutputs(count));
      Send("dropping outputs", kj::mv(request));
    }
  });
}

kj::Promise<std::vector<AttemptLog>> WorkerLink::LogsOf(const std::vector<AttemptId>& attempts) {
  // It would take a call that comes before it knows its session for one of another session.
  if (!open_) return ToException(absl::UnavailableError("it is just registering"));
  if (*logs_calls_ >= options_.logs_calls_max) {
    return ToException(absl::ResourceExhaustedError("too many ask it for logs now"));
  }
  auto request = worker_.attemptLogsRequest();
  Write(session_, request.initSession());
  WriteLogRequest(attempts, request.initAttempts(attempts.size()));
  auto logs = request.send().then(
      [count = attempts.size()](capnp::Response<capnp_worker::Worker::AttemptLogsResults> response)
          -> kj::Promise<std::vector<AttemptLog>> {
        auto logs = ReadAttemptLogs(response.getLogs());
        if (!logs.ok()) return ToException(logs.status());
        if (logs->size() == count) return *std::move(logs);
        return ToException(absl::UnavailableError("it has just registered again"));
      });
  ++*logs_calls_;
  return WithDeadline(timer_, options_.logs_deadline, absl::StrCat("asking ", name_, " for logs"),
                      kj::mv(logs))
      .attach(kj::defer([calls = logs_calls_]() { --*calls; }));
}

template <typename Request>
void WorkerLink::Send(const std::string& what, Request request) {
  if (broken_) return;
  Watch(what, options_.call_deadline, request.send().ignoreResult());
}

void WorkerLink::Watch(const std::string& what, kj::Duration deadline, kj::Promise<void> call) {
  if (++outstanding_ > options_.outstanding_max) {
    return Break(absl::StrCat("it leaves ", outstanding_, " calls unanswered"));
  }
  auto answered = WithDeadline(timer_, deadline, absl::StrCat(what, " at ", name_), kj::mv(call));
  tasks_.add(answered.then([this]() { --outstanding_; },
                           [this](kj::Exception&& exception) {
                             --outstanding_;
                             Break(std::string(ToStatus(exception).message()));
                           }));
}

void WorkerLink::Break(const std::string& reason) {
  if (broken_) return;
  broken_ = true;
  for (const auto& [job, prepared] : jobs_) objections_.Answer(job, std::string());
  callbacks_.on_broken(reason);
}

// Every expected failure was dealt with in its own step.
void WorkerLink::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the link to " << name_ << ": " << kj::str(exception).cStr();
}

}  // namespace millrace
