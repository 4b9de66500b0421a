// How long to wait before the next try: exponential, capped, with jitter.
//
// Jitter keeps peers that lost the same master at the same moment from coming back together. It is
// drawn from a seed, so that a simulation repeats itself. Pure; any thread.
#ifndef MILLRACE_RPC_BACKOFF_H_
#define MILLRACE_RPC_BACKOFF_H_

#include <kj/time.h>

#include <cstdint>

namespace millrace {

struct BackoffOptions {
  kj::Duration initial = 100 * kj::MILLISECONDS;
  kj::Duration max = 5 * kj::SECONDS;
};

class Backoff {
 public:
  // Needs 0 < initial <= max.
  Backoff(const BackoffOptions& options, uint64_t seed);

  // The next delay: between one half and the whole of initial, 2 * initial, 4 * initial, ... max.
  kj::Duration Next();

  // The last try went well: the next delay is a short one again.
  void Reset();

 private:
  BackoffOptions options_;
  kj::Duration ceiling_;
  uint64_t state_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_BACKOFF_H_
