// What the core needs to know of a job to schedule it. The rest of the specification (binary, argv,
// inputs) travels beside it as bytes that the core passes through and never reads.
#ifndef MILLRACE_MASTER_CORE_JOB_PLAN_H_
#define MILLRACE_MASTER_CORE_JOB_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "mapreduce/stage_kind.h"
#include "rpc/ids.h"

namespace millrace {

struct JobPlan {
  std::string name;
  // Drawn by the client; the same submit sent twice gives one job.
  std::string request_id;
  // Absolute; no two unfinished jobs share one. Empty in a job that feeds another.
  std::string output_folder;
  uint32_t map_count = 0;     // may be 0: empty input
  uint32_t reducers = 0;      // 0: map only
  uint32_t max_attempts = 4;  // user-code failures one task may have, see failures_max; at least 1
  uint32_t skip_bad_records = 0;  // records of the input that may be left out
  // An attempt that has run for less gets no backup; 0: none ever gets one.
  uint32_t speculation_floor_ms = 0;
  // An attempt that gets nothing done for so long is stopped; 0: never.
  uint32_t progress_timeout_ms = 0;
  // Map outputs lie where every host sees them, so that none is lost with its worker.
  bool keeps_outputs = false;
  // In a chain: the job whose parts are the input, part i that of map i; not set: files.
  JobId reads;
  // In a chain: the parts are for another job's maps, and are never published.
  bool feeds = false;

  bool map_only() const { return reducers == 0; }
  bool watched() const { return speculation_floor_ms > 0 || progress_timeout_ms > 0; }
  // So many failures of user code fail a task. It may take three to find a bad record: one in a
  // chunk, whose place need not be exact, and two when the record was handed out alone.
  uint32_t failures_max(uint32_t stage) const {
    return stage == 0 && skip_bad_records > 0 ? std::max(max_attempts, 3u) : max_attempts;
  }
  // Stages are numbered from 0; a map-only job has one, a MapReduce two.
  uint32_t stage_count() const { return map_only() ? 1 : 2; }
  uint32_t task_count(uint32_t stage) const { return stage == 0 ? map_count : reducers; }
  static StageKind kind(uint32_t stage) {
    return stage == 0 ? StageKind::kMap : StageKind::kReduce;
  }

  friend bool operator==(const JobPlan& a, const JobPlan& b) {
    return a.name == b.name && a.request_id == b.request_id && a.output_folder == b.output_folder &&
           a.map_count == b.map_count && a.reducers == b.reducers &&
           a.max_attempts == b.max_attempts && a.skip_bad_records == b.skip_bad_records &&
           a.speculation_floor_ms == b.speculation_floor_ms &&
           a.progress_timeout_ms == b.progress_timeout_ms && a.keeps_outputs == b.keeps_outputs &&
           a.reads == b.reads && a.feeds == b.feeds;
  }
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_JOB_PLAN_H_
