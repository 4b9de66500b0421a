// What can be said of the rest, from what was seen.
#include "client/remaining_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(RemainingTimeTest, NothingIsSaidBeforeATwentiethWasSeen) {
  RemainingTime remaining;
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
  remaining.Observe(StageKind::kMap, 0, 0);
  remaining.Observe(StageKind::kMap, 0.04, 1000);
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
}

TEST(RemainingTimeTest, TheRestTakesAsLongAsWhatWasSeen) {
  RemainingTime remaining;
  remaining.Observe(StageKind::kMap, 0, 1000);
  remaining.Observe(StageKind::kMap, 0.25, 3000);
  EXPECT_THAT(remaining.ms(), Optional(6000u));
  remaining.Observe(StageKind::kMap, 0.25, 5000);  // it stands still
  EXPECT_THAT(remaining.ms(), Optional(12000u));
}

TEST(RemainingTimeTest, WhoComesLateKnowsOnlyTheRateSinceThen) {
  RemainingTime remaining;
  remaining.Observe(StageKind::kMap, 0.5, 0);
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
  remaining.Observe(StageKind::kMap, 0.75, 1000);
  EXPECT_THAT(remaining.ms(), Optional(1000u));
}

TEST(RemainingTimeTest, TheNextStageIsMeasuredByItself) {
  RemainingTime remaining;
  remaining.Observe(StageKind::kMap, 0, 0);
  remaining.Observe(StageKind::kMap, 0.5, 1000);
  remaining.Observe(StageKind::kReduce, 0, 2000);  // one fast map says nothing of slow reduces
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
  remaining.Observe(StageKind::kReduce, 0.1, 12000);
  EXPECT_THAT(remaining.ms(), Optional(90000u));
}

TEST(RemainingTimeTest, AStageThatFallsBackIsMeasuredAnew) {
  RemainingTime remaining;
  remaining.Observe(StageKind::kMap, 0, 0);
  remaining.Observe(StageKind::kMap, 0.9, 1000);
  remaining.Observe(StageKind::kMap, 0.4, 2000);  // a worker was lost
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
  remaining.Observe(StageKind::kMap, 0.6, 3000);
  EXPECT_THAT(remaining.ms(), Optional(2000u));
}

TEST(RemainingTimeTest, WhatIsDoneHasNoRest) {
  RemainingTime remaining;
  remaining.Observe(StageKind::kReduce, 0, 0);
  remaining.Observe(StageKind::kReduce, 1, 1000);
  EXPECT_THAT(remaining.ms(), Eq(std::nullopt));
}

}  // namespace
}  // namespace millrace
