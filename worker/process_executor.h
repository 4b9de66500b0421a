// Executors as child processes: the job's own binary with an inherited socket.
//
// Whatever user code does to its process costs one attempt. The report then says how the process
// ended, at which record ("file:offset", from the shared cursor page) and what it printed last.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_PROCESS_EXECUTOR_H_
#define MILLRACE_WORKER_PROCESS_EXECUTOR_H_

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/timer.h>

#include <memory>

#include "worker/executor.h"

namespace millrace {

struct ProcessExecutorOptions {
  // Within this time after its start an executor must answer; slow file systems count.
  kj::Duration start_timeout = 60 * kj::SECONDS;
  // A loaded executor answers within milliseconds, since its loop does nothing else.
  kj::Duration progress_timeout = 2 * kj::SECONDS;
};

class ProcessExecutorFactory final : public ExecutorFactory, private kj::TaskSet::ErrorHandler {
 public:
  ProcessExecutorFactory(kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& port, kj::Timer& timer,
                         const ProcessExecutorOptions& options = {});
  // Ends what is left of its executors' processes and waits for them.
  ~ProcessExecutorFactory() noexcept(false) override;
  KJ_DISALLOW_COPY(ProcessExecutorFactory);

  absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) override;

 private:
  struct Process;
  class ProcessExecutor;

  // Takes over a process that is to be ended and reaps it when it has gone: that can take long when
  // it has much memory or hangs in a slow file system, and nobody waits for it.
  void Bury(kj::Own<Process> process);
  void taskFailed(kj::Exception&& exception) override;

  kj::LowLevelAsyncIoProvider& io_;
  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  const ProcessExecutorOptions options_;
  kj::TaskSet burials_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_PROCESS_EXECUTOR_H_
