// Keeps strangers from filling the log: a few lines a second, and how many were left out.
#ifndef MILLRACE_RPC_LOG_LIMITER_H_
#define MILLRACE_RPC_LOG_LIMITER_H_

#include <kj/time.h>

#include <cstdint>

namespace millrace {

class LogLimiter {
 public:
  explicit LogLimiter(uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

  // Whether a line may be written at `now`, which never goes back.
  bool Allow(kj::TimePoint now) {
    if (now - second_began_ >= 1 * kj::SECONDS) {
      second_began_ = now;
      written_ = 0;
    }
    if (written_ == lines_per_second_) {
      ++left_out_;
      return false;
    }
    ++written_;
    return true;
  }

  // How many were refused since this was last asked.
  uint64_t TakeLeftOut() {
    uint64_t count = left_out_;
    left_out_ = 0;
    return count;
  }

 private:
  const uint32_t lines_per_second_;
  kj::TimePoint second_began_ = kj::origin<kj::TimePoint>();
  uint32_t written_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_LOG_LIMITER_H_
