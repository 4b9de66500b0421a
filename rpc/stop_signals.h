// The signals with which people and service managers end a process, as promises.
#ifndef MILLRACE_RPC_STOP_SIGNALS_H_
#define MILLRACE_RPC_STOP_SIGNALS_H_

#include <kj/async-unix.h>
#include <kj/async.h>

namespace millrace {

class StopSignals {
 public:
  // From here on a signal waits until somebody asks for it, also one that comes before that. Called
  // before the event loop is made and before any thread is.
  static void Capture();

  explicit StopSignals(kj::UnixEventPort& port) : port_(port) {}
  KJ_DISALLOW_COPY(StopSignals);

  // Each resolves once, at the signal. Ask once at a time.
  kj::Promise<void> Terminated();   // SIGTERM
  kj::Promise<void> Interrupted();  // SIGINT

 private:
  kj::UnixEventPort& port_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_STOP_SIGNALS_H_
