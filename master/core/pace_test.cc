#include "master/core/pace.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::Eq;
using testing::Optional;

CoreTime At(int seconds) { return CoreTime() + absl::Seconds(seconds); }

TEST(PaceTest, AUnitCostsTheTimeSoFarOverTheUnitsDone) {
  Pace pace(At(10));
  pace.Report(At(20), /*steps=*/0, /*done=*/0, /*total=*/100);
  pace.Report(At(21), /*steps=*/1, /*done=*/25, /*total=*/100);  // as it was at 20 s
  EXPECT_THAT(pace.UnitCost(), Optional(0.4));
  EXPECT_EQ(pace.left(), 75u);
}

TEST(PaceTest, NobodyCanTellTheCostBeforeSomethingIsDone) {
  Pace pace(At(0));
  EXPECT_EQ(pace.UnitCost(), std::nullopt);
  pace.Report(At(5), 1, 0, 100);
  EXPECT_EQ(pace.UnitCost(), std::nullopt);
}

TEST(PaceTest, OfAnAttemptTakenOverCountsWhatIsDoneUnderThisMaster) {
  Pace pace;
  pace.Report(At(2), 1, /*done=*/800, /*total=*/1000);
  pace.Report(At(3), 2, 810, 1000);  // as it was at 2 s
  EXPECT_EQ(pace.UnitCost(), std::nullopt);
  pace.Report(At(4), 3, 812, 1000);
  EXPECT_THAT(pace.UnitCost(), Optional(0.5));
  EXPECT_EQ(pace.Elapsed(At(4)), absl::Seconds(2));
  EXPECT_EQ(pace.left(), 188u);
}

TEST(PaceTest, AnAttemptTakenOverWhileItWaitsForASlotBeginsWhenItHasOne) {
  Pace pace;
  pace.Wait(At(1));
  pace.Report(At(2), 1, 5, 1000);
  pace.Report(At(9), 1, 5, 1000);
  pace.Resume(At(10));
  pace.Report(At(11), 2, 20, 1000);
  pace.Report(At(12), 3, 30, 1000);  // as it was at 11 s
  pace.Report(At(13), 4, 34, 1000);
  EXPECT_THAT(pace.UnitCost(), Optional(0.25));
}

TEST(PaceTest, NothingIsLeftWhenMoreIsDoneThanWasExpected) {
  Pace pace(At(0));
  pace.Report(At(5), 1, 101, 100);
  EXPECT_EQ(pace.left(), 0u);
}

TEST(PaceTest, AStallLastsFromTheLastProgressToTheLastReport) {
  Pace pace(At(0));
  pace.Report(At(3), 1, 0, 0);
  pace.Report(At(4), 1, 0, 0);
  pace.Report(At(8), 1, 0, 0);
  EXPECT_EQ(pace.Stall(), absl::Seconds(5));
  pace.Report(At(9), 2, 0, 0);
  EXPECT_EQ(pace.Stall(), absl::ZeroDuration());
}

TEST(PaceTest, SilenceIsNoStall) {
  Pace pace(At(0));
  pace.Report(At(1), 1, 0, 0);
  EXPECT_EQ(pace.Stall(), absl::ZeroDuration());  // however late it is now
}

TEST(PaceTest, AnAttemptThatNeverReportsProgressStallsFromItsBeginning) {
  Pace pace(At(2));
  pace.Report(At(7), 0, 0, 100);
  EXPECT_EQ(pace.Stall(), absl::Seconds(5));
}

TEST(PaceTest, WaitingForASlotIsNeitherWorkNorAStall) {
  Pace pace(At(0));
  pace.Report(At(2), 1, 0, 0);
  pace.Wait(At(2));
  pace.Report(At(60), 1, 0, 0);
  EXPECT_EQ(pace.Elapsed(At(60)), absl::Seconds(2));
  pace.Resume(At(62));
  EXPECT_EQ(pace.Stall(), absl::ZeroDuration());
  EXPECT_EQ(pace.Elapsed(At(65)), absl::Seconds(5));
}

TEST(PaceTest, WhatIsForgivenIsNoStall) {
  Pace pace(At(0));
  pace.Report(At(1), 1, 0, 0);
  pace.Forgive(At(100));
  pace.Report(At(101), 1, 0, 0);
  EXPECT_THAT(pace.Stall(), Eq(absl::Seconds(1)));
}

}  // namespace
}  // namespace millrace
