// Snapshots of the core's state, for the shell's replies and for people.
#ifndef MILLRACE_MASTER_CORE_VIEWS_H_
#define MILLRACE_MASTER_CORE_VIEWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "master/core/job_summary.h"
#include "rpc/ids.h"
#include "rpc/lineage_view.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

struct StageView {
  StageKind kind = StageKind::kMap;
  uint32_t total = 0;
  uint32_t running = 0;  // tasks with an attempt that has not ended
  uint32_t done = 0;
};

struct JobSnapshot {
  JobSummary summary;
  uint64_t version = 0;           // grows with every change, in this life of the master
  std::vector<StageView> stages;  // of a job that has ended, too: as they stood then
};

struct AttemptSnapshot {
  AttemptId attempt;
  TaskId task;
  StageKind kind = StageKind::kMap;
  WorkerId worker;
  std::string worker_name;  // empty when no longer known
  Reason reason = Reason::kFirst;
  Cause cause = Cause::kRunning;
  int64_t started_wall_us = 0;
  int64_t ended_wall_us = 0;  // 0 while it runs
  std::string message;        // what failed, where and why; often empty
  AttemptStats stats;         // of an attempt that won
};

// What one task was made from, and how often it was run.
struct TaskLineage {
  std::string state;  // as in LineageView, here and below
  AttemptId winner;
  Digest digest;
  uint64_t sources = 0;
  std::string forgotten;
  TaskId made_for;  // the map of an earlier job whose output it took; not set: none
  TaskId part_of;   // the reduce of another job whose part it reads; not set: none
  std::vector<AttemptSnapshot> attempts;
  std::vector<SourceView> read;
};

enum class WorkerState : uint8_t {
  kJoined = 0,
  kDraining = 1,
  kSuspect = 2,  // disconnected a moment ago
  kAwaited = 3,  // known from the journal, not back yet
  kLost = 4,
};
const char* Name(WorkerState state);  // "joined", ...

struct WorkerSnapshot {
  WorkerId worker;
  std::string name;
  std::string host_id;
  WorkerState state = WorkerState::kJoined;
  uint32_t slots = 0;
  uint32_t free_slots = 0;
  uint32_t attempts = 0;           // running or fetching now
  uint64_t attempts_started = 0;   // so far
  absl::Duration since_heartbeat;  // zero for workers that are awaited
};

// A map output that a worker is to keep, for later jobs or for one that uses it.
struct RetainedView {
  WorkerId worker;
  TaskId task;  // that it was made for
  AttemptId attempt;
};

// The winner of a task of the last stage: one part of the output.
struct PartView {
  uint32_t index = 0;
  AttemptId attempt;
  Digest digest;
  uint64_t bytes = 0;
};

// Totals over the life of this master.
struct ClusterView {
  uint64_t workers_joined = 0;
  uint64_t workers_lost = 0;
  uint64_t stale_reports = 0;
  uint64_t unfinished_jobs = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_VIEWS_H_
