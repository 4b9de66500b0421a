#include "client/job_run.h"

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/job_spec.h"
#include "client/job_submission.h"
#include "client/job_watch.h"
#include "client/master_link.h"
#include "client/process_cpu.h"
#include "client/progress.h"
#include "client/reports.h"
#include "client/summary.h"
#include "client/terminal.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/profile.h"
#include "rpc/status_exception.h"
#include "storage/output_committer.h"
#include "storage/posix_file_system.h"
#include "worker/child_exit.h"

namespace millrace {
namespace {

// A cancelled job ends as soon as its staging is removed; a master that then stops never says so.
constexpr kj::Duration kCancelPatience = 10 * kj::SECONDS;

ConnectionOptions WithKey(const ClusterKey& key) {
  ConnectionOptions options;
  options.key = key;
  return options;
}

// What workers used to bring map outputs to reduces is in the profile that they reported.
uint64_t ShuffleOfWorkers(const JobView& view) {
  return ProfileIn(view.counters)[WorkPhase::kShuffle].cpu_us;
}

// A local cluster would end with its client and leave files behind. A job on a running cluster goes
// on when the client's terminal closes, and nohup is for those who want to go on in any case.
bool MustHoldHangup(bool is_local) {
  struct sigaction action;
  return is_local && sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler != SIG_IGN;
}

class JobRun {
 public:
  JobRun(kj::AsyncIoContext& io, const JobTarget& target, const JobOptions& options, JobDraft draft)
      : io_(io),
        timer_(io.provider->getTimer()),
        target_(target),
        options_(options),
        draft_(std::move(draft)),
        patience_(options.connect_timeout_ms * kj::MILLISECONDS),
        mode_(ProgressModeFor(options.progress)),
        progress_(mode_, WriteToTerminal, TerminalColumns),
        link_(io.provider->getNetwork(), timer_, target.master, WithKey(target.key)) {}

  // The job's exit code, unless a person or the end of our own cluster comes first.
  kj::Promise<int> Run() {
    return FromStartToEnd()
        .catch_([this](kj::Exception&& exception) { return Failed(exception); })
        .exclusiveJoin(Interrupted())
        .exclusiveJoin(ClusterEnded());
  }

 private:
  kj::Promise<int> FromStartToEnd() {
    return link_.Connect(patience_)
        .then([this]() { return ChooseReducers(); })
        .then([this]() { return Submit(); })
        .then([this](absl::StatusOr<JobId> job) { return Accepted(std::move(job)); });
  }

  kj::Promise<void> ChooseReducers() {
    if (options_.reducers.has_value()) {
      draft_.SetReducers(*options_.reducers);
      return kj::READY_NOW;
    }
    const uint64_t input_bytes = TotalBytes(draft_.spec.inputs);
    if (target_.local != nullptr) {
      const uint64_t slots = target_.local->workers().processes().size();
      draft_.SetReducers(DefaultReducers(slots, input_bytes));
      return kj::READY_NOW;
    }
    return link_.Workers().then([this, input_bytes](std::vector<WorkerView> workers) {
      uint64_t slots = 0;
      for (const WorkerView& worker : workers) {
        if (worker.state != "lost") slots += worker.slots;
      }
      // With nobody there yet, as for one slot: eight parts.
      draft_.SetReducers(DefaultReducers(slots == 0 ? 1 : slots, input_bytes));
    });
  }

  kj::Promise<absl::StatusOr<JobId>> Submit() {
    if (absl::Status made = MakeKeepFolder(); !made.ok()) return absl::StatusOr<JobId>(made);
    submission_ = kj::heap<JobSubmission>(link_, draft_.spec, patience_);
    return submission_->Run();
  }

  // It is the client that makes the folder for map outputs: where the master or a worker does not
  // see it, it is not the same one.
  absl::Status MakeKeepFolder() {
    if (draft_.spec.keep_folder.empty()) return absl::OkStatus();
    MILLRACE_ASSIGN_OR_RETURN(keep_made_,
                              OutputCommitter(&fs_).TopmostMissing(draft_.spec.keep_folder));
    absl::Status made = fs_.CreateFolders(draft_.spec.keep_folder);
    if (made.ok()) return made;
    return absl::Status(made.code(), absl::StrCat("--keep_intermediate=", draft_.spec.keep_folder,
                                                  " cannot be made: ", made.message()));
  }

  void RemoveKeepFolder() {
    OutputCommitter(&fs_).RemoveMadeFolders(draft_.spec.keep_folder, keep_made_).IgnoreError();
  }

  kj::Promise<int> Accepted(absl::StatusOr<JobId> job) {
    if (!job.ok()) {
      RemoveKeepFolder();
      return Say(job.status().message(), kExitUsage);
    }
    job_ = *job;
    if (interrupted_) return CancelFirst();
    if (options_.detach) {
      std::printf("%s\n", ToString(job_).c_str());
      return int{kExitSuccess};
    }
    return Follow();
  }

  // The submission had connections of its own; ours may have led to a master that has ended since.
  kj::Promise<int> CancelFirst() {
    return link_.Connect(patience_)
        .catch_([](kj::Exception&&) {})  // Cancel says that there is none
        .then([this]() { return Cancel().exclusiveJoin(Follow()); });
  }

  kj::Promise<int> Follow() {
    JobWatchOptions watch;
    watch.period = progress_.period_ms() * kj::MILLISECONDS;
    watch.on_view = [this](const JobView& view) { progress_.Show(view, NowMs()); };
    watch.on_note = [this](std::string_view note) { progress_.Note(note); };
    watch_ = kj::heap<JobWatch>(link_, job_, kj::mv(watch));
    return watch_->Run().then(
        [this](absl::StatusOr<JobView> view) { return Ended(std::move(view)); });
  }

  kj::Promise<int> Ended(absl::StatusOr<JobView> view) {
    if (!view.ok()) {
      const bool is_elsewhere = absl::IsFailedPrecondition(view.status());
      return Say(view.status().message(), is_elsewhere ? kExitUnreachable : kExitFailed);
    }
    progress_.Finish(*view, NowMs());
    if (options_.profile) AddOwnCpu(&*view);
    return AttemptsOf(*view).then(
        [this, view = *view](std::vector<AttemptView> attempts) { return Report(view, attempts); });
  }

  // What no executor knows of: this process, and on a local cluster its master and workers, which
  // have counted what they did for the shuffle.
  void AddOwnCpu(JobView* view) {
    uint64_t cpu_us = CpuMicrosecondsOf(getpid());
    if (LocalCluster* const local = target_.local; local != nullptr) {
      uint64_t workers_us = 0;
      for (const auto& worker : local->workers().processes()) {
        workers_us += CpuMicrosecondsOf(worker->child().pid());
      }
      const uint64_t shuffle_us = ShuffleOfWorkers(*view);
      cpu_us += CpuMicrosecondsOf(local->master().child().pid());
      cpu_us += workers_us - std::min(workers_us, shuffle_us);
    }
    Profile profile;
    profile[WorkPhase::kControl].cpu_us = cpu_us;
    AddToCounters(profile, &view->counters);
  }

  // For the reports, if they need any.
  kj::Promise<std::vector<AttemptView>> AttemptsOf(const JobView& view) {
    if (view.state != JobState::kFailed && options_.joblog.empty()) {
      return std::vector<AttemptView>();
    }
    return link_.Attempts(job_).then(
        [](absl::StatusOr<std::vector<AttemptView>> attempts) {
          return attempts.ok() ? *std::move(attempts) : std::vector<AttemptView>();
        },
        [](kj::Exception&&) { return std::vector<AttemptView>(); });
  }

  int Report(const JobView& view, const std::vector<AttemptView>& attempts) {
    if (view.state == JobState::kFailed) WriteToTerminal(FailureText(view, attempts));
    if (IsForPeople(mode_)) WriteToTerminal(SummaryText(view));
    if (absl::Status written = WriteReports(fs_, options_, view, attempts); !written.ok()) {
      return Say(written.message(), kExitFailed);
    }
    if (view.state == JobState::kCancelled) return kExitCancelled;
    return view.state == JobState::kSucceeded ? kExitSuccess : kExitFailed;
  }

  int Failed(const kj::Exception& exception) {
    const bool other_version = exception.getType() == kj::Exception::Type::UNIMPLEMENTED;
    const int code = job_.is_set() ? kExitFailed : kExitUnreachable;
    if (!job_.is_set()) RemoveKeepFolder();
    return Say(ToStatus(exception).message(), other_version ? kExitVersionMismatch : code);
  }

  // --- What may come before the end ---

  kj::Promise<void> NextInterrupt() {
    kj::Promise<siginfo_t> asked =
        io_.unixEventPort.onSignal(SIGINT).exclusiveJoin(io_.unixEventPort.onSignal(SIGTERM));
    if (MustHoldHangup(target_.local != nullptr)) {
      asked = asked.exclusiveJoin(io_.unixEventPort.onSignal(SIGHUP));
    }
    return asked.ignoreResult();
  }

  // Cancels at the first Ctrl-C and waits for the job to end; leaves at the second.
  kj::Promise<int> Interrupted() {
    return NextInterrupt().then([this]() -> kj::Promise<int> {
      if (submission_.get() == nullptr) return int{kExitCancelled};
      interrupted_ = true;
      progress_.Note("cancelling; Ctrl-C again leaves at once");
      // The master may have accepted the job, though we do not know yet: Accepted cancels then.
      kj::Promise<int> cancelled = job_.is_set() ? Cancel() : kj::NEVER_DONE;
      return cancelled.exclusiveJoin(NextInterrupt().then([]() { return int{kExitCancelled}; }));
    });
  }

  // Tells the master, and gives the job some time to end. Resolves only if it does not.
  kj::Promise<int> Cancel() {
    return kj::evalNow([this]() { return link_.Cancel(job_, "cancelled by its client"); })
        .then(
            [this](absl::StatusOr<std::string>) {
              return timer_.afterDelay(kCancelPatience).then([]() { return int{kExitCancelled}; });
            },
            [this](kj::Exception&& exception) -> kj::Promise<int> {
              // Our own cluster ends with us.
              if (target_.local != nullptr) return int{kExitCancelled};
              return Say(absl::StrCat("cannot tell the master at ", target_.master, " to cancel (",
                                      ToStatus(exception).message(), "); ", ToString(job_),
                                      " goes on, until `millrace cancel ", ToString(job_), "`"),
                         kExitTimedOut);
            });
  }

  // Resolves when the local cluster can no longer finish the job.
  kj::Promise<int> ClusterEnded() {
    if (target_.local == nullptr) return kj::NEVER_DONE;
    workers_left_ = target_.local->workers().processes().size();
    kj::Promise<int> ended = WhenEnds(target_.local->master().child(), "master");
    for (const auto& worker : target_.local->workers().processes()) {
      ended = ended.exclusiveJoin(WhenEnds(worker->child(), "worker"));
    }
    return ended;
  }

  kj::Promise<int> WhenEnds(ChildProcess& child, const char* what) {
    exits_.push_back(kj::heap<ChildExit>(io_.unixEventPort, child));
    return exits_.back()->Wait().then([this, what](ExitStatus status) -> kj::Promise<int> {
      const bool is_worker = *what == 'w';
      if (is_worker && --workers_left_ > 0) return kj::NEVER_DONE;
      return Say(absl::StrCat("the local cluster's ", is_worker ? "last " : "", what, " ended (",
                              status.Describe(), "); what it said, if anything, is above"),
                 kExitFailed);
    });
  }

  // -------------------------------

  int Say(absl::string_view message, int exit_code) {
    progress_.Clear();
    WriteToTerminal(absl::StrCat(target_.program, ": ", message, "\n"));
    return exit_code;
  }

  uint64_t NowMs() const { return (timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS; }

  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  const JobTarget& target_;
  const JobOptions& options_;
  JobDraft draft_;
  const kj::Duration patience_;
  const ProgressMode mode_;
  ProgressReporter progress_;
  MasterLink link_;
  PosixFileSystem fs_;
  std::string keep_made_;  // the folder highest up that was missing for map outputs; empty if none
  JobId job_;              // set when the master has accepted the job
  bool interrupted_ = false;
  size_t workers_left_ = 0;
  std::vector<kj::Own<ChildExit>> exits_;
  kj::Own<JobSubmission> submission_;
  kj::Own<JobWatch> watch_;
};

}  // namespace

int RunJob(const JobTarget& target, const JobOptions& options, JobDraft draft) {
  ExceptionLogging logging = InstallExceptionLogging();
  kj::AsyncIoContext io = kj::setupAsyncIo();
  JobRun run(io, target, options, std::move(draft));
  return run.Run().wait(io.waitScope);
}

void HoldSignals(ClusterKind cluster) {
  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGTERM);
  if (MustHoldHangup(cluster == ClusterKind::kLocal)) kj::UnixEventPort::captureSignal(SIGHUP);
}

}  // namespace millrace
