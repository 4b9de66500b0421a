#include "master/fake_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"
#include "storage/atomic_file.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// Answers that a test cannot do without.
template <typename T>
T Must(absl::StatusOr<T> value) {
  CHECK(value.ok()) << value.status();
  return *std::move(value);
}

void Write(FileSystem& fs, const std::string& path, const std::string& content) {
  CHECK(WriteFileAtomically(fs, path, content).ok()) << path;
}

}  // namespace

class FakeWorker::Server final : public capnp_worker::Worker::Server {
 public:
  explicit Server(FakeWorker& worker) : worker_(worker), mail_(worker.mail_) {}

 protected:
  kj::Promise<void> prepareJob(PrepareJobContext context) override {
    if (worker_.frozen_) return kj::NEVER_DONE;
    mail_.prepared.push_back(Must(ReadJobContext(context.getParams().getContext())));
    context.getResults().setProblem(worker_.objection_.c_str());
    return kj::READY_NOW;
  }

  kj::Promise<void> publishSources(PublishSourcesContext context) override {
    const auto params = context.getParams();
    const JobId job(params.getJob());
    mail_.source_version[job] = params.getVersion();
    for (const auto one : params.getSources()) {
      const MapSource source = Must(ReadMapSource(one));
      if (worker_.keeps_sources_) mail_.sources[job][source.map_index] = source;
    }
    const uint64_t bytes = params.totalSize().wordCount * 8;
    ++mail_.news_calls;
    mail_.news_bytes += bytes;
    mail_.largest_news_bytes = std::max(mail_.largest_news_bytes, bytes);
    return Answered();
  }

  kj::Promise<void> launch(LaunchContext context) override {
    const AttemptSpec spec = Must(ReadAttemptSpec(context.getParams().getSpec()));
    mail_.launched.push_back(spec);
    worker_.waiting_[spec.attempt] = spec;
    return Answered();
  }

  kj::Promise<void> grantSlot(GrantSlotContext context) override {
    mail_.granted.push_back(Must(ReadAttemptId(context.getParams().getAttempt())));
    return Answered();
  }

  kj::Promise<void> cancel(CancelContext context) override {
    const AttemptId attempt = Must(ReadAttemptId(context.getParams().getAttempt()));
    mail_.cancelled.push_back(attempt);
    worker_.waiting_.erase(attempt);
    worker_.asked_.erase(attempt);
    return Answered();
  }

  kj::Promise<void> releaseJob(ReleaseJobContext context) override {
    mail_.released.push_back(JobId(context.getParams().getJob()));
    return Answered();
  }

  kj::Promise<void> retainOutputs(RetainOutputsContext context) override {
    for (const auto output : context.getParams().getOutputs()) {
      mail_.retained.push_back(Must(ReadAttemptId(output.getAttempt())));
    }
    return Answered();
  }

  kj::Promise<void> dropOutputs(DropOutputsContext context) override {
    for (const auto output : context.getParams().getOutputs()) {
      mail_.dropped.push_back(Must(ReadAttemptId(output.getAttempt())));
    }
    return Answered();
  }

  kj::Promise<void> attemptLogs(AttemptLogsContext context) override {
    if (worker_.frozen_) return kj::NEVER_DONE;
    std::vector<AttemptLog> logs;
    for (const AttemptId& attempt : Must(ReadLogRequest(context.getParams().getAttempts()))) {
      AttemptLog& log = logs.emplace_back();
      log.is_kept = worker_.logs_.count(attempt) > 0;
      if (log.is_kept) log.text = worker_.logs_.at(attempt);
    }
    WriteAttemptLogs(logs, context.getResults().initLogs(logs.size()));
    return kj::READY_NOW;
  }

 private:
  kj::Promise<void> Answered() {
    return worker_.frozen_ ? kj::Promise<void>(kj::NEVER_DONE) : kj::Promise<void>(kj::READY_NOW);
  }

  FakeWorker& worker_;
  WorkerMail& mail_;
};

FakeWorker::FakeWorker(kj::WaitScope& wait_scope, kj::TimerImpl& timer, FileSystem& fs,
                       std::string name, uint32_t slots)
    : wait_scope_(wait_scope), timer_(timer), fs_(fs), name_(std::move(name)), slots_(slots) {}

FakeWorker::~FakeWorker() noexcept(false) {}

WorkerInfo FakeWorker::Info() const {
  WorkerInfo info;
  info.name = name_;
  info.incarnation = Incarnation(std::hash<std::string>()(name_) | 1);
  info.slots = slots_;
  info.host = host();
  info.host_id = host();
  info.pid = 4711;
  info.shuffle_address = absl::StrCat(host(), ":7071");
  info.scratch_folder = absl::StrCat("/scratch/", name_);
  return info;
}

void FakeWorker::Join(Master& master) {
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  master.Accept({Role::kWorker, absl::StrCat(name_, ":1")}, kj::mv(pipe.ends[0]));
  if (connection_.get() != nullptr) old_connections_.push_back(kj::mv(connection_));
  connection_ = kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT,
                                     nullptr, "the master");
  auto registry = connection_->Peer().castAs<capnp_master::Registry>();
  auto request = registry.registerRequest();
  millrace::Write(Info(), request.initInfo());
  request.setWorker(kj::heap<Server>(*this));
  std::map<AttemptId, AttemptSpec> held = waiting_;
  held.insert(asked_.begin(), asked_.end());
  auto attempts = request.initAttempts(held.size());
  size_t i = 0;
  for (const auto& [attempt, spec] : held) {
    millrace::Write(attempt, attempts[i].initAttempt());
    millrace::Write(spec.task, attempts[i++].initTask());
  }
  auto response = request.send().wait(wait_scope_);
  if (response.isRefused()) {
    refusal_ = ReadMessageText(response.getRefused());
    return;
  }
  session_ = Must(ReadSession(response.getAccepted().getSession()));
  calls_ = response.getAccepted().getCalls();
  wait_scope_.poll();
}

void FakeWorker::Disconnect() {
  calls_ = nullptr;
  old_connections_.clear();
  connection_ = nullptr;
  waiting_.clear();
  asked_.clear();
  wait_scope_.poll();
}

bool FakeWorker::Heartbeat(const std::map<AttemptId, std::string>& statuses) {
  auto request = KJ_ASSERT_NONNULL(calls_).heartbeatRequest();
  millrace::Write(session_, request.initSession());
  auto progress = request.initProgress(statuses.size());
  size_t i = 0;
  for (const auto& [attempt, status] : statuses) {
    millrace::Write(attempt, progress[i].initAttempt());
    progress[i++].setStatus(status);
  }
  return request.send().wait(wait_scope_).getCurrent();
}

OutcomeReply FakeWorker::Report(const WorkerSessionId& session, const AttemptOutcome& outcome) {
  auto request = KJ_ASSERT_NONNULL(calls_).reportRequest();
  millrace::Write(session, request.initSession());
  millrace::Write(outcome, request.initOutcome());
  auto answer = request.send();
  // The master takes its time with what is not urgent.
  if (!answer.poll(wait_scope_)) timer_.advanceTo(timer_.now() + 50 * kj::MILLISECONDS);
  switch (answer.wait(wait_scope_).getVerdict()) {
    case capnp_master::Verdict::ACCEPTED: return OutcomeReply::kAccepted;
    case capnp_master::Verdict::SUPERSEDED: return OutcomeReply::kSuperseded;
    case capnp_master::Verdict::STALE: return OutcomeReply::kStale;
  }
  return OutcomeReply::kStale;
}

void FakeWorker::Send(const AttemptOutcome& outcome) {
  auto request = KJ_ASSERT_NONNULL(calls_).reportRequest();
  millrace::Write(session_, request.initSession());
  millrace::Write(outcome, request.initOutcome());
  request.send().ignoreResult().detach([](kj::Exception&&) {});
}

void FakeWorker::SourcesReady(const AttemptId& attempt, uint64_t version) {
  auto request = KJ_ASSERT_NONNULL(calls_).sourcesReadyRequest();
  millrace::Write(session_, request.initSession());
  millrace::Write(attempt, request.initAttempt());
  request.setVersion(version);
  request.send().ignoreResult().wait(wait_scope_);
  wait_scope_.poll();
}

void FakeWorker::Drain() {
  auto request = KJ_ASSERT_NONNULL(calls_).drainRequest();
  millrace::Write(session_, request.initSession());
  request.send().ignoreResult().wait(wait_scope_);
  wait_scope_.poll();
}

AttemptOutcome FakeWorker::Success(const AttemptSpec& spec) {
  AttemptOutcome outcome;
  outcome.attempt = spec.attempt;
  outcome.task = spec.task;
  outcome.cause = Cause::kSucceeded;
  for (const FileRange& range : spec.split) outcome.stats.input_bytes += range.length;
  // The same for every attempt of a task, as a deterministic job has it.
  const std::string part = absl::StrCat(TaskName(spec.kind, spec.task.index), "\tdone\n");
  outcome.digest = DigestOf(part);
  if (spec.kind == StageKind::kMap) return outcome;
  outcome.stats.output_bytes = part.size();
  const auto context =
      std::find_if(mail_.prepared.begin(), mail_.prepared.end(),
                   [&spec](const JobContext& c) { return c.job == spec.task.job; });
  CHECK(context != mail_.prepared.end()) << spec.task.job << " was never prepared";
  Write(fs_,
        StagedPartPath(context->output_folder, context->staging_key, spec.task.index, spec.attempt),
        part);
  return outcome;
}

AttemptOutcome FakeWorker::Failure(const AttemptSpec& spec, Cause cause, std::string message) {
  AttemptOutcome outcome;
  outcome.attempt = spec.attempt;
  outcome.task = spec.task;
  outcome.cause = cause;
  outcome.message = std::move(message);
  return outcome;
}

// --- Work ---

bool FakeWorker::Work() {
  bool worked = false;
  while (Step()) worked = true;
  return worked;
}

bool FakeWorker::Step() {
  if (!StartMaps() && !AskForSlots() && !FinishReduces()) return false;
  wait_scope_.poll();
  return true;
}

bool FakeWorker::StartMaps() {
  bool did = false;
  for (const auto& [attempt, spec] : std::map<AttemptId, AttemptSpec>(waiting_)) {
    if (spec.kind != StageKind::kMap) continue;
    waiting_.erase(attempt);
    Send(Success(spec));
    did = true;
  }
  return did;
}

bool FakeWorker::AskForSlots() {
  bool did = false;
  for (const auto& [attempt, spec] : std::map<AttemptId, AttemptSpec>(waiting_)) {
    if (spec.kind != StageKind::kReduce) continue;
    waiting_.erase(attempt);
    asked_[attempt] = spec;
    SourcesReady(attempt, mail_.source_version[spec.task.job]);
    did = true;
  }
  return did;
}

bool FakeWorker::FinishReduces() {
  bool did = false;
  for (const AttemptId& attempt : mail_.granted) {
    const auto it = asked_.find(attempt);
    if (it == asked_.end()) continue;
    const AttemptSpec spec = it->second;
    asked_.erase(it);
    Report(Success(spec));
    did = true;
  }
  return did;
}

}  // namespace millrace
