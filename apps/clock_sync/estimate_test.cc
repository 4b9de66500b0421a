#include "apps/clock_sync/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace millrace {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

Stamps InMs(int64_t t1, int64_t t2, int64_t t3, int64_t t4) {
  return {t1 * kMs, t2 * kMs, t3 * kMs, t4 * kMs};
}

std::string ProblemOf(const Stamps& stamps) {
  return std::string(EstimateFrom(stamps).status().message());
}

TEST(EstimateTest, TheExampleOfTheBook) {
  const auto estimate = EstimateFrom(InMs(1000, 2010, 2020, 1050));
  ASSERT_TRUE(estimate.ok()) << estimate.status();
  EXPECT_EQ(estimate->rtt, absl::Milliseconds(40));
  EXPECT_EQ(estimate->offset, absl::Milliseconds(990));
  EXPECT_EQ(estimate->bound, absl::Milliseconds(20));
  EXPECT_EQ(estimate->server_time, absl::FromUnixMillis(2040));
}

TEST(EstimateTest, WhatTheServerDoesInBetweenDoesNotCount) {
  const auto quick = EstimateFrom(InMs(1000, 2010, 2010, 1020));
  const auto slow = EstimateFrom(InMs(1000, 2010, 62'010, 61'020));
  EXPECT_EQ(quick->rtt, slow->rtt);
  EXPECT_EQ(quick->offset, slow->offset);
}

TEST(EstimateTest, AClockBehindOursHasANegativeOffset) {
  EXPECT_EQ(EstimateFrom(InMs(10'000, 5010, 5010, 10'020))->offset, absl::Seconds(-5));
}

TEST(EstimateTest, ANegativeRoundTripIsRejected) {
  EXPECT_THAT(ProblemOf(InMs(1000, 2000, 2051, 1050)), HasSubstr("negative round trip"));
}

TEST(EstimateTest, ARoundTripOfNothingIsExact) {
  const auto estimate = EstimateFrom(InMs(1000, 2000, 2050, 1050));
  ASSERT_TRUE(estimate.ok());
  EXPECT_EQ(estimate->bound, absl::ZeroDuration());
  EXPECT_EQ(estimate->offset, absl::Seconds(1));
}

TEST(EstimateTest, AClockThatWentBackOnTheWayIsRejected) {
  EXPECT_THAT(ProblemOf(InMs(1000, 2000, 2000, 999)), HasSubstr("our own clock went back"));
  EXPECT_THAT(ProblemOf(InMs(1000, 2000, 1999, 1050)), HasSubstr("the server's clock went back"));
}

TEST(EstimateTest, StampsThatNobodyCanMeanDoNoHarm) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(EstimateFrom({0, least, most, 1}).ok());
  EXPECT_TRUE(EstimateFrom({least, most, most, most}).ok());
  EXPECT_TRUE(EstimateFrom({least, least, least, most}).ok());
}

// Whatever the offset, the two ways and the work: the true offset lies within the bound, and the
// error is half of the difference between the ways.
RC_GTEST_PROP(EstimateTest, TheErrorIsHalfTheAsymmetry, ()) {
  const int64_t offset = *rc::gen::inRange<int64_t>(-7200'000 * kMs, 7200'000 * kMs);
  const int64_t there = 2 * *rc::gen::inRange<int64_t>(0, 1000 * kMs);
  const int64_t work = *rc::gen::inRange<int64_t>(0, 10'000 * kMs);
  const int64_t back = 2 * *rc::gen::inRange<int64_t>(0, 1000 * kMs);
  Stamps stamps;
  stamps.t1_ns = 1'700'000'000'000 * kMs;
  stamps.t2_ns = stamps.t1_ns + there + offset;
  stamps.t3_ns = stamps.t2_ns + work;
  stamps.t4_ns = stamps.t1_ns + there + work + back;

  const auto estimate = EstimateFrom(stamps);
  RC_ASSERT(estimate.ok());
  const absl::Duration error = estimate->offset - absl::Nanoseconds(offset);
  RC_ASSERT(error == absl::Nanoseconds((there - back) / 2));
  RC_ASSERT(absl::AbsDuration(error) <= estimate->bound);
}

TEST(BestSampleTest, TheSmallestRoundTripWins) {
  BestSample best;
  EXPECT_TRUE(best.Add(InMs(1000, 2010, 2020, 1050)));
  EXPECT_TRUE(best.Add(InMs(2000, 2996, 2996, 2004)));  // RTT 4, offset +994
  EXPECT_TRUE(best.Add(InMs(3000, 4090, 4090, 3100)));
  EXPECT_EQ(best.Get()->rtt, absl::Milliseconds(4));
  EXPECT_EQ(best.Get()->offset, absl::Milliseconds(994));
  EXPECT_EQ(best.good(), 3);
}

TEST(BestSampleTest, ARejectedSampleIsCountedAndNeverTheBest) {
  BestSample best;
  EXPECT_FALSE(best.Add(InMs(1000, 2000, 2051, 1050)));
  EXPECT_THAT(std::string(best.Get().status().message()),
              HasSubstr("no good sample of 1: a negative round trip"));
  EXPECT_TRUE(best.Add(InMs(1000, 2010, 2020, 1050)));
  EXPECT_EQ(best.Get()->rtt, absl::Milliseconds(40));
  EXPECT_EQ(best.rejected(), 1);
}

TEST(BestSampleTest, WhatWasMeasuredBeforeAClockWasSetDoesNotCount) {
  BestSample best;
  EXPECT_TRUE(best.Add(InMs(1000, 2010, 2020, 1050)));  // offset +990 ± 20
  EXPECT_TRUE(best.Add(InMs(2000, 2996, 2996, 2004)));  // offset +994 ± 2
  EXPECT_TRUE(best.Add(InMs(3000, 3050, 3050, 3100)));  // offset 0 ± 50: the worst, and true
  EXPECT_EQ(best.Get()->offset, absl::ZeroDuration());
  EXPECT_EQ(best.good(), 1);
  EXPECT_EQ(best.outdated(), 2);
}

TEST(BestSampleTest, SamplesWhoseBoundsTouchAgree) {
  BestSample best;
  EXPECT_TRUE(best.Add(InMs(1000, 2000, 2000, 1100)));  // offset +950 ± 50
  EXPECT_TRUE(best.Add(InMs(2000, 3020, 3020, 2020)));  // offset +1010 ± 10
  EXPECT_EQ(best.good(), 2);
  EXPECT_EQ(best.outdated(), 0);
}

TEST(ReportTest, StampsThatNobodyCanMeanDoNoHarm) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(ReportOf(*EstimateFrom({least, most, most, most})), HasSubstr("error bound"));
  EXPECT_THAT(ReportOf(*EstimateFrom({least, least, least, most})), HasSubstr("error bound"));
}

TEST(ReportTest, SaysOffsetRoundTripAndBound) {
  EXPECT_EQ(ReportOf(*EstimateFrom(InMs(1000, 2010, 2020, 1050))),
            "offset +990.000 ms\nrtt 40.000 ms\nerror bound ±20.000 ms\n"
            "server time 1970-01-01 00:00:02.040000 UTC\n");
}

}  // namespace
}  // namespace millrace
