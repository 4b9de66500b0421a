// One loss, on its way into the recovery ledger of each job that it costs something.
//
// Whoever finds a loss makes a note of it; whoever then ends an attempt or gives up an output
// because of it shows the note first. So the entry comes right before what it cost, once a job, and
// a loss that costs a job nothing leaves no trace in its ledger.
#ifndef MILLRACE_MASTER_CORE_LOSS_NOTE_H_
#define MILLRACE_MASTER_CORE_LOSS_NOTE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "master/core/events.h"
#include "master/core/turn.h"
#include "rpc/ids.h"
#include "rpc/recovery_entry.h"

namespace millrace {

class LossNote {
 public:
  LossNote(Turn* turn, LossKind what, NoticedBy noticed_by, std::string subject)
      : turn_(*turn), what_(what), noticed_by_(noticed_by), subject_(std::move(subject)) {}

  // It is about to cost `job` something.
  void Show(JobId job) {
    if (!shown_.insert(job).second) return;
    turn_.Emit(LossNoticed{job, what_, noticed_by_, turn_.wall_us(), subject_});
  }

 private:
  Turn& turn_;
  const LossKind what_;
  const NoticedBy noticed_by_;
  const std::string subject_;
  absl::btree_set<JobId> shown_;
};

// The loss that the failure of an attempt stands for; nothing when user code, the job or an unfit
// host is to blame. `cause` is what the core makes of the report.
std::optional<LossNote> LossOfReport(Turn* turn, const AttemptReported& event, Cause cause);

// That an attempt of `task` got nothing done on `worker`.
LossNote LossOfStandstill(Turn* turn, const TaskId& task, WorkerId worker);

// The task whose output an attempt could not read: a map of its job, or the reduce of another job
// whose part it reads.
TaskId SourceOf(const ClusterState& cluster, const AttemptOutcome& outcome);

// "map-00007 attempt-1-9 on w2"; without the worker when that is not the current output of its map.
std::string SourceName(const ClusterState& cluster, const TaskId& map, const AttemptId& attempt);

// The worker that has the output of `attempt`, if that is the current output of `map`.
std::optional<WorkerId> HolderOf(const ClusterState& cluster, const TaskId& map,
                                 const AttemptId& attempt);

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_LOSS_NOTE_H_
