// Gives free room to work that waits. Called once at the end of every turn; the rules, in order:
//
//   1. Workers are told of changed sources before anything else. Each map that runs again is news
//   for
//      every worker that reduces, so while maps are missing, which no reduce can do without, news
//      is gathered as CoreOptions::source_messages_per_second demands. After a restart it waits
//      until every worker with outputs of the job is back, or lost.
//   2. Maps whose output was lost come before everything that needs a slot.
//   3. Slots go to the job that uses fewest (max-min fairness), first come first on ties: to a
//      reduce attempt of it that is ready, or to its next map task. Nothing is taken away.
//   4. A worker that could not run a job lately, or never can, gets nothing of that job; what waits
//      for it waits, and other jobs go on.
//   5. A reduce, and a map that runs again for reduces, waits rather than go to a worker that is
//   cut
//      off from outputs of its job while another is not (reach.h).
//   6. Reduce attempts start fetching once all maps of their job are done. Fetching takes no slot,
//      only one of a bounded number of places on the worker.
//
// There is no deadlock: a reduce holds a slot only while all it needs is at hand, so slots always
// come back, and maps that reduces wait for get them first.
#ifndef MILLRACE_MASTER_CORE_SCHEDULER_H_
#define MILLRACE_MASTER_CORE_SCHEDULER_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "master/core/reach.h"
#include "master/core/turn.h"

namespace millrace {

class Scheduler {
 public:
  explicit Scheduler(Turn* turn) : turn_(*turn), cluster_(turn->cluster()), reach_(turn) {}

  void Run();

  // When to run again though nothing happens: work waits that a paused worker could do then, or
  // news of sources that was gathered.
  std::optional<CoreTime> next_run() const { return next_run_; }

  // Starts an attempt on a worker that has room for it and is ready for its job.
  void Start(const TaskId& task, WorkerId worker, Reason reason);
  // Whether the worker may run attempts of the job now.
  bool IsReady(WorkerId worker, JobId job);

  // Sends `worker` what it has not been told yet of the sources of `job`, whose workers are all
  // back.
  void TellSources(WorkerRecord* worker, const JobRecord& job);

 private:
  // A reduce attempt that could have a slot now.
  struct Waiter {
    std::pair<uint32_t, JobId> use;  // comparable with the keys of jobs_with_maps()
    WorkerId worker;
    AttemptId attempt;
  };

  void TellChangedSources();
  // Until as many workers are told again.
  absl::Duration PauseAfterTelling(size_t workers) const;
  void RunAt(CoreTime time);
  void RerunLostMaps();
  void ShareSlots();
  void PlaceReduces();
  // Some workers with more free slots than reduces that will ask for one.
  ClusterState::WorkersByRoom WorkersWithSlotsToSpare() const;

  std::optional<Waiter> LeastServedWaiter() const;
  void Grant(const Waiter& waiter);
  // Jobs for which no worker with room is ready now.
  using PassedOver = absl::btree_set<JobId>;
  static std::optional<std::pair<uint32_t, JobId>> FirstOf(const ClusterState::JobsByUse& jobs,
                                                           const PassedOver& passed_over);

  // Starts the next idle task of the stage on the best worker with `room`; false if none is ready.
  bool Launch(JobId job, uint32_t stage, const ClusterState::WorkersByRoom& room);
  // The part that a map of a job that reads another reads; all of them are there.
  StepPart PartFor(const JobRecord& reader, uint32_t map_index) const;
  // Whether another worker would do better, even if there is no room yet.
  bool IsBadPlace(const JobRecord& job, const TaskId& task, WorkerId worker) const;
  // The worker with most room, but rather another than one that is slow, and than one on which
  // `task` has failed.
  std::optional<WorkerId> Choose(const JobRecord& job, const TaskId& task,
                                 const ClusterState::WorkersByRoom& room);

  Turn& turn_;
  ClusterState& cluster_;
  const Reach reach_;
  std::optional<CoreTime> next_run_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_SCHEDULER_H_
