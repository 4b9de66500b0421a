// Tells the master, once per period, that this worker is alive and how far its attempts are.
//
// One heartbeater serves one session. Lives on one event loop.
#ifndef MILLRACE_WORKER_HEARTBEATER_H_
#define MILLRACE_WORKER_HEARTBEATER_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <cstdint>

namespace millrace {

class Heartbeater {
 public:
  // Sends one heartbeat; gives whether the session is still current. Rejects when it was not
  // answered in time.
  using Send = kj::Function<kj::Promise<bool>()>;

  Heartbeater(kj::Timer& timer, kj::Duration period, Send send);
  KJ_DISALLOW_COPY(Heartbeater);

  // Resolves when the master says that the session is over. A heartbeat that fails is counted and
  // the next one sent: whether the connection is dead is for others to find out. The promise must
  // not outlive this object.
  kj::Promise<void> Run();

  uint64_t missed() const { return missed_; }

 private:
  kj::Promise<bool> SendOne();

  kj::Timer& timer_;
  const kj::Duration period_;
  Send send_;
  uint64_t missed_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_HEARTBEATER_H_
