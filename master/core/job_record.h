// Everything the core knows of one job: its tasks, its running and ended attempts, where its map
// outputs are. A value without opinions: cluster_state changes it, the scheduler reads it.
#ifndef MILLRACE_MASTER_CORE_JOB_RECORD_H_
#define MILLRACE_MASTER_CORE_JOB_RECORD_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/inlined_vector.h"
#include "master/core/core_time.h"
#include "master/core/job_summary.h"
#include "master/core/recent_costs.h"
#include "master/core/stage_state.h"
#include "master/core/views.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

// An attempt that has ended, in 112 bytes.
struct AttemptRecord {
  uint64_t sequence = 0;
  int64_t started_wall_us = 0;
  int64_t ended_wall_us = 0;
  uint32_t epoch = 0;
  uint32_t worker = 0;
  uint32_t index = 0;
  uint8_t stage = 0;
  Reason reason = Reason::kFirst;
  Cause cause = Cause::kRunning;
  AttemptStats stats;  // of attempts that won
};
static_assert(sizeof(AttemptRecord) <= 112, "every attempt of a running job is remembered");

// What went wrong with a task so far; only for tasks with which something did.
struct Trouble {
  std::array<uint16_t, kCauseCount> ended{};  // attempts by cause
  uint16_t outputs_lost = 0;
  std::string last_failure;  // attempt, worker, message; forgotten when the task is done
  // Where it failed, newest last: a retry goes elsewhere when elsewhere has room. At most
  // kFailedWorkersMax.
  absl::InlinedVector<WorkerId, 4> failed_workers;

  // Of a map in a job that may skip records: what its attempts leave out, by place, and where user
  // code has failed since the last of these was found. Both stay as they are once the task was
  // done, because a map that runs again must read what it read before.
  std::vector<InputRecord> skipped;
  std::vector<InputRecord> failed_records;
  // After the first failure at a record: they are no longer handed out in chunks.
  bool one_by_one() const { return !skipped.empty() || !failed_records.empty(); }

  static constexpr size_t kFailedWorkersMax = 4;
  void AddFailedWorker(WorkerId worker);
  bool HasFailedOn(WorkerId worker) const;
  // "worker_lost x18, fetch_failed x2".
  std::string Chain() const;
};

// Orders tasks within a job.
struct TaskKey {
  uint32_t stage = 0;
  uint32_t index = 0;
  friend bool operator<(TaskKey a, TaskKey b) {
    return a.stage != b.stage ? a.stage < b.stage : a.index < b.index;
  }
};
inline TaskKey KeyOf(const TaskId& task) { return TaskKey{task.stage, task.index}; }

// A map output that an earlier job has made.
struct ReusedOutput {
  TaskId made_for;
  AttemptId attempt;
  WorkerId worker;
};

// What the first success of a map said, for later jobs that take its output.
struct MapResult {
  AttemptStats stats;
  std::map<std::string, int64_t> counters;
};

struct JobRecord {
  explicit JobRecord(const JobPlan& plan);

  JobId id() const { return summary.job; }
  const JobPlan& plan() const { return summary.plan; }
  bool running() const { return summary.state == JobState::kRunning; }
  bool ended() const { return summary.state >= JobState::kSucceeded; }
  bool HasTask(const TaskId& task) const {
    return task.stage < stages.size() && stages[task.stage].Has(task.index);
  }
  const Task& task(const TaskId& id) const { return stages[id.stage][id.index]; }
  StageState& maps() { return stages[0]; }
  const StageState& maps() const { return stages[0]; }
  StageState& reduces() { return stages[1]; }
  const StageState& reduces() const { return stages[1]; }

  // Null when the output of this map, which is done, is the job's own.
  const ReusedOutput* ReusedFor(uint32_t map_index) const;
  // The task for which the output of this map, which is done, was made.
  TaskId MakerOf(uint32_t map_index) const;
  // Whether it takes outputs of earlier jobs and leaves its own.
  bool reuses() const { return !fingerprints.empty(); }

  bool LastStageComplete() const { return stages.back().complete(); }
  // Whether the output of a finished map may still be asked for.
  bool NeedsMapOutputs() const { return running() && !plan().map_only() && !reduces().complete(); }
  // The same, or it would be if a part were lost.
  bool MayNeedMapOutputs() const { return NeedsMapOutputs() || held(); }
  // In a chain: every part is there for its reader. Until one of them is lost nothing of it runs,
  // not even maps whose outputs went meanwhile.
  bool held() const { return running() && plan().feeds && LastStageComplete(); }
  bool WantsMaps() const { return running() && input_ready && !held(); }
  bool HasIdleMaps() const { return WantsMaps() && maps().idle() > 0; }
  bool HasReruns() const { return WantsMaps() && maps().HasRerun(); }
  // A reduce is placed after the last map it needs, and only when all of their outputs are within
  // reach.
  bool HasPlaceableReduces() const {
    return running() && !plan().map_only() && maps().complete() && awaited_workers.empty() &&
           reduces().idle() > 0;
  }
  // "job "wordcount" (job-3)".
  std::string Title() const;
  // Drops what only an unfinished job needs.
  void ForgetTasks();

  JobSummary summary;
  uint64_t version = 0;                 // counts the edits
  std::vector<StageState> stages;       // none once the job has ended
  std::vector<StageView> final_stages;  // how they stood when it ended

  // Attempts that run, by task; more than one only for a task with a backup.
  absl::btree_map<TaskKey, absl::InlinedVector<AttemptId, 1>> attempts;
  std::deque<AttemptRecord> history;  // in the order in which they ended
  // Why attempts ended, where there is something to say: the first kMessagesMax.
  absl::btree_map<AttemptId, std::string> messages;
  static constexpr size_t kMessagesMax = 1000;
  absl::btree_map<TaskKey, Trouble> troubles;
  // Backup attempts started so far, by stage and by task.
  std::array<uint32_t, 2> backups{};
  absl::btree_map<TaskKey, uint32_t> backups_of_task;
  // By stage, since this master started.
  std::array<RecentCosts, 2> costs;

  // Of the reduces that are done, as far as they may be asked for.
  KeysOfLargestParts heavy_keys;

  // Tasks that have to run again, and the number of the ledger's entry to which that is due.
  absl::btree_map<TaskKey, uint64_t> undone_by;

  // By map; all three are empty unless the job reuses outputs. `reused` holds what it took, also
  // what was lost later.
  std::vector<Digest> fingerprints;
  std::vector<MapResult> results;
  absl::btree_map<uint32_t, ReusedOutput> reused;

  // In a chain: the job that reads the parts of this one, and whether all those that this one reads
  // are there.
  JobId reader;
  bool input_ready = true;

  // Indexes of map tasks whose output came or went; a source version is a length of this list.
  std::vector<uint32_t> source_log;
  // Workers with reduce attempts of this job, and how many: they are told of changed sources.
  absl::btree_map<WorkerId, uint32_t> reducing_workers;
  // Workers that may hold something of this job.
  absl::btree_set<WorkerId> workers;
  // Workers known from the journal that hold outputs of this job and are not back yet.
  absl::btree_set<WorkerId> awaited_workers;

  // Reduce attempts that wait for a slot, on whatever worker.
  absl::btree_set<AttemptId> waiting;
  // When its workers may be told of changed sources again (scheduler.h).
  CoreTime tell_again_at;

  uint32_t slots_used = 0;
  uint32_t fetchers = 0;
  bool folded = false;

  // The keys under which the cluster's indexes hold this job, if they do.
  uint32_t indexed_slots = 0;
  uint32_t indexed_fetchers = 0;
  bool indexed_maps = false;
  bool indexed_reruns = false;
  bool indexed_reduces = false;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_JOB_RECORD_H_
