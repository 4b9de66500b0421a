// The master's heart: decides which worker runs which attempt, what a lost worker costs, who has
// won a task and when a job has ended.
//
// A deterministic state machine: no I/O, no clock, no promises, no randomness, no logging. What
// happened comes in as events, each stamped with its time; what must be done goes out as actions;
// what must not be forgotten goes out as edits. The same edits and events in the same order always
// give the same decisions, so any run can be replayed.
//
// Its shell makes an event, calls OnEvent, appends the edits to the journal, performs the actions
// (those of which WaitsForSync is true after the next sync), and has no opinion of its own. To
// recover, it applies the journal's edits one by one and then sends MasterStarted.
//
// Used from one thread (the master's event loop).
#ifndef MILLRACE_MASTER_CORE_MASTER_CORE_H_
#define MILLRACE_MASTER_CORE_MASTER_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "master/core/actions.h"
#include "master/core/core_time.h"
#include "master/core/decision.h"
#include "master/core/edits.h"
#include "master/core/events.h"
#include "master/core/views.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"

namespace millrace {

class CoreState;

class MasterCore {
 public:
  explicit MasterCore(const CoreOptions& options);
  ~MasterCore();
  MasterCore(const MasterCore&) = delete;
  MasterCore& operator=(const MasterCore&) = delete;

  // `now` never runs backwards.
  Decision OnEvent(CoreTime now, const Event& event);

  // Makes `edit` true. Only for recovery, before the first event; OnEvent applies its own edits.
  void Apply(const JobEdit& edit);

  // The id under which a worker process registers: the one it has, or the next new one.
  WorkerId IdOf(Incarnation incarnation) const;

  // Jobs in the order they were accepted, remembered ones that have ended included.
  std::vector<JobId> Jobs() const;
  absl::StatusOr<JobSnapshot> Job(JobId job) const;
  // The job that a submit with this request id was given; not set if there is none.
  JobId JobOfRequest(const std::string& request_id) const;
  // Above every number that a job was ever given.
  JobId NextJobId() const;
  // At most `limit` attempts of `job`: ended ones in the order they ended, then running ones.
  absl::StatusOr<std::vector<AttemptSnapshot>> Attempts(JobId job, size_t limit) const;
  // What `task` was made from; sources of a reduce from number `first_source` on. kNotFound, saying
  // which there are, when there is no such task.
  absl::StatusOr<TaskLineage> Lineage(const TaskId& task, uint32_t first_source,
                                      uint32_t sources_max) const;
  // Those that are here, are waited for, or were lost since this master started.
  std::vector<WorkerSnapshot> Workers(CoreTime now) const;
  ClusterView Cluster() const;

  // The newest source version of `job`; each change of a map output's place is one version. 0 when
  // the job has ended.
  uint32_t SourceVersion(JobId job) const;
  // Where the map outputs are that changed in versions (from, to], as of now, each once.
  std::vector<MapSource> Sources(JobId job, uint32_t from, uint32_t to) const;
  // The winners of the last stage of a job that is publishing, in index order.
  std::vector<PartView> Parts(JobId job) const;
  // Map outputs that outlive their jobs.
  std::vector<RetainedView> Retained() const;
  // Those before `job` in its chain, as far as they are remembered; the nearest first.
  std::vector<JobId> StepsBefore(JobId job) const;
  // The records that `job` and those before it in its chain have left out.
  std::vector<InputRecord> SkippedRecords(JobId job) const;
  // What FoldJob writes to the journal.
  JobFolded Folded(JobId job) const;

  // Everything that edits determine, as text: equal before a crash and after recovery.
  std::string DurableState() const;

 private:
  std::unique_ptr<CoreState> state_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_MASTER_CORE_H_
