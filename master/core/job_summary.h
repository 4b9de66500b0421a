// What is known of a job as a whole: the one row that stays of it when it has ended, and the head
// of what is shown of it while it runs.
#ifndef MILLRACE_MASTER_CORE_JOB_SUMMARY_H_
#define MILLRACE_MASTER_CORE_JOB_SUMMARY_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "master/core/job_plan.h"
#include "rpc/ids.h"
#include "rpc/recovery_entry.h"
#include "rpc/skew.h"
#include "rpc/task_types.h"
#include "storage/input_split.h"

namespace millrace {

struct JobSummary {
  JobId job;
  JobPlan plan;
  JobState state = JobState::kRunning;
  // Empty unless failed or cancelled. The first line says it all; details may follow on more lines.
  std::string error;

  // Wall time in microseconds since 1970, for display only.
  int64_t accepted_wall_us = 0;
  int64_t ended_wall_us = 0;

  std::array<uint64_t, kReasonCount> started{};  // attempts by the reason they were started for
  std::array<uint64_t, kCauseCount> ended{};     // attempts by the cause they ended with
  uint64_t stale_reports = 0;
  std::array<uint32_t, 2> tasks_done{};  // by stage, when the job ended
  // Workers that were there when the job was accepted or came while it ran, and those lost
  // meanwhile.
  uint32_t workers_joined = 0;
  uint32_t workers_lost = 0;

  // The newest losses, oldest first, and how many older ones are no longer here
  // (recovery_ledger.h).
  std::deque<RecoveryEntry> recovery;
  uint64_t recovery_dropped = 0;

  // Sums over the first success of each task: the same as if nothing had failed. Input is what the
  // first stage read, output what the last one wrote.
  AttemptStats stats;
  std::array<AttemptStats, 2> stage_stats{};  // the same, and all of it, by stage
  std::map<std::string, int64_t> counters;
  uint32_t map_outputs_reused = 0;  // of earlier jobs
  Skew skew;                        // of its reduces, when it has succeeded

  // Left out because user code failed at them; by file and offset.
  std::vector<InputRecord> skipped_records;

  uint64_t attempts() const {
    uint64_t sum = 0;
    for (uint64_t n : started) sum += n;
    return sum;
  }
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_JOB_SUMMARY_H_
