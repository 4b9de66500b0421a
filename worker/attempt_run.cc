#include "worker/attempt_run.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/profile.h"
#include "rpc/status_exception.h"
#include "storage/failpoint.h"
#include "storage/paths.h"
#include "worker/side_files.h"

namespace millrace {
namespace {

// An executor that is silent for so long, though it was asked so often, is killed.
constexpr kj::Duration kExecutorSilenceMax = 60 * kj::SECONDS;
constexpr int kUnansweredMin = 10;

// Why the job's binary cannot be had (see BinaryCache::Find).
Cause CauseOfNoBinary(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition: return Cause::kJobInvalid;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument: return Cause::kWorkerUnfit;
    default: return Cause::kWorkerFailed;
  }
}

// Why it cannot be started (see ChildProcess::Start).
Cause CauseOfNoStart(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument: return Cause::kWorkerUnfit;
    default: return Cause::kWorkerFailed;
  }
}

}  // namespace

AttemptRun::AttemptRun(const AttemptHost& host, const JobContext& job, AttemptSpec spec,
                       Owner& owner)
    : host_(host),
      job_(job),
      spec_(std::move(spec)),
      files_(FilesOf(spec_, job_, host.scratch_folder)),
      owner_(owner),
      tasks_(*this) {
  log_.is_kept = true;  // it has written nothing yet
}

AttemptRun::~AttemptRun() noexcept(false) {
  if (fetcher_.get() != nullptr && job_.profile) host_.shuffle_cpu.End();
  if (executor_.get() == nullptr) return;
  executor_->Kill();
  host_.executors.GiveBack(spec_.task.job, kj::mv(executor_));
}

void AttemptRun::Begin(const KnownJob& job) {
  if (spec_.kind == StageKind::kMap) return AskForSlot();
  if (job_.profile) host_.shuffle_cpu.Begin();
  // The fetcher writes into the attempt's folder.
  const auto make = [files = files_, &fs = host_.file_system]() { return files.Make(fs); };
  ShuffleFetcherOptions options;
  options.reduce = spec_.task;
  options.attempt = spec_.attempt;
  options.map_count = job_.map_count;
  options.attempt_folder = files_.attempt_folder;
  options.plan.mode = job_.shuffle;
  options.plan.host_id = host_.host_id;
  options.plan.kept = job_.keeps_outputs();
  if (job_.keeps_outputs()) options.kept_folder = KeptFolder(job_.keep_folder, job_.staging_key);
  fetcher_ = kj::heap<ShuffleFetcher>(
      ShuffleFetcher::Host{host_.timer, host_.file_system, host_.io, host_.peers}, options,
      [this]() { OnFetchChange(); });
  tasks_.add(host_.io.Run(make).then([this](absl::Status made) {
    if (!made.ok()) Fail(Cause::kWorkerFailed, std::string(made.message()));
  }));
  BeginFetching(job);
}

// Work on the I/O thread keeps its order, so the folder is there before the first file.
void AttemptRun::BeginFetching(const KnownJob& job) {
  fetcher_->Publish(job.version, job.AllSources(), job.addresses);
}

void AttemptRun::Publish(uint64_t version, const std::vector<MapSource>& sources,
                         const std::map<WorkerId, ShuffleAddress>& addresses) {
  // Once it has a slot, it reads what it has; a source that vanishes meanwhile is found missing.
  if (fetcher_.get() == nullptr || asked_for_slot_ || ended_) return;
  fetcher_->Publish(version, sources, addresses);
}

void AttemptRun::OnFetchChange() {
  if (ended_ || cancelled_ || asked_for_slot_) return;
  if (!fetcher_->local_failure().ok()) {
    return Fail(Cause::kWorkerFailed, std::string(fetcher_->local_failure().message()));
  }
  const FetchPlan& plan = fetcher_->plan();
  if (plan.failure().has_value()) {
    AttemptOutcome outcome;
    outcome.cause = Cause::kFetchFailed;
    outcome.message = plan.failure()->message;
    outcome.failed_map_index = plan.failure()->source.map_index;
    outcome.failed_source = plan.failure()->source.attempt;
    outcome.source_unreachable = plan.failure()->unreachable;
    return Finish(std::move(outcome));
  }
  if (!plan.ready()) return;
  if (granted_) return AskForSlot();
  if (announced_ && announced_version_ == plan.version()) return;
  announced_ = true;
  announced_version_ = plan.version();
  owner_.OnSourcesReady(*this, announced_version_);
}

void AttemptRun::ForgetVersion() {
  announced_ = false;
  if (fetcher_.get() == nullptr) return;
  fetcher_->ForgetVersion();
  if (job_.map_count == 0) OnFetchChange();  // of sources there will be no news
}

void AttemptRun::Grant() {
  granted_ = true;
  if (fetcher_.get() == nullptr || ended_ || cancelled_) return;
  // A source lost while the grant was on its way: the slot is used when the new one is here.
  if (fetcher_->plan().ready()) AskForSlot();
}

void AttemptRun::AskForSlot() {
  if (asked_for_slot_) return;
  asked_for_slot_ = true;
  owner_.OnWantsSlot(*this);
}

void AttemptRun::UseSlot() {
  has_slot_ = true;
  tasks_.add(RunInExecutor());
}

kj::Promise<void> AttemptRun::RunInExecutor() {
  return host_.io.Run([files = files_, &fs = host_.file_system]() { return files.Make(fs); })
      .then([this](absl::Status made) -> kj::Promise<absl::StatusOr<std::string>> {
        if (!made.ok()) return absl::StatusOr<std::string>(made);
        return FindProgram();
      })
      .then(
          [this](absl::StatusOr<std::string> binary) { return StartExecutor(std::move(binary)); });
}

kj::Promise<absl::StatusOr<std::string>> AttemptRun::FindProgram() {
  return PlaceSideFiles(host_.binaries, host_.io, job_, files_.side_files_folder)
      .then([this](absl::Status placed) -> kj::Promise<absl::StatusOr<std::string>> {
        if (!placed.ok()) return absl::StatusOr<std::string>(placed);
        return host_.binaries.Find(spec_.task.job, job_.binary);
      });
}

kj::Promise<void> AttemptRun::StartExecutor(absl::StatusOr<std::string> binary) {
  if (ended_) return kj::READY_NOW;  // cancelled meanwhile
  if (!binary.ok()) {
    Fail(CauseOfNoBinary(binary.status()), std::string(binary.status().message()));
    return kj::READY_NOW;
  }
  ExecutorCommand command;
  command.binary_path = *std::move(binary);
  command.argv = job_.argv;
  command.environment = job_.environment;
  command.environment.push_back(absl::StrCat(kStepVariable, "=", job_.step));
  command.working_folder = files_.job_folder;
  absl::StatusOr<kj::Own<Executor>> executor = host_.executors.Take(spec_.task.job, command);
  if (!executor.ok()) {
    Fail(CauseOfNoStart(executor.status()), std::string(executor.status().message()));
    return kj::READY_NOW;
  }
  executor_ = kj::mv(*executor);
  if (fetcher_.get() != nullptr) {
    shuffled_bytes_ = fetcher_->plan().bytes();
    for (const ReduceSource& source : fetcher_->plan().Sources()) {
      source_records_ += source.expected.records;
    }
    progress_.bytes = shuffled_bytes_;
    progress_.steps = fetcher_->steps();
  }
  auto run = executor_->Run(MakeTask());
  Pass(Failpoint::kMapLaunched, Failpoint::kReduceLaunched);
  return Await(kj::mv(run));
}

kj::Promise<void> AttemptRun::Await(kj::Promise<AttemptOutcome> run) {
  return run.then([this](AttemptOutcome outcome) {
    log_ = executor_->Log();
    host_.executors.GiveBack(spec_.task.job, kj::mv(executor_));
    if (spec_.kind == StageKind::kReduce) outcome.stats.shuffled_bytes = shuffled_bytes_;
    if (outcome.cause == Cause::kSucceeded) {
      if (fetcher_.get() != nullptr && job_.profile) AddShuffle(&outcome);
      Pass(Failpoint::kMapBeforeReport, Failpoint::kReduceBeforeReport);
    }
    Finish(std::move(outcome));
  });
}

// What its executor cannot know of.
void AttemptRun::AddShuffle(AttemptOutcome* outcome) {
  Profile profile;
  profile[WorkPhase::kShuffle].cpu_us = host_.shuffle_cpu.TakeUs();
  AddToCounters(profile, &outcome->counters);
}

void AttemptRun::Pass(Failpoint of_map, Failpoint of_reduce) const {
  PassFailpoint(spec_.kind == StageKind::kMap ? of_map : of_reduce,
                [this]() { return FailpointDetail(spec_.task, spec_.attempt); });
}

ExecutorTask AttemptRun::MakeTask() const {
  ExecutorTask task;
  task.attempt = spec_.attempt;
  task.task = spec_.task;
  task.partitions = job_.reducers;
  task.split_keys = job_.split_keys;
  task.output_path = files_.output;
  task.temp_folder = files_.attempt_folder;
  task.memory_bytes = job_.task_memory_bytes;
  task.profile = job_.profile;
  task.environment = EnvironmentOf(spec_, job_, host_.worker_name);
  if (!job_.side_files.empty()) {
    task.environment.push_back("MILLRACE_FILES=" + files_.side_files_folder);
  }
  if (spec_.kind == StageKind::kMap) {
    task.work = spec_.split;
    task.one_by_one = spec_.one_by_one;
    task.skip = spec_.skip;
    task.keeps_output = job_.keeps_outputs();
    task.part_of = spec_.part_of;
  } else {
    task.work = fetcher_->plan().Sources();
  }
  return task;
}

void AttemptRun::Cancel() {
  if (cancelled_ || ended_) return;
  cancelled_ = true;
  if (executor_.get() != nullptr) {
    executor_->Kill();  // its outcome follows
    return;
  }
  Fail(Cause::kCancelled, "the attempt was cancelled");
}

void AttemptRun::RefreshProgress() {
  if (executor_.get() == nullptr) {
    if (fetcher_.get() == nullptr) return;
    progress_.bytes = fetcher_->plan().bytes();
    progress_.steps = fetcher_->steps();
    return;
  }
  if (refreshing_) return;
  refreshing_ = true;
  tasks_.add(
      executor_->Progress().then([this](const AttemptProgress& progress) { Take(progress); }));
}

void AttemptRun::Take(const AttemptProgress& progress) {
  refreshing_ = false;
  if (!progress.answered) return OnNoAnswer();
  unanswered_ = 0;
  progress_ = progress;
  if (spec_.kind == StageKind::kMap) {
    progress_.done = progress.bytes;
    for (const FileRange& range : spec_.split) progress_.total += range.length;
    return;
  }
  // What was fetched stays progress made.
  progress_.bytes += shuffled_bytes_;
  progress_.steps += fetcher_->steps();
  progress_.done = progress.records;
  progress_.total = source_records_;
}

// User code has a thread of its own, so whatever it does the executor answers, unless it is stopped
// or its host thrashes. Time that this worker itself stood still is no silence: questions count.
void AttemptRun::OnNoAnswer() {
  const kj::TimePoint now = host_.timer.now();
  if (unanswered_++ == 0) silent_since_ = now;
  const kj::Duration silence = now - silent_since_;
  if (silence < kExecutorSilenceMax || unanswered_ < kUnansweredMin || cancelled_) return;
  timed_out_ = true;
  if (executor_.get() != nullptr) executor_->Kill();  // its outcome follows
}

void AttemptRun::Fail(Cause cause, const std::string& message) {
  AttemptOutcome outcome;
  outcome.cause = cause;
  outcome.message = message;
  Finish(std::move(outcome));
}

void AttemptRun::Finish(AttemptOutcome outcome) {
  if (ended_) return;
  ended_ = true;
  outcome.attempt = spec_.attempt;
  outcome.task = spec_.task;
  if (timed_out_ && outcome.cause == Cause::kCancelled) {
    outcome.cause = Cause::kTimedOut;
    outcome.message = absl::StrCat("its executor did not answer for ",
                                   kExecutorSilenceMax / kj::SECONDS, " s and was killed");
  }
  if (cancelled_) outcome.cause = Cause::kCancelled;
  const bool keep = outcome.cause == Cause::kSucceeded;
  host_.io
      .Run([files = files_, keep, &fs = host_.file_system]() {
        keep ? files.RemoveTemporary(fs) : files.RemoveAll(fs);
        return absl::OkStatus();
      })
      .detach([](kj::Exception&&) {});
  owner_.OnEnded(*this, std::move(outcome));
}

void AttemptRun::taskFailed(kj::Exception&& exception) {
  const absl::Status status = ToStatus(exception);
  LOG(ERROR) << ToString(spec_.attempt) << ": " << status.message();
  Fail(Cause::kWorkerFailed, std::string(status.message()));
}

}  // namespace millrace
