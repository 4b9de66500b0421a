#include "rpc/stop_signals.h"

#include <signal.h>

namespace millrace {

void StopSignals::Capture() {
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
}

kj::Promise<void> StopSignals::Terminated() { return port_.onSignal(SIGTERM).ignoreResult(); }

kj::Promise<void> StopSignals::Interrupted() { return port_.onSignal(SIGINT).ignoreResult(); }

}  // namespace millrace
