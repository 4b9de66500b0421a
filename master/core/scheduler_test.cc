// Which worker gets what, and when.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using SchedulerTest = CoreTest;

TEST_F(SchedulerTest, AMapStartsAsSoonAsAWorkerHasASlot) {
  EXPECT_EQ(On(Submitted("wordcount", 2, 1)),
            (Actions{AnswerSubmit{"request of wordcount", SubmitReply::kAccepted, kJob}}));
  EXPECT_EQ(On(Joined(kRed, 1)), (Actions{LaunchAttempt{kRed, A(1), Map(0)}}));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))),
            (Actions{Accepted(kRed, A(1)), LaunchAttempt{kRed, A(2), Map(1)}}));
}

TEST_F(SchedulerTest, WorkGoesToTheWorkerWithMostFreeSlotsAndThenToTheLowestId) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 3));
  EXPECT_EQ(Only<LaunchAttempt>(On(Submitted("wordcount", 4, 1))),
            (std::vector<LaunchAttempt>{{kBlue, A(1), Map(0)},
                                        {kBlue, A(2), Map(1)},
                                        {kRed, A(3), Map(2)},
                                        {kBlue, A(4), Map(3)}}));
}

TEST_F(SchedulerTest, AReduceIsPlacedOnlyAfterTheLastMapItNeedsIsDone) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
  EXPECT_EQ(On(Done(kRed, A(2), Map(1))),
            (Actions{Accepted(kRed, A(2)), PublishSources{kRed, kJob, 0, 2},
                     LaunchAttempt{kRed, A(3), Reduce(0)}}));
}

TEST_F(SchedulerTest, AFetchingReduceHoldsNoSlotAndTakesOneWhenItsSourcesAreReady) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(core_->Workers(now_)[0].free_slots, 1);
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
  EXPECT_EQ(core_->Workers(now_)[0].free_slots, 0);
}

TEST_F(SchedulerTest, AReduceThatIsReadyWaitsUntilASlotOfItsWorkerIsFree) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // attempts 2 and 3 fetch
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
  EXPECT_EQ(On(Ready(kRed, A(3))), (Actions{}));
  EXPECT_EQ(On(Done(kRed, A(2), Reduce(0))),
            (Actions{Accepted(kRed, A(2)), GrantSlot{kRed, A(3)}}));
}

TEST_F(SchedulerTest, AWorkerFetchesForAtMostTwoReducesMoreThanItHasSlots) {
  Submit(1, 10);
  On(Joined(kRed, 1));
  const Actions actions = On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(Only<LaunchAttempt>(actions).size(), 3);
  // One of them gets the slot, so another may start to fetch.
  EXPECT_EQ(On(Ready(kRed, A(2))),
            (Actions{GrantSlot{kRed, A(2)}, LaunchAttempt{kRed, A(5), Reduce(3)}}));
}

TEST_F(SchedulerTest, AJobWithManyMoreReducesThanSlotsEnds) {
  Submit(1, 20);
  On(Joined(kRed, 1));
  Actions actions = On(Done(kRed, A(1), Map(0)));
  std::vector<LaunchAttempt> fetching = Only<LaunchAttempt>(actions);
  for (int step = 0; step < 20; ++step) {
    ASSERT_FALSE(fetching.empty());
    const LaunchAttempt next = fetching.front();
    fetching.erase(fetching.begin());
    actions = On(Ready(kRed, next.attempt));
    EXPECT_THAT(actions, testing::Contains(Action(GrantSlot{kRed, next.attempt})));
    for (const LaunchAttempt& launch : Only<LaunchAttempt>(actions)) fetching.push_back(launch);
    On(Done(kRed, next.attempt, next.task));
  }
  EXPECT_EQ(StateOf(), JobState::kPublishing);
}

TEST_F(SchedulerTest, AReduceIsPlacedWhereASlotIsFree) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(1, 1, "first");
  Submit(1, 1, "second");  // a map on each worker; that of the first job goes on
  const Actions actions = On(Done(kBlue, A(2), Map(0, kOther)));
  ASSERT_EQ(Only<LaunchAttempt>(actions).size(), 1u);
  EXPECT_EQ(Only<LaunchAttempt>(actions)[0].worker, kBlue);
}

TEST_F(SchedulerTest, AGrantThatGotLostIsRepeatedWhenTheReduceAsksAgain) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
}

TEST_F(SchedulerTest, JobsShareSlotsFairlyWithoutPreemption) {
  On(Joined(kRed, 4));
  Submit(8, 1, "first");  // takes all four slots
  EXPECT_TRUE(Only<LaunchAttempt>(On(Submitted("second", 8, 1))).empty());
  // Free slots go to the second job until both have two.
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))),
            (Actions{Accepted(kRed, A(1)), LaunchAttempt{kRed, A(5), Map(0, kOther)}}));
  EXPECT_EQ(On(Done(kRed, A(2), Map(1))),
            (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(6), Map(1, kOther)}}));
  // From then on each gets back what it gives.
  EXPECT_EQ(On(Done(kRed, A(3), Map(2))),
            (Actions{Accepted(kRed, A(3)), LaunchAttempt{kRed, A(7), Map(4)}}));
  EXPECT_EQ(On(Done(kRed, A(5), Map(0, kOther))),
            (Actions{Accepted(kRed, A(5)), LaunchAttempt{kRed, A(8), Map(2, kOther)}}));
}

TEST_F(SchedulerTest, AReadyReduceAndAMapOfAnotherJobCompeteByTheSameFairness) {
  On(Joined(kRed, 2));
  Submit(1, 2, "first");
  On(Done(kRed, A(1), Map(0)));  // attempts 2 and 3 fetch
  Submit(4, 1, "second");        // attempts 4 and 5 map, in both slots
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{}));
  EXPECT_EQ(On(Done(kRed, A(4), Map(0, kOther))),
            (Actions{Accepted(kRed, A(4)), GrantSlot{kRed, A(2)}}));
  EXPECT_EQ(On(Done(kRed, A(5), Map(1, kOther))),
            (Actions{Accepted(kRed, A(5)), LaunchAttempt{kRed, A(6), Map(2, kOther)}}));
}

TEST_F(SchedulerTest, MapsThatMustRunAgainComeBeforeEverythingElse) {
  On(Joined(kBlue, 1));
  Submit(1, 1, "first");
  On(Done(kBlue, A(1), Map(0)));  // attempt 2 fetches on blue
  Submit(4, 1, "second");         // attempt 3 maps on blue
  EXPECT_EQ(On(OutputMissed{kBlue, Map(0), A(1)}), (Actions{PublishSources{kBlue, kJob, 1, 2}}));
  // Both jobs hold no slot now and the second could map on; the lost output is more urgent.
  EXPECT_EQ(
      On(Done(kBlue, A(3), Map(0, kOther))),
      (Actions{Accepted(kBlue, A(3)), LaunchAttempt{kBlue, A(4), Map(0), Reason::kOutputLost}}));
}

TEST_F(SchedulerTest, ARetryAvoidsTheWorkerWhereItFailedWhenAnotherHasRoom) {
  On(Joined(kRed, 2));
  On(Joined(kBlue, 1));
  Submit(1, 1);
  EXPECT_EQ(
      On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed)),
      (Actions{Accepted(kRed, A(1)), LaunchAttempt{kBlue, A(2), Map(0), Reason::kUserFailure}}));
}

TEST_F(SchedulerTest, ARetryRunsWhereItFailedWhenNoOtherWorkerHasRoom) {
  On(Joined(kRed, 1));
  Submit(1, 1);
  EXPECT_EQ(
      On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed)),
      (Actions{Accepted(kRed, A(1)), LaunchAttempt{kRed, A(2), Map(0), Reason::kUserFailure}}));
}

TEST_F(SchedulerTest, ATaskThatFailedOnEveryWorkerRunsWhereThatWasLongestAgo) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(1, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed));
  EXPECT_EQ(
      On(Failed(kBlue, A(2), Map(0), Cause::kUserCodeFailed)),
      (Actions{Accepted(kBlue, A(2)), LaunchAttempt{kRed, A(3), Map(0), Reason::kUserFailure}}));
  EXPECT_EQ(
      On(Failed(kRed, A(3), Map(0), Cause::kUserCodeFailed)),
      (Actions{Accepted(kRed, A(3)), LaunchAttempt{kBlue, A(4), Map(0), Reason::kUserFailure}}));
}

// --- Workers that cannot run a job ---

TEST_F(SchedulerTest, AWorkerThatCouldNotRunAnAttemptGetsNoneOfThatJobForAWhile) {
  On(Joined(kRed, 1));
  Submit(2, 1);
  EXPECT_EQ(EverythingOn(Failed(kRed, A(1), Map(0), Cause::kWorkerFailed, "no space")),
            (Actions{Accepted(kRed, A(1)), WakeAt{now_ + options_.first_pause}}));
  Pass(options_.first_pause);
  EXPECT_EQ(Tick(), (Actions{LaunchAttempt{kRed, A(2), Map(0), Reason::kWorkerFailed}}));
}

TEST_F(SchedulerTest, APauseHoldsForOneJobAlone) {
  On(Joined(kRed, 1));
  Submit(1, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kWorkerFailed));
  EXPECT_EQ(Only<LaunchAttempt>(On(Submitted("another", 1, 1))),
            (std::vector<LaunchAttempt>{{kRed, A(2), Map(0, kOther)}}));
}

TEST_F(SchedulerTest, PausesGrowUntilAnAttemptSucceeds) {
  RestartWithoutLeases();
  On(Joined(kRed, 1));
  Submit(3, 1);
  absl::Duration pause = options_.first_pause;
  for (uint64_t i = 1; i <= 10; ++i) {
    On(Failed(kRed, A(i), Map(0), Cause::kWorkerFailed));
    Pass(pause - absl::Microseconds(1));
    EXPECT_EQ(Tick(), (Actions{})) << "failure " << i;
    Pass(absl::Microseconds(1));
    EXPECT_EQ(Only<LaunchAttempt>(Tick()).size(), 1u) << "failure " << i;
    pause = std::min(2 * pause, options_.longest_pause);
  }
  On(Done(kRed, A(11), Map(0)));
  On(Failed(kRed, A(12), Map(1), Cause::kWorkerFailed));
  Pass(options_.first_pause);
  EXPECT_EQ(Only<LaunchAttempt>(Tick()).size(), 1u);
}

// They share a host whose disk is full, or a master's restart has made them new.
TEST_F(SchedulerTest, PausesGrowWithTheFailuresOfATaskOnAllWorkers) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(1, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kWorkerFailed));
  On(Failed(kBlue, A(2), Map(0), Cause::kWorkerFailed));
  Pass(options_.first_pause);
  EXPECT_EQ(Only<LaunchAttempt>(Tick())[0].worker, kRed);
  On(Failed(kRed, A(3), Map(0), Cause::kWorkerFailed));
  Pass(options_.first_pause);
  EXPECT_EQ(Only<LaunchAttempt>(Tick())[0].worker, kBlue);
}

TEST_F(SchedulerTest, AttemptsThatFailSideBySideCostOnePause) {
  On(Joined(kRed, 4));
  Submit(4, 1);
  for (uint64_t i = 1; i <= 4; ++i) {
    On(Failed(kRed, A(i), Map(i - 1), Cause::kWorkerFailed));
  }
  Pass(options_.first_pause);
  EXPECT_EQ(Only<LaunchAttempt>(Tick()).size(), 4u);
}

// The healthy worker is busy for as long as it likes.
TEST_F(SchedulerTest, ASickWorkerCannotUseUpATasksLimitInAHurry) {
  RestartWithoutLeases();
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(2, 1);
  AttemptId last = A(1);
  On(Failed(kRed, last, Map(0), Cause::kWorkerFailed));
  for (int seconds = 0; seconds < 300; ++seconds) {
    Pass(absl::Seconds(1));
    for (const LaunchAttempt& launch : Only<LaunchAttempt>(Tick())) {
      last = launch.attempt;
      On(Failed(kRed, last, Map(0), Cause::kWorkerFailed));
    }
  }
  EXPECT_EQ(StateOf(), JobState::kRunning);
  EXPECT_EQ(
      Only<LaunchAttempt>(On(Done(kBlue, A(2), Map(1)))),
      (std::vector<LaunchAttempt>{{kBlue, A(last.sequence + 1), Map(0), Reason::kWorkerFailed}}));
}

TEST_F(SchedulerTest, AnUnfitWorkerGetsNothingOfThatJobAndTheOthersDoIt) {
  RestartWithoutLeases();
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(2, 1);
  EXPECT_EQ(On(Failed(kRed, A(1), Map(0), Cause::kWorkerUnfit, "noexec")),
            (Actions{Accepted(kRed, A(1))}));
  Pass(absl::Hours(1));
  EXPECT_EQ(
      On(Done(kBlue, A(2), Map(1))),
      (Actions{Accepted(kBlue, A(2)), LaunchAttempt{kBlue, A(3), Map(0), Reason::kWorkerFailed}}));
  EXPECT_EQ(Only<LaunchAttempt>(On(Submitted("another", 1, 1))),
            (std::vector<LaunchAttempt>{{kRed, A(4), Map(0, kOther)}}));
}

TEST_F(SchedulerTest, ACrowdOfUnfitWorkersWithMuchRoomDoesNotHideAFitOne) {
  constexpr uint64_t kUnfit = 100;
  for (uint64_t i = 1; i <= kUnfit; ++i) On(Joined(WorkerId(i), 2));
  On(Joined(WorkerId(kUnfit + 1), 1));
  Submit(1, 1);
  std::vector<LaunchAttempt> launched = {{kRed, A(1), Map(0)}};
  for (uint64_t i = 1; i <= kUnfit; ++i) {
    ASSERT_EQ(launched.size(), 1u) << "after " << i - 1 << " unfit workers";
    launched = Only<LaunchAttempt>(
        On(Failed(launched[0].worker, launched[0].attempt, Map(0), Cause::kWorkerUnfit)));
  }
  ASSERT_EQ(launched.size(), 1u);
  EXPECT_EQ(launched[0].worker, WorkerId(kUnfit + 1));
}

TEST_F(SchedulerTest, AWorkerThatRegistersAgainMayTryAgain) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(2, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kWorkerUnfit, "noexec"));
  EXPECT_EQ(On(Joined(kRed, 1)),
            (Actions{LaunchAttempt{kRed, A(3), Map(0), Reason::kWorkerFailed}}));
}

TEST_F(SchedulerTest, ADrainingWorkerGetsNoNewWorkButFinishesWhatItHas) {
  Submit(3, 1);
  On(Joined(kRed, 1));
  On(WorkerDraining{kRed});
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(SchedulerTest, ADrainingWorkerStillGrantsSlotsToItsFetchingReduces) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerDraining{kRed});
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
}

TEST_F(SchedulerTest, AWorkerIsToldOnlyTheSourcesItDoesNotKnowYet) {
  Submit(1, 5);
  On(Joined(kRed, 1));
  const Actions first = On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(Only<PublishSources>(first), (std::vector<PublishSources>{{kRed, kJob, 0, 1}}));
  EXPECT_TRUE(Only<PublishSources>(On(Ready(kRed, A(2)))).empty());
}

// Two workers reduce, so a round of news costs two messages, which are two seconds' worth.
class GatheredNewsTest : public CoreTest {
 protected:
  GatheredNewsTest() {
    options_.source_messages_per_second = 1;
    RestartWithoutLeases();
    On(Joined(kRed, 3));
    Submit(/*maps=*/3, /*reducers=*/4);
    On(Joined(kBlue, 3));
    for (uint32_t i = 0; i < 3; ++i) On(Done(kRed, A(i + 1), Map(i)));  // then 4 to 7 reduce
  }

  static std::vector<PublishSources> ToBoth(uint32_t from, uint32_t to) {
    return {{kRed, kJob, from, to}, {kBlue, kJob, from, to}};
  }
};

TEST_F(GatheredNewsTest, TheFirstLossIsToldAtOnceAndWhatFollowsWhenItIsTime) {
  EXPECT_EQ(Only<PublishSources>(On(OutputMissed{kRed, Map(0), A(1)})), ToBoth(3, 4));
  EXPECT_TRUE(Only<PublishSources>(On(OutputMissed{kRed, Map(1), A(2)})).empty());
  EXPECT_TRUE(Only<PublishSources>(On(Done(kBlue, A(8), Map(0)))).empty());
  Pass(absl::Seconds(2));
  EXPECT_EQ(Only<PublishSources>(Tick()), ToBoth(4, 6));
}

TEST_F(GatheredNewsTest, ATickIsAskedForWhenItIsTime) {
  On(OutputMissed{kRed, Map(0), A(1)});
  const Actions actions = EverythingOn(OutputMissed{kRed, Map(1), A(2)});
  ASSERT_EQ(Only<WakeAt>(actions).size(), 1u);
  EXPECT_EQ(Only<WakeAt>(actions)[0].time, now_ + absl::Seconds(2));
}

TEST_F(GatheredNewsTest, WithTheLastMapReducesCanGoOnSoItIsToldAtOnce) {
  On(OutputMissed{kRed, Map(0), A(1)});
  EXPECT_EQ(Only<PublishSources>(On(Done(kBlue, A(8), Map(0)))), ToBoth(4, 5));
}

}  // namespace
}  // namespace millrace
