#include "worker/log_drain.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

namespace millrace {

LogDrain::LogDrain(kj::UnixEventPort& port, kj::AutoCloseFd fd)
    : fd_(kj::mv(fd)),
      observer_(port, fd_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      loop_(kj::evalLater([this]() { return Loop(); }).eagerlyEvaluate(nullptr)) {}

void LogDrain::Clear() {
  Take();
  tail_.Clear();
}

std::string LogDrain::LastLines() {
  Take();
  return tail_.LastLines();
}

AttemptLog LogDrain::Log() {
  Take();
  return tail_.Log();
}

std::string LogDrain::LastStatus() {
  Take();
  return tail_.LastStatus();
}

bool LogDrain::Take() {
  char buffer[16 << 10];
  emptied_ = false;
  for (size_t taken = 0; taken < kMaxTakeBytes;) {
    const ssize_t length = read(fd_.get(), buffer, sizeof(buffer));
    if (length > 0) {
      tail_.Append(std::string_view(buffer, length));
      taken += length;
      continue;
    }
    if (length < 0 && errno == EINTR) continue;
    emptied_ = true;
    return length < 0 && errno == EAGAIN;
  }
  return true;
}

kj::Promise<void> LogDrain::Loop() {
  if (!Take()) return kj::READY_NOW;
  if (!emptied_) return kj::evalLast([this]() { return Loop(); });  // let others have a turn
  return observer_.whenBecomesReadable().then([this]() { return Loop(); });
}

}  // namespace millrace
