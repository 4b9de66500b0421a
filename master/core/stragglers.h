// Attempts that get on badly: one that gets nothing done is stopped, one that is slow gets a backup
// on another worker, and whichever is done first wins. Looks once a second.
//
// Dean & Ghemawat 2004, section 3.6; who is slow is judged by the time that is left, as in LATE
// (Zaharia et al. 2008). An attempt gets a backup when all of this holds:
//
//   * It has been at work for the job's floor, and no other attempt of its task runs.
//   * It has stood still for as long; or the rest of it takes clearly longer than the whole task
//     would at what a unit of work costs elsewhere in its stage; or there is nothing to compare it
//     with and the rest takes longer than the floor.
//   * Another worker has room that nothing else wants, on another host if there is one.
//   * Of its stage, at most a tenth of the tasks have had one (at least one may), and of its task
//   at
//     most two: whatever is wrong with it, it does not hop for ever.
#ifndef MILLRACE_MASTER_CORE_STRAGGLERS_H_
#define MILLRACE_MASTER_CORE_STRAGGLERS_H_

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "master/core/attempt_rules.h"
#include "master/core/reach.h"
#include "master/core/scheduler.h"
#include "master/core/turn.h"

namespace millrace {

class Stragglers {
 public:
  Stragglers(Turn* turn, AttemptRules* attempts, Scheduler* scheduler)
      : turn_(*turn),
        cluster_(turn->cluster()),
        attempts_(*attempts),
        scheduler_(*scheduler),
        reach_(turn) {}

  // Whether to look in this turn; call once in every turn. Only ticks bring a look: between them
  // come the reports to look at.
  bool IsTime(bool tick);
  // When the next one is.
  std::optional<CoreTime> next_look() const { return next_look_; }

  // Stops what gets nothing done. May fail jobs.
  void TimeOut();
  // Starts backups in the room that is left over.
  void BackUp();

 private:
  struct Straggler {
    absl::Duration left;  // infinite when it stands still
    AttemptId attempt;
    TaskId task;
  };

  void BackUp(JobRecord* job, uint32_t stage);
  std::optional<absl::Duration> LeftOfStraggler(const JobRecord& job, const AttemptId& id) const;
  // Seconds for a unit of work in the stage of `id`, without it.
  std::optional<double> CostElsewhere(const JobRecord& job, const AttemptId& id) const;
  std::optional<WorkerId> Choose(const JobRecord& job, const Straggler& straggler);

  Turn& turn_;
  ClusterState& cluster_;
  AttemptRules& attempts_;
  Scheduler& scheduler_;
  const Reach reach_;
  std::optional<CoreTime> next_look_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_STRAGGLERS_H_
