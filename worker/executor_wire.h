// What worker and executor say to each other, as plain values and back. Pure; any thread.
#ifndef MILLRACE_WORKER_EXECUTOR_WIRE_H_
#define MILLRACE_WORKER_EXECUTOR_WIRE_H_

#include "absl/status/statusor.h"
#include "rpc/executor.capnp.h"
#include "worker/executor_task.h"

namespace millrace {

// In the environment of an executor: the descriptor of its socket, and that of its cursor page.
inline constexpr char kExecutorFdVariable[] = "MILLRACE_EXECUTOR_FD";
inline constexpr char kCursorFdVariable[] = "MILLRACE_CURSOR_FD";

absl::StatusOr<ExecutorTask> ReadExecutorTask(capnp_executor::ExecutorTask::Reader in);
void Write(const ExecutorTask& value, capnp_executor::ExecutorTask::Builder out);

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_WIRE_H_
