// Watches a core from outside and says what it must never do: two winners of one task, more work
// than slots, a reduce without its sources, a message to a worker that cannot be reached, an id out
// of nowhere.
//
// It knows only what it saw: events, edits and actions. It shares no code with the core's rules.
#ifndef MILLRACE_MASTER_CORE_CORE_CHECKER_H_
#define MILLRACE_MASTER_CORE_CORE_CHECKER_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "master/core/master_core.h"

namespace millrace {

class CoreChecker {
 public:
  // Call before the decision on the event that connects or disconnects a worker.
  void Connected(WorkerId worker, uint32_t slots) {
    reachable_[worker] = slots;
    heard_of_.insert(worker);
  }
  void Disconnected(WorkerId worker) { reachable_.erase(worker); }
  // The worker that connects still has the slot that an earlier master gave to `attempt`.
  void HoldsSlot(const AttemptId& attempt);

  void Saw(const Decision& decision);
  // A new master: what the old one had granted and who was connected means nothing any more.
  void Restarted(const std::vector<JobEdit>& journal);

  // What went wrong, one sentence each. Empty: nothing.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  struct Running {
    TaskId task;
    WorkerId worker;
    bool holds_slot = false;
  };

  void On(const JobAccepted& edit) { jobs_[edit.job] = edit.plan; }
  void On(const AttemptStarted& edit);
  void On(const AttemptEnded& edit);
  void On(const TaskDone& edit);
  void On(const OutputLost& edit);
  void On(const OutputReused& edit);
  void On(const JobPublishing& edit) { publishing_.insert(edit.job); }
  void On(const JobEnded& edit);
  void On(const WorkerLost& edit);
  template <typename Other>
  void On(const Other&) {}

  bool HasAllParts(JobId job);
  void Check(const LaunchAttempt& action);
  void Check(const GrantSlot& action);
  void Check(const CancelAttempt& action);
  void Check(const PublishSources& action);
  void Check(const PublishJob& action);
  void Check(const ReleaseJob& action);
  void Check(const RetainOutputs& action);
  void Check(const DropOutputs& action);
  template <typename Other>
  void Check(const Other&) {}

  // A reduce is placed, and granted a slot, only while all its sources are within reach.
  void CheckSources(const TaskId& reduce, const Action& action);
  // The worker of each source has come back to this master: it can be said where that is.
  void CheckAddresses(JobId job, const Action& action);
  void CheckRoom();
  void MustReach(WorkerId worker, const Action& action);
  void Complain(const std::string& what, const Action& action);

  std::map<WorkerId, uint32_t> reachable_;  // with their slots
  std::set<WorkerId> heard_of_;             // by this master
  std::map<AttemptId, Running> running_;
  std::set<AttemptId> known_attempts_;
  std::map<TaskId, AttemptId> winners_;
  std::map<AttemptId, WorkerId> workers_;  // on which each attempt ran
  std::set<WorkerId> lost_;
  std::map<JobId, JobPlan> jobs_;
  std::set<JobId> publishing_;
  std::set<JobId> ended_;
  std::vector<std::string> complaints_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_CORE_CHECKER_H_
