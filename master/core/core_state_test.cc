// The way of an event through the core: its rule, then the scheduler, then the next alarm.
#include <variant>

#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using CoreStateTest = CoreTest;

TEST_F(CoreStateTest, AnEventIsAnsweredBeforeWorkIsGivenOutAndTheAlarmComesLast) {
  Submit(1, 1);
  const Actions joined = EverythingOn(Joined(kRed, 1));
  ASSERT_EQ(joined.size(), 2u);
  EXPECT_TRUE(Is<LaunchAttempt>(joined[0]));
  EXPECT_TRUE(Is<WakeAt>(joined[1]));
  const Actions reported = EverythingOn(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed));
  ASSERT_EQ(reported.size(), 2u);
  EXPECT_TRUE(Is<AnswerOutcome>(reported[0]));
  EXPECT_TRUE(Is<LaunchAttempt>(reported[1]));
}

TEST_F(CoreStateTest, WhatAnEventChangesIsInItsEditsInOrder) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed));
  ASSERT_EQ(edits_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<AttemptEnded>(edits_[0]));
  EXPECT_TRUE(std::holds_alternative<AttemptStarted>(edits_[1]));
}

TEST_F(CoreStateTest, AnEventThatChangesNothingLeavesNoEdit) {
  On(Joined(kRed, 1));
  On(HeartbeatReceived{kRed});
  EXPECT_THAT(edits_, IsEmpty());
  EXPECT_EQ(On(HeartbeatReceived{kBlue}), (Actions{}));
  EXPECT_EQ(On(ProgressReported{kBlue, A(9), 1}), (Actions{}));
  EXPECT_EQ(On(WorkerDraining{kBlue}), (Actions{}));
  EXPECT_EQ(On(WorkerLeft{kBlue}), (Actions{}));
  EXPECT_THAT(edits_, IsEmpty());
}

TEST_F(CoreStateTest, ATickThatNobodyAskedForDoesNothing) {
  EXPECT_THAT(EverythingOn(millrace::Tick{}), IsEmpty());
}

TEST_F(CoreStateTest, AfterATickTheNextAlarmIsSet) {
  On(Joined(kRed, 1));
  Pass(absl::Seconds(4));
  On(HeartbeatReceived{kRed});
  Pass(absl::Seconds(6));
  EXPECT_THAT(EverythingOn(millrace::Tick{}),
              ElementsAre(Action(WakeAt{CoreTime::FromMicros(14'000'000)})));
}

TEST_F(CoreStateTest, EditsCarryTheWallTimeOfTheEvent) {
  options_.started_wall_us = 1'000;
  Restart(1);
  Pass(absl::Microseconds(234));
  Submit(1, 1);
  EXPECT_EQ(std::get<JobAccepted>(edits_.at(0)).wall_us, 1'234);
}

using CoreStateDeathTest = CoreTest;

TEST_F(CoreStateDeathTest, TimeNeverRunsBackwards) {
  Pass(absl::Seconds(2));
  Tick();
  EXPECT_DEATH(core_->OnEvent(CoreTime::FromMicros(1'999'999), millrace::Tick{}),
               "broken invariant");
}

}  // namespace
}  // namespace millrace
