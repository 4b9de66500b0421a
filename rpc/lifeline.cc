#include "rpc/lifeline.h"

#include <cstddef>

namespace millrace {

Lifeline::Lifeline(kj::LowLevelAsyncIoProvider& provider, int fd) {
  if (fd < 0) return;
  stream_ = provider.wrapInputFd(fd, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                         kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
}

kj::Promise<void> Lifeline::Ended() {
  if (stream_.get() == nullptr) return kj::NEVER_DONE;
  return stream_->tryRead(&byte_, 1, 1)
      .then([](size_t count) { return count; }, [](kj::Exception&&) { return size_t{0}; })
      .then([this](size_t count) -> kj::Promise<void> {
        if (count > 0) return Ended();  // what is said does not matter
        return kj::READY_NOW;
      });
}

}  // namespace millrace
