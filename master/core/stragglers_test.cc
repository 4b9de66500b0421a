// Who gets a backup, where, how many; and what is stopped because it stands still.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A floor of 10 s and a timeout of 60 s; all workers are heard of all the time.
class StragglersTest : public CoreTest {
 protected:
  StragglersTest() { RestartWithoutLeases(); }

  void SubmitWatched(uint32_t maps, uint32_t reducers) {
    JobSubmitted job = Submitted("wordcount", maps, reducers);
    job.plan.speculation_floor_ms = 10'000;
    job.plan.progress_timeout_ms = 60'000;
    On(job);
  }
  // `done` of 100 units are behind the attempt now. Reports are as old as the one before.
  void Reports(WorkerId worker, const AttemptId& attempt, uint64_t done, uint64_t total = 100) {
    On(ProgressReported{worker, attempt, /*steps=*/done, done, total});
    On(ProgressReported{worker, attempt, /*steps=*/done, done, total});
  }
  // The first look falls one second after the job's beginning; each at most a second later.
  std::vector<LaunchAttempt> LaunchedAfter(absl::Duration time) {
    Pass(time);
    return Only<LaunchAttempt>(Tick());
  }
  // A map of 100 units that took as many seconds as it has of them.
  void FinishMap(WorkerId worker, const AttemptId& attempt, uint32_t index) {
    AttemptReported done = Done(worker, attempt, Map(index));
    done.outcome.stats.input_bytes = 100;
    On(done);
  }
};

TEST_F(StragglersTest, AnAttemptThatIsMuchSlowerThanOthersWereGetsABackupOnAnotherWorker) {
  SubmitWatched(2, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  FinishMap(kBlue, A(2), 1);  // 100 units in 10 s
  Reports(kRed, A(1), 10);    // 90 left, 90 s at this speed
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kBlue, A(3), Map(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, NobodyGetsABackupBeforeTheFloor) {
  SubmitWatched(2, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(1));
  FinishMap(kBlue, A(2), 1);
  Pass(absl::Seconds(8));
  Reports(kRed, A(1), 1);
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(StragglersTest, AnAttemptAsFastAsTheOthersGetsNone) {
  SubmitWatched(2, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(20));
  FinishMap(kBlue, A(2), 1);
  Reports(kRed, A(1), 60);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
}

TEST_F(StragglersTest, ALongTaskIsNotASlowOne) {
  SubmitWatched(2, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  FinishMap(kBlue, A(2), 1);
  Reports(kRed, A(1), 100, /*total=*/100'000);  // as many units a second, but many
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
}

TEST_F(StragglersTest, WithNothingFinishedRunningAttemptsAreCompared) {
  SubmitWatched(3, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Joined(kGreen, 2));
  Pass(absl::Seconds(20));
  Reports(kRed, A(1), 5);
  Reports(kBlue, A(2), 50);
  Reports(kGreen, A(3), 60);
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kGreen, A(4), Map(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, AReduceGetsNoBackupWhileAWorkerWithSourcesIsNotBackFromARestart) {
  SubmitWatched(2, 2);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Done(kBlue, A(2), Map(1)));  // attempts 3 and 4 reduce
  On(Done(kBlue, A(4), Reduce(1)));
  Restart(2);
  WorkerJoined red = Joined(kRed, 1);
  red.attempts = {{Reduce(0), A(3), /*holds_slot=*/true}};
  red.outputs = {{Map(0), A(1)}};
  On(red);
  On(Joined(kGreen, 4));
  Reports(kRed, A(3), 0);
  Pass(absl::Seconds(10));
  Reports(kRed, A(3), 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
  WorkerJoined blue = Joined(kBlue, 0);
  blue.outputs = {{Map(1), A(2)}};
  On(blue);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), SizeIs(1));
}

// The slow one has its sources and may finish; who begins now would wait for the map.
TEST_F(StragglersTest, AReduceGetsNoBackupWhileAMapRunsAgainForOthers) {
  SubmitWatched(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // attempts 2 and 3 reduce
  On(Ready(kRed, A(2)));
  On(Joined(kBlue, 1));
  EXPECT_EQ(Only<LaunchAttempt>(On(OutputMissed{kRed, Map(0), A(1)})),
            (std::vector<LaunchAttempt>{{kBlue, A(4), Map(0), Reason::kOutputLost}}));
  On(Joined(kGreen, 4));
  Pass(absl::Seconds(10));
  Reports(kRed, A(2), 0);
  Reports(kBlue, A(4), 0);
  EXPECT_EQ(LaunchedAfter(absl::Seconds(1)),
            (std::vector<LaunchAttempt>{{kGreen, A(5), Map(0), Reason::kSpeculative}}));
  On(Done(kBlue, A(4), Map(0)));
  EXPECT_EQ(LaunchedAfter(absl::Seconds(1)),
            (std::vector<LaunchAttempt>{{kGreen, A(6), Reduce(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, WhatAnAttemptCostUnderAnEarlierMasterIsNoMeasure) {
  SubmitWatched(3, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(100));
  Restart(2);
  WorkerJoined red = Joined(kRed, 1);
  red.attempts = {{Map(0), A(1), /*holds_slot=*/true}};
  On(red);
  WorkerJoined blue = Joined(kBlue, 2);
  blue.attempts = {{Map(1), A(2), /*holds_slot=*/true}};
  On(blue);
  Pass(absl::Seconds(1));
  FinishMap(kBlue, A(2), 1);  // 100 units, one of the 101 s under this master
  Reports(kRed, A(1), 10);
  Pass(absl::Seconds(20));
  Reports(kRed, A(1), 30);  // 1 s each, 70 s are left: the others are no faster
  Reports(kBlue, AttemptId{Epoch(2), 1}, 20);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
}

TEST_F(StragglersTest, RoomThatAFetchingReduceWillWantIsLeftToIt) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  Submit(1, 1, "other");
  On(Joined(kBlue, 1));
  On(Done(kBlue, A(2), Map(0, kOther)));  // its reduce, attempt 3, fetches on blue
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
  On(Ready(kBlue, A(3), kOther));
  On(Done(kBlue, A(3), Reduce(0, kOther)));
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), SizeIs(1));
}

TEST_F(StragglersTest, AReduceThatWaitsForTheSlowMapWantsNoRoomYet) {
  SubmitWatched(1, 3);
  for (const WorkerId worker : {kRed, kBlue, kGreen}) On(Joined(worker, 1));
  On(Done(kRed, A(1), Map(0)));  // reduces, attempts 2 to 4, fetch everywhere
  const auto again = Only<LaunchAttempt>(On(OutputMissed{kRed, Map(0), A(1)}));
  ASSERT_THAT(again, SizeIs(1));
  Pass(absl::Seconds(10));
  Reports(again[0].worker, again[0].attempt, 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), SizeIs(1));
}

TEST_F(StragglersTest, AnAttemptThatCameBackHasNotStoodStillMeanwhile) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  Restart(2);
  Pass(absl::Seconds(60));
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(0), A(1), /*holds_slot=*/true}};
  EXPECT_EQ(On(again), (Actions{}));
  Reports(kRed, A(1), 0);  // it is at its first record
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(StragglersTest, ABackupReduceFetchesOnlyWhereOneMoreMay) {
  options_.extra_fetchers = 0;
  RestartWithoutLeases();
  SubmitWatched(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  Submit(1, 1, "other");
  On(Joined(kBlue, 1));
  On(Done(kBlue, A(3), Map(0, kOther)));  // a reduce of the other job, attempt 4, fetches on blue
  On(Joined(kGreen, 1));
  On(OutputMissed{kBlue, Map(0, kOther), A(3)});  // and waits for its map, which runs on green
  Pass(absl::Seconds(10));
  Reports(kRed, A(2), 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
}

TEST_F(StragglersTest, TheOnlyTaskOfAJobThatStandsStillGetsABackup) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kBlue, A(2), Map(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, TheOnlyTaskOfAJobGetsABackupWhenMuchIsLeft) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 60);  // less than 7 s are left
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 61);  // 13 s
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kBlue, A(2), Map(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, SilenceIsNoStandstill) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(1));
  Reports(kRed, A(1), 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(100)), IsEmpty());
}

TEST_F(StragglersTest, OneWorkerAloneGetsNoBackups) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 4));
  Pass(absl::Seconds(20));
  Reports(kRed, A(1), 0);
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(StragglersTest, WithoutAFloorThereAreNoBackups) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(100));
  Reports(kRed, A(1), 0);
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(StragglersTest, AnotherHostIsPreferred) {
  SubmitWatched(1, 0);
  const auto on_host = [](WorkerJoined joined, const char* host) {
    joined.host_id = host;
    return joined;
  };
  On(on_host(Joined(kRed, 1), "first"));
  On(on_host(Joined(kBlue, 4), "first"));
  On(on_host(Joined(kGreen, 1), "second"));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kGreen, A(2), Map(0), Reason::kSpeculative}}));
}

TEST_F(StragglersTest, ATaskHasAtMostOneBackupAtATimeAndTwoInAll) {
  SubmitWatched(30, 0);  // three backups
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Joined(kGreen, 1));
  for (uint32_t i = 3; i < 30; ++i) {  // red is stuck with map 0
    On(Done(kBlue, A(i - 1), Map(i - 2)));
  }
  On(Done(kBlue, A(29), Map(28)));
  On(Done(kGreen, A(3), Map(2)));
  On(Done(kBlue, A(30), Map(29)));
  ASSERT_EQ(Job().stages[0].running, 1);
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  ASSERT_THAT(Only<LaunchAttempt>(Tick()), SizeIs(1));
  EXPECT_THAT(LaunchedAfter(absl::Seconds(5)), IsEmpty());
  On(Failed(kBlue, A(31), Map(0), Cause::kWorkerFailed));
  Reports(kRed, A(1), 0);
  ASSERT_THAT(LaunchedAfter(absl::Seconds(5)), SizeIs(1));
  On(Failed(kGreen, A(32), Map(0), Cause::kWorkerFailed));
  On(Joined(WorkerId(4), 1));  // where nothing of it has failed
  Reports(kRed, A(1), 0);
  EXPECT_THAT(LaunchedAfter(absl::Seconds(60)), IsEmpty());
}

TEST_F(StragglersTest, ATenthOfTheTasksOfAStageGetBackups) {
  SubmitWatched(20, 0);
  On(Joined(kRed, 20));
  On(Joined(kBlue, 20));
  Pass(absl::Seconds(10));
  for (uint64_t i = 1; i <= 20; ++i) {
    Reports(kRed, A(i), 0);
    Reports(kBlue, A(i), 0);  // whoever runs it
  }
  EXPECT_THAT(Only<LaunchAttempt>(Tick()), SizeIs(2));
  EXPECT_THAT(LaunchedAfter(absl::Seconds(5)), IsEmpty());
}

TEST_F(StragglersTest, TheFirstToBeDoneWinsAndTheOtherIsSupersededNotFailed) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  Tick();
  EXPECT_EQ(On(Done(kBlue, A(2), Map(0))),
            (Actions{Accepted(kBlue, A(2)), CancelAttempt{kRed, A(1)}, PublishJob{kJob}}));
  EXPECT_EQ(Ended(Cause::kSuperseded), 1u);
  EXPECT_EQ(Started(Reason::kSpeculative), 1u);
  EXPECT_EQ(Ended(Cause::kUserCodeFailed), 0u);
}

TEST_F(StragglersTest, TheOtherOfTheTwoIsAnsweredSupersededWhenItReportsLate) {
  SubmitWatched(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  Tick();
  On(Done(kBlue, A(2), Map(0)));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))),
            (Actions{AnswerOutcome{kRed, A(1), OutcomeReply::kSuperseded}}));
}

TEST_F(StragglersTest, WhenTheWorkerOfTheFirstIsLostItsBackupGoesOnAlone) {
  SubmitWatched(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(10));
  Reports(kRed, A(1), 0);
  Tick();
  EXPECT_EQ(On(WorkerLeft{kRed}), (Actions{ForgetWorker{kRed}}));
  EXPECT_EQ(Job().stages[0].running, 1);
}

TEST_F(StragglersTest, AReduceThatWaitsForASlotOrForAMapIsNotSlow) {
  SubmitWatched(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  Pass(absl::Seconds(1));
  On(OutputMissed{kRed, Map(0), A(1)});  // map 0 runs again; the reduce waits for it
  for (int i = 0; i < 30; ++i) {
    Reports(kRed, A(2), 0, 0);
    Reports(kBlue, A(2), 0, 0);  // whoever runs the reduce
    EXPECT_THAT(LaunchedAfter(absl::Seconds(1)), IsEmpty());
  }
}

TEST_F(StragglersTest, AWorkerThatLosesTwoRacesGetsWorkOnlyWhenNoOtherHasRoom) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  for (int race = 0; race < 2; ++race) {  // the lower id comes first on ties: red
    JobSubmitted job = Submitted(race == 0 ? "one" : "two", 1, 0);
    job.plan.speculation_floor_ms = 10'000;
    const auto first = Only<LaunchAttempt>(On(job));
    ASSERT_THAT(first, SizeIs(1));
    ASSERT_EQ(first[0].worker, kRed);
    Pass(absl::Seconds(10));
    Reports(kRed, first[0].attempt, 0);
    const auto second = Only<LaunchAttempt>(Tick());
    ASSERT_THAT(second, SizeIs(1));
    On(Done(kBlue, second[0].attempt, second[0].task));
  }
  const auto launched = Only<LaunchAttempt>(On(Submitted("three", 2, 0)));
  ASSERT_THAT(launched, SizeIs(2));
  EXPECT_EQ(launched[0].worker, kBlue);
  EXPECT_EQ(launched[1].worker, kRed);
}

TEST_F(StragglersTest, AnAttemptThatGetsNothingDoneIsStoppedAndRunsAgainElsewhere) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  Pass(absl::Seconds(59));
  Reports(kRed, A(1), 0);
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  Reports(kRed, A(1), 0);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{CancelAttempt{kRed, A(1)},
                             LaunchAttempt{kRed, A(2), Map(0), Reason::kTimedOut}}));
  EXPECT_EQ(Ended(Cause::kTimedOut), 1u);
}

TEST_F(StragglersTest, AnAttemptThatWasStoppedCannotSucceedAfterwards) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  Pass(absl::Seconds(60));
  Reports(kRed, A(1), 0);
  Pass(absl::Seconds(1));
  ASSERT_THAT(Only<CancelAttempt>(Tick()), SizeIs(1));  // attempt 2 runs instead
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Stale(kRed, A(1))}));
  EXPECT_EQ(Job().stages[0].done, 0);
}

TEST_F(StragglersTest, AfterAsManyTimeoutsAsUserCodeMayFailTheJobFails) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  for (uint64_t i = 1; i <= 4; ++i) {
    Pass(absl::Seconds(61));
    Reports(kRed, A(i), 0);
    Pass(absl::Seconds(1));
    Tick();
  }
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("map-00000 got nothing done 4 times, its limit"),
                               HasSubstr("attempt-1-4 on worker red: timed_out")));
}

TEST_F(StragglersTest, APauseOfTheMasterIsNoStandstill) {
  SubmitWatched(1, 0);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Reports(kRed, A(1), 7);
  Pass(absl::Seconds(300));
  On(MasterStalled{});
  On(ProgressReported{kRed, A(1), /*steps=*/7, /*done=*/99, /*total=*/100});  // was on its way
  EXPECT_EQ(Tick(), (Actions{}));
}

}  // namespace
}  // namespace millrace
