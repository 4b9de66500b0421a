// Who is to blame when the engine fails: its statuses (worker/engine/failure.h) as causes.
//
// Pure; any thread.
#ifndef MILLRACE_WORKER_ATTEMPT_CAUSE_H_
#define MILLRACE_WORKER_ATTEMPT_CAUSE_H_

#include <vector>

#include "absl/status/status.h"
#include "rpc/task_types.h"
#include "worker/engine/reduce_task.h"

namespace millrace {

// The cause that a failed `status` of the engine stands for.
Cause CauseOf(const absl::Status& status);

// Cause, message and, when a source is to blame, which of `sources` (empty in a map).
void SetFailure(const absl::Status& status, const std::vector<ReduceSource>& sources,
                AttemptOutcome* outcome);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_CAUSE_H_
