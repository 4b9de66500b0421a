#include "apps/chat/polled_fd.h"

#include <kj/debug.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace::chat {
namespace {

constexpr size_t kReadBytes = 4096;
// What a pipe that is ready for writing takes without blocking: pipe(7).
constexpr size_t kWriteBytes = PIPE_BUF;

// Whether reading or writing would not block now: there is room, data, an end or an error.
bool IsReady(int fd, short events) {
  pollfd polled = {fd, events, 0};
  return poll(&polled, 1, /*timeout=*/0) > 0;
}

kj::Exception Failed(const char* what) { return ToException(absl::ErrnoToStatus(errno, what)); }

}  // namespace

kj::Promise<std::string> PolledInput::Read() {
  if (!IsReady(fd_, POLLIN)) {
    using Observer = kj::UnixEventPort::FdObserver;
    if (observer_.get() == nullptr) {
      observer_ = kj::heap<Observer>(port_, fd_, Observer::OBSERVE_READ);
    }
    return observer_->whenBecomesReadable().then([this]() { return Read(); });  // the tail call
  }
  std::string bytes(kReadBytes, '\0');
  const ssize_t count = read(fd_, bytes.data(), bytes.size());
  if (count < 0 && errno != EINTR && errno != EAGAIN) return Failed("reading what is typed");
  if (count < 0) return kj::evalLater([this]() { return Read(); });
  bytes.resize(static_cast<size_t>(count));
  return bytes;
}

kj::Promise<void> PolledOutput::Write(std::string bytes) {
  auto owned = kj::heap<std::string>(std::move(bytes));
  kj::Promise<void> written = WriteFrom(*owned, 0);
  return written.attach(kj::mv(owned));
}

kj::Promise<void> PolledOutput::WriteFrom(const std::string& bytes, size_t begin) {
  while (begin < bytes.size() && IsReady(fd_, POLLOUT)) {
    const size_t size = std::min(bytes.size() - begin, kWriteBytes);
    const ssize_t count = write(fd_, bytes.data() + begin, size);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return Failed("writing what is said");
    if (count > 0) begin += static_cast<size_t>(count);
  }
  if (begin == bytes.size()) return kj::READY_NOW;
  using Observer = kj::UnixEventPort::FdObserver;
  if (observer_.get() == nullptr) {
    observer_ = kj::heap<Observer>(port_, fd_, Observer::OBSERVE_WRITE);
  }
  return observer_->whenBecomesWritable().then([this, &bytes, begin]() {
    return WriteFrom(bytes, begin);  // the tail call
  });
}

}  // namespace millrace::chat
