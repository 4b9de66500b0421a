// The knobs of the core, and what it says in answer to one event.
#ifndef MILLRACE_MASTER_CORE_DECISION_H_
#define MILLRACE_MASTER_CORE_DECISION_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "master/core/actions.h"
#include "master/core/edits.h"
#include "rpc/ids.h"

namespace millrace {

struct CoreOptions {
  Epoch epoch{1};               // of this master; attempts are numbered within it
  int64_t started_wall_us = 0;  // wall time at core time zero, for display only

  // Silence after which a worker is lost: three missed heartbeats of one second and room to spare
  // for a long pause, since losing a worker costs all its map outputs.
  absl::Duration lease = absl::Seconds(10);
  // A broken connection is nearly always a dead process; a reconnect takes milliseconds.
  absl::Duration disconnect_grace = absl::Seconds(1);

  uint32_t unfinished_jobs_max = 1000;
  uint64_t unfinished_tasks_max = 10'000'000;
  uint32_t history_max = 1000;              // ended jobs that are remembered
  uint32_t history_attempts_max = 100'000;  // attempts remembered of ended jobs, newest job first
  // Ends of attempts of one task for causes other than user code, after which the job fails.
  uint32_t other_failures_max = 20;
  // A worker that could not run a job's attempt gets none of that job for a while: first so long,
  // twice as long each time that it fails again without a success between, at most so long.
  absl::Duration first_pause = absl::Milliseconds(250);
  absl::Duration longest_pause = absl::Seconds(30);
  // How long two workers are believed to be cut off from each other: finding it out again takes a
  // reduce attempt some seconds.
  absl::Duration cut_memory = absl::Minutes(1);
  // What is retained of the map outputs of jobs that succeeded, on all workers together; 0 bytes:
  // nothing. A job with more maps retains nothing either.
  uint64_t reuse_bytes_max = uint64_t{10} << 30;
  uint32_t reuse_outputs_max = 100'000;
  // Of a job, while maps run again: a map's output costs a message to each worker that reduces.
  uint32_t source_messages_per_second = 10'000;
  // Reduce attempts per worker that may fetch at a time, beyond one for each slot.
  uint32_t extra_fetchers = 2;
};

// What one event calls for. The edits have been applied already; they are to be journalled.
struct Decision {
  std::vector<JobEdit> edits;
  Actions actions;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_DECISION_H_
