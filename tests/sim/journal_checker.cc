#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/sim/checkers.h"

namespace millrace::sim {
namespace {

// Reads a journal from front to back and notes everything that cannot be.
class JournalReader {
 public:
  explicit JournalReader(const UserCode& user_code) : user_code_(user_code) {}

  void Read(const JobEdit& edit) {
    std::visit([this](const auto& one) { On(one); }, edit);
  }

  Complaints Finish() {
    for (const auto& [task, seen] : tasks_) CheckAttempts(task, seen);
    for (const auto& [id, job] : jobs_) {
      CheckBackups(id, job);
      if (job.loss_is_free) Complain(job.loss.subject, " was noticed to be lost, and cost nothing");
    }
    return std::move(complaints_);
  }

 private:
  struct Attempt {
    TaskId task;
    WorkerId worker;
    bool ended = false;
  };
  struct Seen {
    AttemptId winner;  // while the task is done
    bool was_done = false;
    Digest digest;
    uint32_t started = 0;
    uint32_t first = 0;
    uint32_t speculative = 0;
    uint32_t undone = 0;  // attempts that did not win, and lost outputs
    uint32_t user_failures = 0;
    std::vector<InputRecord> failed_at;
    std::set<InputRecord> skipped;
  };
  struct Job {
    JobPlan plan;
    uint32_t skipped = 0;
    bool publishing = false;
    bool ended = false;
    bool succeeded = false;
    std::map<uint32_t, uint32_t> backups;  // by stage
    bool has_loss = false;                 // and the newest is `loss`
    LossNoticed loss;
    bool loss_is_free = false;  // so far nothing was lost to it
  };

  template <typename... Parts>
  void Complain(const Parts&... parts) {
    complaints_.push_back(absl::StrCat("journal: ", parts...));
  }

  void On(const JobAccepted& edit) {
    if (!jobs_.emplace(edit.job, Job{edit.plan}).second) {
      Complain(ToString(edit.job), " was accepted twice");
    }
    if (!requests_.insert(edit.plan.request_id).second) {
      Complain("request ", edit.plan.request_id, " gave a second job, ", ToString(edit.job));
    }
    for (const auto& [id, job] : jobs_) {
      if (id == edit.job || job.ended || edit.plan.feeds) continue;
      if (job.plan.output_folder == edit.plan.output_folder) {
        Complain(ToString(id), " and ", ToString(edit.job), " write to one folder");
      }
    }
  }

  void On(const WorkerRegistered& edit) {
    if (!workers_.emplace(edit.worker, /*lost=*/false).second) {
      Complain(ToString(edit.worker), " was registered twice");
    }
  }

  void On(const millrace::WorkerLost& edit) {
    const auto worker = workers_.find(edit.worker);
    if (worker == workers_.end() || worker->second) {
      Complain(ToString(edit.worker), " was lost without being there");
    } else {
      worker->second = true;
    }
  }

  void On(const AttemptStarted& edit) {
    const std::string name = ToString(edit.attempt);
    CheckRivals(edit);
    if (!attempts_.emplace(edit.attempt, Attempt{edit.task, edit.worker}).second) {
      Complain(name, " was started twice");
    }
    if (edit.attempt.epoch.value() < epoch_) Complain(name, " was started by a master of the past");
    epoch_ = std::max(epoch_, edit.attempt.epoch.value());
    if (!IsPresent(edit.worker)) Complain(name, " was started on lost ", ToString(edit.worker));
    if (!Runs(edit.task.job)) Complain(name, " was started for a job that does not run");
    CheckPart(edit);
    Seen& seen = tasks_[edit.task];
    if (seen.winner.is_set()) Complain(name, " was started for a task that is done");
    ++seen.started;
    seen.first += edit.reason == Reason::kFirst;
    seen.speculative += edit.reason == Reason::kSpeculative;
    if (edit.reason == Reason::kSpeculative) ++jobs_[edit.task.job].backups[edit.task.stage];
  }

  // The part that a map of a chain reads is there.
  void CheckPart(const AttemptStarted& edit) {
    const JobId reads = jobs_[edit.task.job].plan.reads;
    if (edit.task.stage > 0 || !reads.is_set()) return;
    if (!tasks_[TaskId{reads, 1, edit.task.index}].winner.is_set()) {
      Complain(ToString(edit.attempt), " was started without the part that it reads");
    }
  }

  // A backup has something to back up, elsewhere; any other attempt has its task for itself.
  void CheckRivals(const AttemptStarted& edit) {
    const bool backup = edit.reason == Reason::kSpeculative;
    int rivals = 0;
    for (const auto& [id, attempt] : attempts_) {
      if (attempt.task != edit.task || attempt.ended) continue;
      ++rivals;
      if (attempt.worker == edit.worker) {
        Complain(ToString(edit.attempt), " and ", ToString(id), " run side by side on one worker");
      }
    }
    if (rivals != (backup ? 1 : 0)) {
      Complain(ToString(edit.attempt), " was started beside ", rivals, " others of its task");
    }
  }

  void On(const AttemptEnded& edit) {
    End(edit.attempt, edit.task);
    Seen& seen = tasks_[edit.task];
    ++seen.undone;
    seen.user_failures += edit.cause == Cause::kUserCodeFailed;
    if (!edit.record.file.empty()) seen.failed_at.push_back(edit.record);
    ChargeLoss(edit);
    if (edit.cause == Cause::kSucceeded) {
      Complain(ToString(edit.attempt), " succeeded without a result");
    }
  }

  void On(const TaskDone& edit) {
    End(edit.attempt, edit.task);
    const auto attempt = attempts_.find(edit.attempt);
    if (attempt != attempts_.end() && !IsPresent(attempt->second.worker)) {
      Complain(ToString(edit.attempt), " won on lost ", ToString(attempt->second.worker));
    }
    if (!Runs(edit.task.job)) Complain(ToString(edit.attempt), " won in a job that does not run");
    Seen& seen = tasks_[edit.task];
    if (seen.winner.is_set()) {
      Complain(ToString(edit.attempt), " and ", ToString(seen.winner), " won one task");
    }
    if (seen.was_done && seen.digest != edit.digest) {
      Complain(ToString(edit.attempt), " gave other output than the winner before it");
    }
    seen.winner = edit.attempt;
    seen.was_done = true;
    seen.digest = edit.digest;
  }

  // Another job's map has made it and that job has succeeded; this one's map has done nothing yet.
  void On(const OutputReused& edit) {
    const std::string name = absl::StrCat(ToString(edit.attempt), ", reused by ",
                                          ToString(edit.task.job), "/", edit.task.index, ",");
    if (!Runs(edit.task.job)) Complain(name, " was taken by a job that does not run");
    if (!IsPresent(edit.worker)) Complain(name, " lies on lost ", ToString(edit.worker));
    const auto attempt = attempts_.find(edit.attempt);
    if (attempt == attempts_.end() || attempt->second.task != edit.made_for ||
        attempt->second.worker != edit.worker) {
      Complain(name, " did not run there for ", ToString(edit.made_for.job));
    }
    const auto maker = jobs_.find(edit.made_for.job);
    if (maker == jobs_.end() || !maker->second.succeeded) {
      Complain(name, " is of a job that did not succeed");
    }
    const Seen& made = tasks_[edit.made_for];
    if (edit.made_for.stage != 0 || !made.was_done || made.digest != edit.digest) {
      Complain(name, " is not what that map gave");
    }
    Seen& seen = tasks_[edit.task];
    if (edit.task.stage != 0 || seen.started > 0 || seen.was_done) {
      Complain(name, " is for a task that ran");
    }
    seen.winner = edit.attempt;
    seen.was_done = true;
    seen.digest = edit.digest;
  }

  void On(const OutputLost& edit) {
    Seen& seen = tasks_[edit.task];
    const bool may_be_lost = edit.task.stage == 0 || jobs_[edit.task.job].plan.feeds;
    if (seen.winner != edit.attempt || !may_be_lost) {
      Complain("an output of ", ToString(edit.attempt), " was lost that was not there");
    }
    seen.winner = AttemptId();
    ++seen.undone;
    Job& job = jobs_[edit.task.job];
    const bool noticed = job.has_loss && (job.loss.what == LossKind::kWorkerLost ||
                                          job.loss.what == LossKind::kOutputLost ||
                                          job.loss.what == LossKind::kMissingOnReturn ||
                                          job.loss.what == LossKind::kPeerUnreachable);
    if (!noticed) Complain("an output of ", ToString(edit.attempt), " was lost to nothing");
    job.loss_is_free = false;
  }

  void On(const JobPublishing& edit) {
    Job& job = jobs_[edit.job];
    CheckParts(edit.job, job.plan, " is published");
    job.publishing = true;
  }

  void CheckParts(JobId id, const JobPlan& plan, const char* what) {
    const bool map_only = plan.reducers == 0;
    const uint32_t parts = map_only ? plan.map_count : plan.reducers;
    for (uint32_t i = 0; i < parts; ++i) {
      if (!tasks_[TaskId{id, map_only ? 0u : 1u, i}].winner.is_set()) {
        Complain(ToString(id), what, " without part ", i);
      }
    }
  }

  // A job whose parts another reads ends when nobody will ask for them any more.
  void CheckReader(JobId id) {
    for (const auto& [reader, job] : jobs_) {
      if (job.plan.reads == id) CheckParts(reader, job.plan, " lets the job before it end");
    }
  }

  void On(const JobEnded& edit) {
    Job& job = jobs_[edit.job];
    if (job.ended) Complain(ToString(edit.job), " ended twice");
    if (edit.state == JobState::kSucceeded && job.plan.feeds) CheckReader(edit.job);
    if (edit.state == JobState::kSucceeded && !job.publishing && !job.plan.feeds) {
      Complain(ToString(edit.job), " succeeded without being published");
    }
    for (const auto& [id, attempt] : attempts_) {
      if (attempt.task.job == edit.job && !attempt.ended) {
        Complain(ToString(edit.job), " ended while ", ToString(id), " ran");
      }
    }
    job.ended = true;
    job.succeeded = edit.state == JobState::kSucceeded;
  }

  void On(const JobFolded&) {}
  // Two attempts of a task that was never done have failed there, and the job may go on without it.
  void On(const RecordSkipped& edit) {
    const std::string name =
        absl::StrCat(ToString(edit.task.job), ": ", edit.record.file, ":", edit.record.offset);
    Job& job = jobs_[edit.task.job];
    if (!Runs(edit.task.job)) Complain(name, " was skipped for a job that does not run");
    if (++job.skipped > job.plan.skip_bad_records) Complain(name, " was skipped beyond the limit");
    Seen& seen = tasks_[edit.task];
    if (edit.task.stage != 0 || seen.was_done)
      Complain(name, " was skipped by a task that was done");
    if (!seen.skipped.insert(edit.record).second) Complain(name, " was skipped twice");
    const auto bad = user_code_.bad_records.find(edit.record);
    if (bad == user_code_.bad_records.end() || bad->bytes != edit.record.bytes) {
      Complain(name, " was skipped, and is no bad record of ", edit.record.bytes, " bytes");
    }
    const auto failures = std::count_if(
        seen.failed_at.begin(), seen.failed_at.end(), [&edit](const InputRecord& place) {
          return place.file == edit.record.file && place.offset >= edit.record.offset &&
                 place.offset < edit.record.offset + edit.record.bytes;
        });
    if (failures < 2) Complain(name, " was skipped after ", failures, " failures");
  }

  void On(const LossNoticed& edit) {
    Job& job = jobs_[edit.job];
    if (!Runs(edit.job))
      Complain("a loss was noticed in ", ToString(edit.job), ", which does not run");
    if (job.loss_is_free) Complain(job.loss.subject, " was noticed to be lost, and cost nothing");
    job.has_loss = true;
    job.loss = edit;
    job.loss_is_free = true;
  }

  // Every attempt that a worker, an output or a deadline ended was lost to what was noticed last.
  void ChargeLoss(const AttemptEnded& edit) {
    std::set<LossKind> kinds;
    if (edit.cause == Cause::kWorkerLost) {
      kinds = {LossKind::kWorkerLost, LossKind::kMissingOnReturn};
    }
    if (edit.cause == Cause::kTimedOut) kinds = {LossKind::kAttemptTimedOut};
    if (edit.cause == Cause::kWorkerFailed) kinds = {LossKind::kWorkerFailed};
    if (edit.cause == Cause::kFetchFailed) {
      kinds = {LossKind::kOutputLost, LossKind::kPeerUnreachable};
    }
    if (kinds.empty()) return;
    Job& job = jobs_[edit.task.job];
    if (!job.has_loss || kinds.count(job.loss.what) == 0) {
      Complain(ToString(edit.attempt), " was lost (", Name(edit.cause), ") to nothing");
    }
    job.loss_is_free = false;
  }

  void End(const AttemptId& id, const TaskId& task) {
    const auto attempt = attempts_.find(id);
    if (attempt == attempts_.end() || attempt->second.task != task) {
      Complain(ToString(id), " ended without having been started");
    } else if (attempt->second.ended) {
      Complain(ToString(id), " ended twice");
    } else {
      attempt->second.ended = true;
    }
  }

  void CheckAttempts(const TaskId& task, const Seen& seen) {
    const std::string name = absl::StrCat(ToString(task.job), "/", task.stage, "/", task.index);
    if (seen.speculative > 2) Complain(name, " had ", seen.speculative, " backups");
    if (seen.first > 1) Complain(name, " had ", seen.first, " first attempts");
    if (seen.started > 1 + seen.undone + seen.speculative) {
      Complain(name, " was started ", seen.started, " times, and undone ", seen.undone, " times");
    }
    const auto failed = user_code_.failed.find(task);
    const uint32_t wanted = failed == user_code_.failed.end() ? 0 : failed->second;
    if (seen.user_failures > wanted) {
      Complain(name, ": ", seen.user_failures, " failures were blamed on user code, which failed ",
               wanted, " times");
    }
  }

  // At most a tenth of the tasks, but one may always.
  void CheckBackups(JobId id, const Job& job) {
    for (const auto& [stage, backups] : job.backups) {
      const uint32_t tasks = stage == 0 ? job.plan.map_count : job.plan.reducers;
      if (backups > 1 && backups * 10 > tasks) {
        Complain(ToString(id), " had ", backups, " backups for ", tasks, " tasks of stage ", stage);
      }
    }
  }

  bool IsPresent(WorkerId worker) const {
    const auto found = workers_.find(worker);
    return found != workers_.end() && !found->second;
  }
  bool Runs(JobId id) const {
    const auto job = jobs_.find(id);
    return job != jobs_.end() && !job->second.ended && !job->second.publishing;
  }

  const UserCode& user_code_;
  std::map<JobId, Job> jobs_;
  std::set<std::string> requests_;
  std::map<WorkerId, bool> workers_;  // and whether they are lost
  std::map<AttemptId, Attempt> attempts_;
  std::map<TaskId, Seen> tasks_;
  uint64_t epoch_ = 0;
  Complaints complaints_;
};

}  // namespace

Complaints CheckJournal(const std::vector<JobEdit>& history, const UserCode& user_code) {
  JournalReader reader(user_code);
  for (const JobEdit& edit : history) reader.Read(edit);
  return reader.Finish();
}

}  // namespace millrace::sim
