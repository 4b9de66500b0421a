#include "master/job_service.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/call.capnp.h"
#include "rpc/master.capnp.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"
#include "rpc/wire_views.h"

namespace millrace {
namespace {

constexpr size_t kInputsPerCall = 1000;

absl::StatusOr<std::vector<InputFile>> ReadInputs(capnp::List<capnp_types::InputFile>::Reader in) {
  if (in.size() > kInputsPerCall) {
    return absl::InvalidArgumentError(
        absl::StrCat(in.size(), " input files in one call; ", kInputsPerCall, " at most"));
  }
  std::vector<InputFile> files;
  files.reserve(in.size());
  for (const auto one : in) {
    absl::StatusOr<InputFile> file = ReadInputFile(one);
    if (!file.ok()) return file.status();
    files.push_back(*std::move(file));
  }
  return files;
}

// An epoch is used once, so it tells the sessions of this master from those of any other.
CallServerOptions SessionsOf(Epoch epoch) {
  CallServerOptions options;
  options.entropy = [epoch](uint8_t* bytes, size_t count) {
    const uint64_t first = epoch.value() << 32;
    CHECK_EQ(count, sizeof(first));
    std::memcpy(bytes, &first, count);
  };
  return options;
}

CallReply ReplyOf(const AdmissionAnswer& answer) {
  return answer.refused.empty() ? CallReply::Done(absl::StrCat(answer.job.value()))
                                : CallReply::Refused(answer.refused);
}

}  // namespace

// --- Submissions ---

class JobService::SubmissionServer final : public ScopedServer<capnp_master::Submission> {
 public:
  SubmissionServer(JobService& service, SubmissionKey key, std::shared_ptr<Submission> submission)
      : ScopedServer(service.calls_),
        all_(service.submissions_),
        key_(std::move(key)),
        submission_(std::move(submission)) {
    (*all_)[key_] = submission_;
  }
  ~SubmissionServer() noexcept(false) {
    const auto found = all_->find(key_);
    if (found != all_->end() && found->second == submission_) all_->erase(found);
  }

 protected:
  kj::Promise<void> addInputs(AddInputsContext context) override {
    auto files = ReadInputs(context.getParams().getFiles());
    if (!files.ok()) return ToException(files.status());
    const absl::Status added = submission_->AddInputs(*std::move(files));
    if (!added.ok()) return ToException(added);
    return kj::READY_NOW;
  }

  kj::Promise<void> needsBinary(NeedsBinaryContext context) override {
    return submission_->NeedsBinary(ReadMessageText(context.getParams().getFile()))
        .then([context](absl::StatusOr<bool> needed) mutable {
          if (!needed.ok()) kj::throwFatalException(ToException(needed.status()));
          context.getResults().setNeeded(*needed);
        });
  }

  kj::Promise<void> addBinary(AddBinaryContext context) override {
    const auto data = context.getParams().getData().asChars();
    auto added = submission_->AddBinary(ReadMessageText(context.getParams().getFile()),
                                        context.getParams().getOffset(),
                                        std::string(data.begin(), data.size()));
    context.releaseParams();
    return added.then([](absl::Status status) {
      if (!status.ok()) kj::throwFatalException(ToException(status));
    });
  }

 private:
  const std::shared_ptr<Submissions> all_;
  const SubmissionKey key_;
  const std::shared_ptr<Submission> submission_;
};

// --- Jobs ---

class JobService::JobsServer final : public ScopedServer<capnp_master::Jobs> {
 public:
  // `connection` is no other's name.
  JobsServer(JobService& service, std::string connection)
      : ScopedServer(service.calls_),
        service_(service),
        connection_(std::move(connection)),
        submits_(service.submits_.Welcome(connection_).castAs<capnp_call::CallServer>()) {}

 protected:
  kj::Promise<void> open(OpenContext context) override {
    auto request = submits_.openRequest();
    request.setClient(context.getParams().getClient());
    return context.tailCall(kj::mv(request));
  }

  kj::Promise<void> call(CallContext context) override {
    auto request = submits_.callRequest();
    request.setHeader(context.getParams().getHeader());
    request.setRequest(context.getParams().getRequest());
    context.releaseParams();
    context.allowCancellation();  // of waiting for the reply: copies would pile up
    return context.tailCall(kj::mv(request));
  }

  kj::Promise<void> begin(BeginContext context) override {
    auto spec = ReadJobSpec(context.getParams().getSpec());
    const uint64_t input_count = context.getParams().getSpec().getInputCount();
    auto result = context.getResults().initResult();
    if (!spec.ok()) {
      result.setRefused(std::string(spec.status().message()).c_str());
      return kj::READY_NOW;
    }
    const JobId same = service_.core_.JobOfRequest(spec->request_id);
    if (same.is_set()) {
      result.setAlreadyAccepted(same.value());
      return service_.events_.Durable();
    }
    const auto client = context.getParams().getClient();
    auto submission =
        Submission::Open(*std::move(spec), input_count, service_.budget_, service_.binaries_);
    const std::string problem(submission.status().message());
    if (absl::IsResourceExhausted(submission.status())) {
      result.setBusy(problem.c_str());
    } else if (!submission.ok()) {
      result.setRefused(problem.c_str());
    } else {
      SubmissionKey key(connection_, ClientId{client.getHigh(), client.getLow()});
      result.setSubmission(
          kj::heap<SubmissionServer>(service_, std::move(key), *std::move(submission)));
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> list(ListContext context) override {
    const std::vector<JobView> jobs = service_.views_.Jobs();
    auto out = context.getResults().initJobs(jobs.size());
    for (size_t i = 0; i < jobs.size(); ++i) Write(jobs[i], out[i]);
    return kj::READY_NOW;
  }

  kj::Promise<void> watch(WatchContext context) override {
    const auto params = context.getParams();
    context.allowCancellation();
    auto watched = service_.Watch(JobId(params.getJob()), params.getKnownVersion(),
                                  params.getWaitMs() * kj::MILLISECONDS);
    return watched.then([context](std::optional<JobView> job) mutable {
      auto result = context.getResults().initResult();
      if (job.has_value()) {
        Write(*job, result.initJob());
      } else {
        result.setUnknownJob();
      }
    });
  }

  kj::Promise<void> cancel(CancelContext context) override {
    const JobId job(context.getParams().getJob());
    auto cancelled = service_.Cancel(job, ReadMessageText(context.getParams().getReason()));
    return cancelled.then([context, job, &views = service_.views_](CancelReply reply) mutable {
      WriteCancelResult(reply, views.Job(job), context.getResults().initResult());
    });
  }

  kj::Promise<void> attempts(AttemptsContext context) override {
    const auto params = context.getParams();
    const auto attempts = service_.views_.Attempts(JobId(params.getJob()), params.getFirst());
    auto result = context.getResults().initResult();
    if (!attempts.has_value()) {
      result.setUnknownJob();
      return kj::READY_NOW;
    }
    auto out = result.initAttempts(attempts->size());
    for (size_t i = 0; i < attempts->size(); ++i) Write((*attempts)[i], out[i]);
    return kj::READY_NOW;
  }

  kj::Promise<void> workers(WorkersContext context) override {
    const std::vector<WorkerView> workers = service_.views_.Workers();
    auto out = context.getResults().initWorkers(workers.size());
    for (size_t i = 0; i < workers.size(); ++i) Write(workers[i], out[i]);
    return kj::READY_NOW;
  }

  kj::Promise<void> lineage(LineageContext context) override {
    const auto params = context.getParams();
    const TaskId task{JobId(params.getJob()), params.getKind(), params.getIndex()};
    auto result = context.getResults().initResult();
    if (!service_.views_.Job(task.job).has_value()) {
      result.setUnknownJob();
      return kj::READY_NOW;
    }
    const auto lineage = service_.views_.Lineage(task, params.getFirstSource());
    if (lineage.ok()) {
      Write(*lineage, result.initLineage());
    } else {
      result.setUnknownTask(std::string(lineage.status().message()).c_str());
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> attemptLogs(AttemptLogsContext context) override {
    const WorkerId worker(context.getParams().getWorker());
    const auto attempts = ReadLogRequest(context.getParams().getAttempts());
    if (!attempts.ok()) return ToException(attempts.status());
    context.allowCancellation();
    return service_.LogsOf(worker, *attempts).then([context](WorkerLogs answer) mutable {
      auto result = context.getResults().initResult();
      if (answer.unavailable.empty()) {
        WriteAttemptLogs(answer.logs, result.initLogs(answer.logs.size()));
      } else {
        result.setUnavailable(answer.unavailable.c_str());
      }
    });
  }

 private:
  static void WriteCancelResult(CancelReply reply, const std::optional<JobView>& job,
                                capnp_master::CancelResult::Builder out) {
    if (reply == CancelReply::kUnknownJob || !job.has_value()) {
      out.setUnknownJob();
    } else if (reply == CancelReply::kAccepted) {
      out.setCancelled();
    } else {
      out.setAlreadyEnded(Name(job->state));
    }
  }

  JobService& service_;
  const std::string connection_;
  capnp_call::CallServer::Client submits_;
};

// --- Binaries ---

class JobService::ReaderServer final : public ScopedServer<capnp_worker::ByteReader> {
 public:
  ReaderServer(JobService& service, std::shared_ptr<BinaryStore::OpenBinary> binary)
      : ScopedServer(service.calls_), binary_(std::move(binary)) {}

 protected:
  kj::Promise<void> read(ReadContext context) override {
    context.allowCancellation();
    const auto params = context.getParams();
    auto data = binary_->Read(params.getOffset(), params.getLength());
    return data.then([context](absl::StatusOr<std::string> data) mutable {
      if (!data.ok()) kj::throwFatalException(ToException(data.status()));
      auto out = context.getResults(capnp::MessageSize{data->size() / sizeof(capnp::word) + 16, 0})
                     .initData(data->size());
      std::copy(data->begin(), data->end(), out.asChars().begin());
    });
  }

 private:
  const std::shared_ptr<BinaryStore::OpenBinary> binary_;
};

class JobService::BinariesServer final : public ScopedServer<capnp_master::Binaries> {
 public:
  explicit BinariesServer(JobService& service) : ScopedServer(service.calls_), service_(service) {}

 protected:
  kj::Promise<void> open(OpenContext context) override {
    const JobId job(context.getParams().getJob());
    const std::shared_ptr<const StoredJob> stored = service_.jobs_.Find(job);
    if (stored == nullptr) {
      context.getResults().initResult().setRefused(
          absl::StrCat(ToString(job), " is not known here, or has ended").c_str());
      return kj::READY_NOW;
    }
    const std::string name = ReadMessageText(context.getParams().getFile());
    const JobBinary* const file = FindJobFile(stored->context, name);
    if (file == nullptr) {
      context.getResults().initResult().setRefused(
          absl::StrCat(ToString(job), " has no side file '", name, "'").c_str());
      return kj::READY_NOW;
    }
    auto opened = service_.binaries_.Open(*file);
    return opened.then(
        [context, &service = service_](
            absl::StatusOr<std::shared_ptr<BinaryStore::OpenBinary>> binary) mutable {
          auto result = context.getResults().initResult();
          if (!binary.ok()) {
            result.setRefused(std::string(binary.status().message()).c_str());
            return;
          }
          auto file = result.initFile();
          file.setSize((*binary)->size());
          file.setReader(kj::heap<ReaderServer>(service, *std::move(binary)));
        });
  }

 private:
  JobService& service_;
};

// --- The service ---

JobService::JobService(const MasterCore& core, EventSink& events, const ClientViews& views,
                       Admission& admission, BinaryStore& binaries, const JobStore& jobs,
                       WorkerLinks& links, kj::Timer& timer, Epoch epoch)
    : core_(core),
      events_(events),
      views_(views),
      admission_(admission),
      binaries_(binaries),
      jobs_(jobs),
      links_(links),
      timer_(timer),
      submits_(timer, SessionsOf(epoch), [this](const CallInfo& call, const std::string& request) {
        return Submit({call.peer, call.header.client}, request);
      }) {}

capnp::Capability::Client JobService::NewJobs(const std::string& peer) {
  return capnp_master::Jobs::Client(
      kj::heap<JobsServer>(*this, absl::StrCat(peer, ", connection ", ++connections_)));
}

capnp::Capability::Client JobService::NewBinaries() {
  return capnp_master::Binaries::Client(kj::heap<BinariesServer>(*this));
}

kj::Promise<std::optional<JobView>> JobService::Watch(JobId job, uint64_t known,
                                                      kj::Duration wait) {
  std::optional<JobView> view = views_.Job(job);
  // A job that has ended changes no more.
  if (view.has_value() && view->ended()) return events_.Durable().then([view]() { return view; });
  // A version that is not ours is an earlier master's.
  if (!view.has_value() || view->version != known) return view;
  auto changed = changes_.Await(job).ignoreResult();
  return changed.exclusiveJoin(timer_.afterDelay(std::min(wait, kWatchMax))).then([this, job]() {
    return views_.Job(job);
  });
}

kj::Promise<WorkerLogs> JobService::LogsOf(WorkerId worker,
                                           const std::vector<AttemptId>& attempts) {
  if (!links_.IsConnected(worker)) return WorkerLogs{{}, views_.WhyAway(worker)};
  return links_.LogsOf(worker, attempts);
}

kj::Promise<CancelReply> JobService::Cancel(JobId job, std::string reason) {
  auto answer = cancels_.Await(job);
  events_.Happened(CancelRequested{job, std::move(reason)});
  return answer;
}

kj::Promise<CallReply> JobService::Submit(const SubmissionKey& key, const std::string& request_id) {
  const auto found = submissions_->find(key);
  kj::Promise<AdmissionAnswer> answer = nullptr;
  if (const JobId same = core_.JobOfRequest(request_id); same.is_set()) {
    answer = events_.Durable().then([same]() { return AdmissionAnswer{same, ""}; });
  } else if (admitting_.count(request_id) != 0) {
    // By a call that its client has given up as unknown. What becomes of it becomes of this one.
    return admitted_.Await(request_id);
  } else if (found == submissions_->end()) {
    return CallReply::Done("");
  } else {
    admitting_.insert(request_id);
    answer = Admit(found->second);
  }
  return answer
      .then([this, request_id](const AdmissionAnswer& given) {
        CallReply reply = ReplyOf(given);
        admitting_.erase(request_id);
        admitted_.Answer(request_id, reply);
        return reply;
      })
      // When the journal has failed, nobody knows what it holds: no answer is the only true one.
      .catch_([](kj::Exception&&) -> kj::Promise<CallReply> { return kj::NEVER_DONE; });
}

kj::Promise<AdmissionAnswer> JobService::Admit(std::shared_ptr<Submission> submission) {
  kj::Promise<AdmissionAnswer> answer =
      submission->Seal().then([this](absl::StatusOr<JobSpec> spec) -> kj::Promise<AdmissionAnswer> {
        if (spec.ok()) return admission_.Admit(*std::move(spec));
        return AdmissionAnswer{JobId(), std::string(spec.status().message())};
      });
  // Until then it holds the files that the job needs.
  return answer.attach(std::move(submission));
}

void JobService::Answer(const AnswerCancel& action) { cancels_.Answer(action.job, action.reply); }

void JobService::Changed(const JobChanged& action) { changes_.Answer(action.job, action.job); }

}  // namespace millrace
