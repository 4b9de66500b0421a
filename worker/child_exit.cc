#include "worker/child_exit.h"

namespace millrace {

ChildExit::ChildExit(kj::UnixEventPort& port, ChildProcess& child)
    : child_(child),
      observer_(port, child.exit_fd(), kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

kj::Promise<ExitStatus> ChildExit::Wait() {
  if (std::optional<ExitStatus> status = child_.Reap(); status.has_value()) return *status;
  return observer_.whenBecomesReadable().then([this]() { return Wait(); });
}

}  // namespace millrace
