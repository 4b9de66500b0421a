// What the master tells clients about jobs, attempts and workers: plain read-only snapshots.
#ifndef MILLRACE_RPC_JOB_VIEWS_H_
#define MILLRACE_RPC_JOB_VIEWS_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rpc/profile.h"
#include "rpc/recovery_entry.h"
#include "rpc/skew.h"
#include "rpc/task_types.h"

namespace millrace {

struct StageProgress {
  StageKind kind = StageKind::kMap;
  uint32_t total = 0;
  uint32_t done = 0;
  uint32_t running = 0;
};

struct JobView {
  JobId job;
  std::string name;
  JobState state = JobState::kRunning;
  uint64_t version = 0;  // grows with every change
  std::string error;     // one line, when it failed
  std::vector<StageProgress> stages;
  std::array<uint64_t, kReasonCount> attempts_by_reason = {};
  std::array<uint64_t, kCauseCount> attempts_by_cause = {};
  uint64_t stale_reports = 0;
  uint64_t workers_joined = 0;
  uint64_t workers_lost = 0;
  uint64_t input_bytes = 0;   // of the whole input
  uint64_t mapped_bytes = 0;  // read so far
  uint64_t shuffled_bytes = 0;
  uint64_t output_bytes = 0;
  std::map<std::string, int64_t> counters;
  uint64_t map_outputs_reused = 0;  // made by earlier jobs
  std::string output_folder;
  std::string output_key;         // by which the manifest there names the job; empty: not known
  int64_t submitted_unix_ms = 0;  // for display
  uint64_t wall_ms = 0;           // from submit to now, or to the end
  std::string waiting_on;         // why nothing moves; empty otherwise
  // What was lost, oldest first, and how many older losses are no longer here.
  std::vector<RecoveryEntry> recovery;
  uint64_t recovery_dropped = 0;
  std::vector<InputRecord> skipped_records;  // left out, by file and offset
  Skew skew;                                 // of its reduces, when it has succeeded

  // Whether it matters, or somebody wants to know all.
  bool HasSkewToTell() const {
    return !skew.parts.empty() &&
           (skew.total_bytes >= Skew::kBytesWorthTelling || HasProfile(counters));
  }

  bool ended() const { return state >= JobState::kSucceeded; }
};

struct AttemptView {
  AttemptId attempt;
  TaskId task;
  StageKind kind = StageKind::kMap;
  Reason reason = Reason::kFirst;
  Cause cause = Cause::kRunning;
  WorkerId worker;
  std::string worker_name;
  uint64_t worker_pid = 0;
  uint64_t started_ms = 0;  // since the job was submitted
  uint64_t ended_ms = 0;    // 0 while it runs
  std::string message;
  std::string status;  // what it says of itself while it runs, if it does
  AttemptStats stats;
};

// What attempts of one worker have written: a log for each, in the order in which they were asked
// for. Or why the worker cannot be asked.
struct WorkerLogs {
  std::vector<AttemptLog> logs;
  std::string unavailable;
};

struct WorkerView {
  WorkerId worker;
  std::string name;
  std::string host;
  uint64_t pid = 0;
  std::string state;  // "alive", "suspect", "draining", "lost"
  uint32_t slots = 0;
  uint32_t busy = 0;
  uint64_t attempts = 0;  // run so far
  uint64_t heartbeat_age_ms = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_JOB_VIEWS_H_
