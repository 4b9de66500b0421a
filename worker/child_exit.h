// The end of a child process as a promise.
#ifndef MILLRACE_WORKER_CHILD_EXIT_H_
#define MILLRACE_WORKER_CHILD_EXIT_H_

#include <kj/async-unix.h>

#include "worker/child_process.h"

namespace millrace {

// Waits for one child without a signal handler, so that any number of children and loops can live
// in a process. Event loop only; `child` and `port` must outlive this object and its promise.
class ChildExit {
 public:
  ChildExit(kj::UnixEventPort& port, ChildProcess& child);
  KJ_DISALLOW_COPY(ChildExit);

  // Resolves with how the child ended. Call it once.
  kj::Promise<ExitStatus> Wait();

 private:
  ChildProcess& child_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_CHILD_EXIT_H_
