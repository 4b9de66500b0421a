// Our end of a pipe whose other end a process holds open for as long as it lives: when that process
// has ended, however that was, the pipe comes to its end.
#ifndef MILLRACE_RPC_LIFELINE_H_
#define MILLRACE_RPC_LIFELINE_H_

#include <kj/async-io.h>
#include <kj/async.h>

namespace millrace {

class Lifeline {
 public:
  // Takes the descriptor, which is close-on-exec already; -1: nobody holds us, and it never ends.
  Lifeline(kj::LowLevelAsyncIoProvider& provider, int fd);
  KJ_DISALLOW_COPY(Lifeline);

  // Resolves when the other end is closed. Never rejects. At most once; must not outlive this.
  kj::Promise<void> Ended();

 private:
  kj::Own<kj::AsyncInputStream> stream_;  // null: never ends
  char byte_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_LIFELINE_H_
