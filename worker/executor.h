// The seam between a worker and whatever runs user code for it.
//
// An Executor serves one job and runs one attempt at a time; it stays warm in between. In a real
// worker it is a child process (process_executor.h); a simulation brings its own.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_EXECUTOR_H_
#define MILLRACE_WORKER_EXECUTOR_H_

#include <kj/async.h>
#include <kj/common.h>
#include <kj/memory.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc/task_types.h"
#include "worker/executor_task.h"

namespace millrace {

class Executor {
 public:
  // Ends the executor and all that user code started in it; does not wait for it.
  virtual ~Executor() noexcept(false) = default;

  // Runs an attempt. Never rejects: an executor that dies has failed its attempt, and the outcome
  // says how. The executor must outlive the promise; dropping the promise does not end the attempt.
  virtual kj::Promise<AttemptOutcome> Run(const ExecutorTask& task) = 0;

  // How far the running attempt is. Never rejects; an executor that does not answer soon gives what
  // it said last.
  virtual kj::Promise<AttemptProgress> Progress() = 0;

  // What the running attempt has written to standard output and error so far; between attempts all
  // that the last one wrote.
  virtual AttemptLog Log() = 0;

  // Ends the executor; a running attempt ends as cancelled.
  virtual void Kill() = 0;

  // Whether it can run another attempt.
  virtual bool alive() const = 0;
};

// What starts an executor: the job's own command line.
struct ExecutorCommand {
  std::string binary_path;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_folder;
};

class ExecutorFactory {
 public:
  virtual ~ExecutorFactory() noexcept(false) = default;
  // The errors are those of ChildProcess::Start.
  virtual absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_H_
