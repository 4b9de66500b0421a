#include "rpc/backoff.h"

#include <glog/logging.h>

#include <algorithm>

namespace millrace {
namespace {

// One step of splitmix64: every seed, also zero, gives a good sequence.
uint64_t NextRandom(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Backoff::Backoff(const BackoffOptions& options, uint64_t seed)
    : options_(options), ceiling_(options.initial), state_(seed) {
  CHECK(options.initial > 0 * kj::NANOSECONDS);
  CHECK(options.initial <= options.max);
}

kj::Duration Backoff::Next() {
  const uint64_t ceiling_ns = ceiling_ / kj::NANOSECONDS;
  const uint64_t half_ns = ceiling_ns / 2;
  const uint64_t delay_ns = half_ns + NextRandom(&state_) % (ceiling_ns - half_ns + 1);
  ceiling_ = std::min(options_.max, ceiling_ * 2);
  return delay_ns * kj::NANOSECONDS;
}

void Backoff::Reset() { ceiling_ = options_.initial; }

}  // namespace millrace
