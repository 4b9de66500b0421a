#include "rpc/log_limiter.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(LogLimiterTest, AFewLinesASecondAndTheNumberOfTheRest) {
  LogLimiter limiter(2);
  const kj::TimePoint start = kj::origin<kj::TimePoint>();
  EXPECT_TRUE(limiter.Allow(start));
  EXPECT_TRUE(limiter.Allow(start + 500 * kj::MILLISECONDS));
  EXPECT_FALSE(limiter.Allow(start + 600 * kj::MILLISECONDS));
  EXPECT_FALSE(limiter.Allow(start + 999 * kj::MILLISECONDS));
  EXPECT_TRUE(limiter.Allow(start + 1 * kj::SECONDS));
  EXPECT_EQ(limiter.TakeLeftOut(), 2u);
  EXPECT_EQ(limiter.TakeLeftOut(), 0u);
}

}  // namespace
}  // namespace millrace
