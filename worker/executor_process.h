// The life of an executor: the job's binary, started by a worker with an inherited socket.
//
// The launcher calls RunExecutor when the environment has MILLRACE_EXECUTOR_FD. User code runs on a
// thread of its own, so the event loop always answers. When the socket closes, because the worker
// has died or has no more use for it, the process ends with everything that user code started.
#ifndef MILLRACE_WORKER_EXECUTOR_PROCESS_H_
#define MILLRACE_WORKER_EXECUTOR_PROCESS_H_

#include <optional>
#include <vector>

#include "mapreduce/job.h"

namespace millrace {

// The descriptor that a worker left in the environment, if this process is an executor. Takes it
// out of the environment, so that children of user code do not take themselves for executors.
std::optional<int> TakeExecutorFd();

// Of the jobs of a chain the environment (MILLRACE_STEP) says which one this executor runs.
[[noreturn]] void RunExecutor(int socket_fd, const std::vector<JobDescription>& chain);

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_PROCESS_H_
