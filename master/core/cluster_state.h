// Jobs, workers and attempts, and the one function by which they change durably: Apply(edit).
//
// Beside them stand the indexes from which the scheduler picks in O(log n): workers by free room,
// jobs by what they use. Whoever changes a worker or a job calls Reindex for it.
#ifndef MILLRACE_MASTER_CORE_CLUSTER_STATE_H_
#define MILLRACE_MASTER_CORE_CLUSTER_STATE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "master/core/edits.h"
#include "master/core/job_record.h"
#include "master/core/pace.h"
#include "master/core/worker_record.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"

namespace millrace {

enum class Phase : uint8_t {
  kHoldsSlot = 0,  // a map attempt, or a reduce attempt that was granted its slot
  kFetching = 1,   // a reduce attempt whose sources are not all ready
  kReady = 2,      // a reduce attempt that waits for a slot
};

struct RunningAttempt {
  TaskId task;
  WorkerId worker;
  int64_t started_wall_us = 0;
  Reason reason = Reason::kFirst;
  Phase phase = Phase::kHoldsSlot;
  Pace pace;  // in no edit
};

class ClusterState {
 public:
  explicit ClusterState(Epoch epoch) : epoch_(epoch) {}
  ClusterState(const ClusterState&) = delete;
  ClusterState& operator=(const ClusterState&) = delete;

  // Makes `edit` true. It must follow from the edits before it: the journal is trusted.
  void Apply(const JobEdit& edit);

  // Null when unknown. Records stay where they are until they are forgotten.
  JobRecord* FindJob(JobId job);
  const JobRecord* FindJob(JobId job) const;
  WorkerRecord* FindWorker(WorkerId worker);
  const WorkerRecord* FindWorker(WorkerId worker) const;
  RunningAttempt* FindAttempt(const AttemptId& attempt);
  const RunningAttempt* FindAttempt(const AttemptId& attempt) const;

  JobId JobOfRequest(const std::string& request_id) const;
  JobId UnfinishedJobWithOutput(const std::string& folder) const;
  WorkerId IdOf(Incarnation incarnation) const;
  std::string NameOf(WorkerId worker) const;  // its id when nothing better is known

  JobId NextJobId() const { return JobId(last_job_ + 1); }
  AttemptId NextAttemptId() const { return AttemptId{epoch_, last_attempt_ + 1}; }

  // A reduce attempt asks for a slot, gets it, or has to fetch once more.
  void SetPhase(const AttemptId& attempt, Phase phase);
  // The worker is where `state` says; its room counts accordingly.
  void SetState(WorkerRecord* worker, WorkerState state);
  void Reindex(WorkerRecord* worker);
  void Reindex(JobRecord* job);

  // Workers with reduce attempts of `job` are to be told of its sources.
  void MarkSourcesChanged(JobId job) { changed_sources_.insert(job); }
  // `worker` has said what it holds of `job`, or is lost. With the last of those that are awaited
  // reduces can be told where all sources are.
  void StopAwaiting(WorkerId worker, JobRecord* job);

  // Drop what is remembered of the past.
  void ForgetJob(JobId job);
  void ForgetAttemptsOf(JobRecord* job);
  void ForgetWorker(WorkerId worker);

  const std::map<JobId, JobRecord>& jobs() const { return jobs_; }
  const std::map<WorkerId, WorkerRecord>& workers() const { return workers_; }
  std::map<WorkerId, WorkerRecord>& mutable_workers() { return workers_; }
  const absl::btree_set<JobId>& unfinished() const { return unfinished_; }
  uint64_t unfinished_tasks() const { return unfinished_tasks_; }
  // Unfinished jobs whose attempts are watched for progress.
  uint32_t watched_jobs() const { return watched_jobs_; }
  const std::deque<JobId>& ended() const { return ended_; }           // oldest first
  uint64_t ended_attempts() const { return ended_attempts_; }         // remembered of those
  const std::deque<WorkerId>& lost_workers() const { return lost_; }  // oldest first

  // Indexes. Workers with room, most room first (the first number is its complement), then by id.
  using WorkersByRoom = absl::btree_set<std::pair<uint32_t, WorkerId>>;
  const WorkersByRoom& workers_with_slots() const { return by_free_slots_; }
  const WorkersByRoom& workers_with_fetchers() const { return by_free_fetchers_; }
  // Workers with a free slot and a reduce attempt that is ready for it.
  const absl::btree_set<WorkerId>& grantable_workers() const { return grantable_; }
  // Jobs that could use room, least served first, then first come first.
  using JobsByUse = absl::btree_set<std::pair<uint32_t, JobId>>;
  const JobsByUse& jobs_with_reruns() const { return with_reruns_; }
  const JobsByUse& jobs_with_maps() const { return with_maps_; }
  const JobsByUse& jobs_with_reduces() const { return with_reduces_; }
  // Jobs whose sources were marked or have changed since the last call.
  absl::btree_set<JobId> TakeChangedSources() { return std::exchange(changed_sources_, {}); }

 private:
  void On(const JobAccepted& edit);
  void On(const WorkerRegistered& edit);
  void On(const WorkerLost& edit);
  void On(const AttemptStarted& edit);
  void On(const AttemptEnded& edit);
  void On(const TaskDone& edit);
  void On(const OutputLost& edit);
  void On(const JobPublishing& edit);
  void On(const JobEnded& edit);
  void On(const JobFolded& edit);
  void On(const LossNoticed& edit);
  void On(const RecordSkipped& edit);
  void On(const OutputReused& edit);

  // Takes the attempt off the books; its task is idle unless another attempt of it runs. Returns
  // the attempt as it was.
  RunningAttempt End(const AttemptId& attempt, Cause cause, int64_t wall_us);
  // What the first success of a task adds to the job's sums.
  static void CountSuccess(const TaskId& task, const AttemptStats& stats,
                           const std::map<std::string, int64_t>& counters, JobRecord* job);
  // The parts of `job` are complete, or no longer.
  void TellReader(const JobRecord& job);
  // The output of a map is on `worker` now.
  void PutSource(JobRecord* job, uint32_t map_index, WorkerId worker);
  void CountFailure(JobRecord* job, const AttemptEnded& edit, WorkerId worker);
  void MoveSource(JobRecord* job, uint32_t map_index);
  void Occupy(const AttemptId& id, const RunningAttempt& attempt, JobRecord* job);
  void Vacate(const AttemptId& id, const RunningAttempt& attempt, JobRecord* job);
  JobRecord* MustFindJob(JobId job);
  JobRecord* Change(JobId job);  // which has a new version

  const Epoch epoch_;
  std::map<JobId, JobRecord> jobs_;
  std::map<WorkerId, WorkerRecord> workers_;
  absl::flat_hash_map<AttemptId, RunningAttempt> attempts_;  // never iterated

  absl::btree_set<JobId> unfinished_;
  uint64_t unfinished_tasks_ = 0;
  uint32_t watched_jobs_ = 0;
  std::deque<JobId> ended_;
  uint64_t ended_attempts_ = 0;
  std::deque<WorkerId> lost_;
  uint32_t present_workers_ = 0;  // registered and not lost

  // Looked up, never iterated.
  absl::flat_hash_map<std::string, JobId> requests_;
  absl::flat_hash_map<std::string, JobId> output_folders_;   // of unfinished jobs
  absl::flat_hash_map<Incarnation, WorkerId> incarnations_;  // of workers that are not lost

  uint64_t last_job_ = 0;
  uint64_t last_worker_ = 0;
  uint64_t last_attempt_ = 0;  // of this epoch

  WorkersByRoom by_free_slots_;
  WorkersByRoom by_free_fetchers_;
  absl::btree_set<WorkerId> grantable_;
  JobsByUse with_reruns_;
  JobsByUse with_maps_;
  JobsByUse with_reduces_;
  absl::btree_set<JobId> changed_sources_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_CLUSTER_STATE_H_
