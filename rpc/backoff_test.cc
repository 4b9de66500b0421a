#include "rpc/backoff.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace millrace {
namespace {

constexpr kj::Duration kMs = 1 * kj::MILLISECONDS;

BackoffOptions Options() { return {100 * kj::MILLISECONDS, 1 * kj::SECONDS}; }

RC_GTEST_PROP(BackoffTest, DelaysDoubleUpToTheCapWithHalfOfEachAtRandom, (uint64_t seed)) {
  Backoff backoff(Options(), seed);
  for (int ceiling_ms : {100, 200, 400, 800, 1000, 1000, 1000}) {
    const kj::Duration delay = backoff.Next();
    RC_ASSERT(delay >= ceiling_ms / 2 * kMs && delay <= ceiling_ms * kMs);
  }
}

TEST(BackoffTest, TheSameSeedGivesTheSameDelays) {
  Backoff a(Options(), 7);
  Backoff b(Options(), 7);
  Backoff other(Options(), 8);
  bool differs = false;
  for (int i = 0; i < 10; ++i) {
    const kj::Duration delay = a.Next();
    EXPECT_TRUE(delay == b.Next());
    differs |= delay != other.Next();
  }
  EXPECT_TRUE(differs);
}

TEST(BackoffTest, AResetMakesTheNextDelayShort) {
  Backoff backoff(Options(), 1);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_TRUE(backoff.Next() <= 100 * kMs);
}

}  // namespace
}  // namespace millrace
