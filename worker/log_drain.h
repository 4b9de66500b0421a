// Empties a pipe that a child writes to, so that it never blocks, and keeps the end of what it
// says.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_LOG_DRAIN_H_
#define MILLRACE_WORKER_LOG_DRAIN_H_

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/io.h>

#include <string>

#include "rpc/task_types.h"
#include "worker/log_tail.h"

namespace millrace {

class LogDrain {
 public:
  // `fd` is the reading end and does not block.
  LogDrain(kj::UnixEventPort& port, kj::AutoCloseFd fd);
  KJ_DISALLOW_COPY(LogDrain);

  // Forgets what came so far, including what lies in the pipe.
  void Clear();
  // The end of what came so far, including what lies in the pipe.
  std::string LastLines();
  AttemptLog Log();
  std::string LastStatus();

 private:
  // Takes what is there, at most kMaxTakeBytes. False at the end of the file.
  bool Take();
  kj::Promise<void> Loop();

  // As much as a pipe holds, several times over: a child that writes faster than we read must not
  // keep us from everything else.
  static constexpr size_t kMaxTakeBytes = 1 << 20;

  LogTail tail_;
  bool emptied_ = false;  // the last Take found the end of what was there
  kj::AutoCloseFd fd_;
  kj::UnixEventPort::FdObserver observer_;
  kj::Promise<void> loop_;  // last: it uses all of the above
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_LOG_DRAIN_H_
