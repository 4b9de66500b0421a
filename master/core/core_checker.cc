#include "master/core/core_checker.h"

#include <variant>

#include "absl/strings/str_cat.h"

namespace millrace {

void CoreChecker::Saw(const Decision& decision) {
  for (const JobEdit& edit : decision.edits) {
    std::visit([this](const auto& e) { On(e); }, edit);
  }
  for (const Action& action : decision.actions) {
    std::visit([this](const auto& a) { Check(a); }, action);
  }
  CheckRoom();
}

void CoreChecker::HoldsSlot(const AttemptId& attempt) {
  const auto found = running_.find(attempt);
  if (found != running_.end()) found->second.holds_slot = true;
}

void CoreChecker::Restarted(const std::vector<JobEdit>& journal) {
  std::vector<std::string> complaints = std::move(complaints_);
  *this = CoreChecker();
  complaints_ = std::move(complaints);
  for (const JobEdit& edit : journal) std::visit([this](const auto& e) { On(e); }, edit);
}

void CoreChecker::On(const AttemptStarted& edit) {
  if (!known_attempts_.insert(edit.attempt).second) {
    complaints_.push_back(absl::StrCat("reused id: ", DebugString(JobEdit(edit))));
  }
  workers_[edit.attempt] = edit.worker;
  running_[edit.attempt] = Running{edit.task, edit.worker, edit.task.stage == 0};
}

void CoreChecker::On(const AttemptEnded& edit) {
  if (running_.erase(edit.attempt) == 0) {
    complaints_.push_back(absl::StrCat("did not run: ", DebugString(JobEdit(edit))));
  }
}

void CoreChecker::On(const TaskDone& edit) {
  if (running_.erase(edit.attempt) == 0) {
    complaints_.push_back(absl::StrCat("did not run: ", DebugString(JobEdit(edit))));
  }
  if (!winners_.emplace(edit.task, edit.attempt).second) {
    complaints_.push_back(absl::StrCat("second winner: ", DebugString(JobEdit(edit))));
  }
}

void CoreChecker::On(const OutputLost& edit) {
  const auto winner = winners_.find(edit.task);
  const bool may_be_lost = edit.task.stage == 0 || jobs_[edit.task.job].feeds;
  if (!may_be_lost || winner == winners_.end() || winner->second != edit.attempt) {
    complaints_.push_back(absl::StrCat("no such output: ", DebugString(JobEdit(edit))));
  } else {
    winners_.erase(winner);
  }
}

void CoreChecker::On(const OutputReused& edit) {
  if (!winners_.emplace(edit.task, edit.attempt).second) {
    complaints_.push_back(absl::StrCat("second winner: ", DebugString(JobEdit(edit))));
  }
  if (lost_.count(edit.worker) > 0) {
    complaints_.push_back(absl::StrCat("on a lost worker: ", DebugString(JobEdit(edit))));
  }
  workers_[edit.attempt] = edit.worker;
}

void CoreChecker::On(const WorkerLost& edit) {
  reachable_.erase(edit.worker);
  lost_.insert(edit.worker);
}

void CoreChecker::On(const JobEnded& edit) {
  if (!ended_.insert(edit.job).second) {
    complaints_.push_back(absl::StrCat("ended twice: ", DebugString(JobEdit(edit))));
  }
  if (edit.state != JobState::kSucceeded || publishing_.count(edit.job) > 0) return;
  if (!jobs_[edit.job].feeds) {
    complaints_.push_back(absl::StrCat("never published: ", DebugString(JobEdit(edit))));
  }
  // A reader that has ended may lack a part: it was lost when nobody needed it any more.
  for (const auto& [reader, plan] : jobs_) {
    if (plan.reads == edit.job && ended_.count(reader) == 0 && !HasAllParts(reader)) {
      complaints_.push_back(absl::StrCat("still read: ", DebugString(JobEdit(edit))));
    }
  }
}

bool CoreChecker::HasAllParts(JobId job) {
  const JobPlan& plan = jobs_[job];
  const uint32_t last = plan.stage_count() - 1;
  for (uint32_t i = 0; i < plan.task_count(last); ++i) {
    if (winners_.count(TaskId{job, last, i}) == 0) return false;
  }
  return true;
}

void CoreChecker::Check(const LaunchAttempt& action) {
  MustReach(action.worker, action);
  const auto found = running_.find(action.attempt);
  if (found == running_.end() || found->second.worker != action.worker ||
      found->second.task != action.task) {
    Complain("launches what no edit says", action);
  }
  CheckSources(action.task, action);
  if (action.task.stage > 0) CheckAddresses(action.task.job, action);
  const bool is_held = jobs_[action.task.job].feeds && HasAllParts(action.task.job);
  if (action.task.stage == 0 && is_held) Complain("a map for parts that are all there", action);
  const JobId reads = action.task.stage == 0 ? jobs_[action.task.job].reads : JobId();
  const TaskId part = reads.is_set() ? TaskId{reads, 1, action.task.index} : TaskId();
  const auto winner = winners_.find(part);
  if (action.part.task != part ||
      (reads.is_set() && (winner == winners_.end() || winner->second != action.part.attempt))) {
    Complain("reads a part that is not there", action);
  }
}

void CoreChecker::Check(const GrantSlot& action) {
  MustReach(action.worker, action);
  const auto found = running_.find(action.attempt);
  if (found == running_.end() || found->second.worker != action.worker) {
    Complain("grants a slot to an attempt that does not run", action);
  } else {
    // A grant that got lost is repeated; the reduce may have its sources at home by then.
    if (!found->second.holds_slot) CheckSources(found->second.task, action);
    found->second.holds_slot = true;
  }
}

void CoreChecker::Check(const CancelAttempt& action) {
  MustReach(action.worker, action);
  if (running_.count(action.attempt) > 0) Complain("cancels an attempt that counts", action);
}

void CoreChecker::Check(const PublishSources& action) {
  MustReach(action.worker, action);
  if (jobs_.count(action.job) == 0) Complain("unknown job", action);
  if (action.from >= action.to) Complain("says nothing", action);
  CheckAddresses(action.job, action);
}

void CoreChecker::Check(const PublishJob& action) {
  if (publishing_.count(action.job) == 0 || ended_.count(action.job) > 0) {
    Complain("the job does not publish", action);
  }
}

void CoreChecker::Check(const ReleaseJob& action) {
  MustReach(action.worker, action);
  if (jobs_.count(action.job) > 0 && ended_.count(action.job) == 0) {
    Complain("the job still needs its outputs", action);
  }
}

void CoreChecker::Check(const RetainOutputs& action) { MustReach(action.worker, action); }

void CoreChecker::Check(const DropOutputs& action) {
  MustReach(action.worker, action);
  for (const auto& [task, attempt] : action.outputs) {
    for (const auto& [user, winner] : winners_) {
      const bool needs_maps = ended_.count(user.job) + publishing_.count(user.job) == 0;
      if (winner == attempt && needs_maps) {
        Complain("an unfinished job still needs it", action);
      }
    }
  }
}

void CoreChecker::CheckSources(const TaskId& reduce, const Action& action) {
  if (reduce.stage == 0) return;
  const JobPlan& plan = jobs_[reduce.job];
  for (uint32_t i = 0; i < plan.map_count; ++i) {
    const auto winner = winners_.find(TaskId{reduce.job, 0, i});
    const bool made = winner != winners_.end();
    if (!made || (!plan.keeps_outputs && lost_.count(workers_[winner->second]) > 0)) {
      Complain("a reduce without its sources", action);
    }
  }
}

void CoreChecker::CheckAddresses(JobId job, const Action& action) {
  if (jobs_[job].keeps_outputs) return;
  for (const auto& [task, attempt] : winners_) {
    const bool is_source = task.job == job && task.stage == 0;
    if (is_source && heard_of_.count(workers_[attempt]) == 0) {
      Complain("a source that nobody can find", action);
    }
  }
}

void CoreChecker::CheckRoom() {
  std::map<WorkerId, uint32_t> slots_used;
  std::map<WorkerId, uint32_t> fetchers;
  for (const auto& [id, attempt] : running_) {
    ++(attempt.holds_slot ? slots_used : fetchers)[attempt.worker];
  }
  for (const auto& [worker, slots] : reachable_) {
    if (slots_used[worker] > slots) {
      complaints_.push_back(absl::StrCat(ToString(worker), " has ", slots, " slots and runs ",
                                         slots_used[worker], " attempts"));
    }
    if (fetchers[worker] > slots + 2) {
      complaints_.push_back(absl::StrCat(ToString(worker), " has ", slots, " slots and ",
                                         fetchers[worker], " attempts that fetch"));
    }
  }
}

void CoreChecker::MustReach(WorkerId worker, const Action& action) {
  if (reachable_.count(worker) == 0) Complain("sent to a worker that is not there", action);
}

void CoreChecker::Complain(const std::string& what, const Action& action) {
  complaints_.push_back(absl::StrCat(what, ": ", DebugString(action)));
}

}  // namespace millrace
