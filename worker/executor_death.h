// The outcome of an attempt whose executor died: what a person needs to find the fault.
//
// Pure; any thread.
#ifndef MILLRACE_WORKER_EXECUTOR_DEATH_H_
#define MILLRACE_WORKER_EXECUTOR_DEATH_H_

#include <string>

#include "rpc/task_types.h"
#include "worker/child_process.h"
#include "worker/executor_task.h"

namespace millrace {

struct ExecutorDeath {
  ExitStatus status;
  bool killed_by_us = false;    // the attempt was cancelled
  bool never_answered = false;  // it was ended because it did not serve its socket in time
  std::string position;         // "file:offset", if it was in a map
  InputRecord record;           // the same, as far as it is known
  std::string last_lines;       // of its output
};

AttemptOutcome OutcomeOf(const ExecutorDeath& death, const ExecutorTask& task);

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_DEATH_H_
