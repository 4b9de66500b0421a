// What a worker that comes, falls silent, goes or returns means for its work.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::IsEmpty;

class WorkerRulesTest : public CoreTest {
 protected:
  WorkerState StateOfWorker(WorkerId id) {
    for (const WorkerSnapshot& worker : core_->Workers(now_)) {
      if (worker.worker == id) return worker.state;
    }
    return WorkerState::kAwaited;
  }
};

TEST_F(WorkerRulesTest, AnAttemptRunsElsewhereWhenItsWorkerIsLost) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  EXPECT_EQ(On(WorkerLeft{kRed}),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, A(2), Map(0), Reason::kWorkerLost}}));
  EXPECT_EQ(Ended(Cause::kWorkerLost), 1);
  EXPECT_EQ(Ended(Cause::kUserCodeFailed), 0);
}

TEST_F(WorkerRulesTest, AWorkerThatMissesItsLeaseIsLost) {
  On(Joined(kRed, 1));
  Pass(absl::Seconds(9));
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
  EXPECT_EQ(StateOfWorker(kRed), WorkerState::kLost);
}

TEST_F(WorkerRulesTest, AHeartbeatStartsTheLeaseAgain) {
  On(Joined(kRed, 1));
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kRed});
  Pass(absl::Seconds(9));
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, TheCoreAsksToBeWokenWhenTheFirstLeaseMayEnd) {
  EXPECT_EQ(Only<WakeAt>(EverythingOn(Joined(kRed, 1))),
            (std::vector<WakeAt>{{CoreTime::FromMicros(10'000'000)}}));
  EXPECT_THAT(Only<WakeAt>(EverythingOn(HeartbeatReceived{kRed})), IsEmpty());
  EXPECT_EQ(Only<WakeAt>(EverythingOn(WorkerDisconnected{kRed})),
            (std::vector<WakeAt>{{CoreTime::FromMicros(1'000'000)}}));
}

TEST_F(WorkerRulesTest, ADisconnectedWorkerGetsNothingNewAndIsLostAfterAGrace) {
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});
  EXPECT_THAT(Only<LaunchAttempt>(On(Submitted("wordcount", 1, 1))), IsEmpty());
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, AWorkerThatReturnsWithinItsGraceGoesOnWhereItWas) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});
  Pass(absl::Milliseconds(500));
  EXPECT_EQ(core_->IdOf(Incarnation(101)), kRed);
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(0), A(1)}};
  EXPECT_EQ(On(again), (Actions{}));
  Pass(absl::Seconds(5));
  EXPECT_EQ(Tick(), (Actions{}));
  EXPECT_THAT(On(Done(kRed, A(1), Map(0))), Contains(Action(Accepted(kRed, A(1)))));
}

TEST_F(WorkerRulesTest, AnAttemptThatAReturningWorkerDoesNotKnowRunsAgain) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});  // the launch may have been lost with the connection
  EXPECT_EQ(On(Joined(kRed, 1)), (Actions{LaunchAttempt{kRed, A(2), Map(0), Reason::kWorkerLost}}));
}

TEST_F(WorkerRulesTest, AnAttemptThatNobodyWantsIsCancelledWhenItsWorkerReturns) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(WorkerLeft{kRed});
  WorkerJoined again = Joined(kBlue, 0);
  again.attempts = {{Map(0), A(1)}};
  EXPECT_EQ(On(again), (Actions{CancelAttempt{kBlue, A(1)}}));
}

TEST_F(WorkerRulesTest, AWinnerThatWaitsForItsAnswerIsNotCancelledWhenItsWorkerReturns) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // the answer was lost with the connection
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(0), A(1)}, {Reduce(0), A(2)}};
  again.outputs = {{Map(0), A(1)}};
  EXPECT_EQ(On(again), (Actions{PublishSources{kRed, kJob, 0, 1}}));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
}

TEST_F(WorkerRulesTest, AWinnerThatWaitsForItsAnswerHasItsOutputAllTheSame) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // the worker does not know yet that it is an output
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(0), A(1)}, {Reduce(0), A(2)}};
  EXPECT_EQ(On(again), (Actions{PublishSources{kRed, kJob, 0, 1}}));
}

TEST_F(WorkerRulesTest, AnOutputThatAReturningWorkerDoesNotHoldRunsAgain) {
  Submit(2, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(1), A(2)}};
  EXPECT_EQ(On(again), (Actions{}));
  EXPECT_EQ(
      On(Done(kRed, A(2), Map(1))),
      (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(3), Map(0), Reason::kOutputLost}}));
}

TEST_F(WorkerRulesTest, AReturningWorkerIsToldWhichJobsItMayForget) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});
  On(CancelRequested{kJob, ""});
  WorkerJoined again = Joined(kRed, 1);
  again.outputs = {{Map(0), A(1)}, {Map(1), A(2)}, {Map(0, JobId(77)), A(9)}};
  again.jobs = {kJob, JobId(77)};
  const DropOutputs drop{kRed, {{Map(0), A(1)}, {Map(1), A(2)}, {Map(0, JobId(77)), A(9)}}};
  EXPECT_EQ(On(again),
            (Actions{drop, ReleaseJob{kRed, kJob}, ReleaseJob{kRed, JobId(77), /*at_once=*/true}}));
}

// A worker that was lost registers under a new id. What it still has was made anew elsewhere.
TEST_F(WorkerRulesTest, AWorkerThatWasLostRemovesWhatItHeldAndForgetsTheJobAtItsEnd) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerLeft{kRed});
  WorkerJoined again = Joined(kBlue, 0);
  again.outputs = {{Map(0), A(1)}};
  again.jobs = {kJob};
  EXPECT_EQ(On(again), (Actions{CancelAttempt{kBlue, A(1)}}));
  EXPECT_THAT(On(CancelRequested{kJob, ""}), testing::Contains(Action(ReleaseJob{kBlue, kJob})));
}

TEST_F(WorkerRulesTest, AProcessThatRestartedIsANewWorkerAndTheOldOneIsLost) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  WorkerJoined restarted = Joined(kBlue, 1);
  restarted.name = "red";
  EXPECT_EQ(core_->IdOf(Incarnation(102)), kBlue);
  EXPECT_EQ(On(restarted), (Actions{}));
  EXPECT_EQ(On(WorkerDisconnected{kRed}), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, A(2), Map(0), Reason::kWorkerLost}}));
}

TEST_F(WorkerRulesTest, SuccessFromALostWorkerDoesNotCount) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  Pass(absl::Seconds(10));
  Tick();
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Stale(kRed, A(1))}));
  EXPECT_EQ(Job().stages[0].done, 0);
}

TEST_F(WorkerRulesTest, AHeartbeatFromALostWorkerRenewsNothing) {
  On(Joined(kRed, 1));
  Pass(absl::Seconds(10));
  Tick();
  On(HeartbeatReceived{kRed});
  EXPECT_EQ(StateOfWorker(kRed), WorkerState::kLost);
  EXPECT_NE(core_->IdOf(Incarnation(101)), kRed);
}

TEST_F(WorkerRulesTest, FinishedMapsRunAgainWhenTheirWorkerIsLostAndAReduceNeedsThem) {
  Submit(3, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));   // red goes on with map 2 as attempt 3
  On(Done(kBlue, A(2), Map(1)));  // blue's own output stays
  EXPECT_EQ(On(WorkerLeft{kRed}),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, A(4), Map(0), Reason::kOutputLost}}));
  EXPECT_EQ(
      On(Done(kBlue, A(4), Map(0))),
      (Actions{Accepted(kBlue, A(4)), LaunchAttempt{kBlue, A(5), Map(2), Reason::kWorkerLost}}));
  EXPECT_EQ(Job().stages[0].done, 2);
}

TEST_F(WorkerRulesTest, AKeptOutputIsNotLostWithItsWorker) {
  On(Keeping(2, 1));
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(On(WorkerLeft{kRed}), (Actions{ForgetWorker{kRed}}));
  EXPECT_EQ(Job().stages[0].done, 1);
  EXPECT_EQ(On(Done(kBlue, A(2), Map(1))),
            (Actions{Accepted(kBlue, A(2)), PublishSources{kBlue, kJob, 0, 2},
                     LaunchAttempt{kBlue, A(3), Reduce(0)}}))
      << "a reduce is placed though the maker of a source is gone";
  const std::vector<MapSource> sources = core_->Sources(kJob, 0, 2);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].attempt, A(1));
}

TEST_F(WorkerRulesTest, AKeptOutputThatAReturningWorkerDoesNotListIsThereAllTheSame) {
  On(Keeping(2, 1));
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Map(1), A(2)}};
  EXPECT_EQ(On(again), (Actions{}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

// It was lost and is back as another; what it made counts, and only that.
TEST_F(WorkerRulesTest, AWorkerThatWasLostIsNotToldToRemoveAKeptOutput) {
  On(Keeping(1, 1));
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerLeft{kRed});
  WorkerJoined again = Joined(kBlue, 0);
  again.outputs = {{Map(0), A(1)}, {Map(0), A(9)}};
  again.jobs = {kJob};
  EXPECT_EQ(Only<CancelAttempt>(On(again)), (std::vector<CancelAttempt>{{kBlue, A(9)}}));
}

TEST_F(WorkerRulesTest, FetchingReducesAreToldAtOnceThatASourceIsGone) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 2));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))),
            (Actions{Accepted(kRed, A(1)), PublishSources{kBlue, kJob, 0, 1},
                     LaunchAttempt{kBlue, A(2), Reduce(0)}}));
  EXPECT_EQ(On(WorkerLeft{kRed}),
            (Actions{ForgetWorker{kRed}, PublishSources{kBlue, kJob, 1, 2},
                     LaunchAttempt{kBlue, A(3), Map(0), Reason::kOutputLost}}));
}

TEST_F(WorkerRulesTest, FinishedReducesNeverRunAgain) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Done(kRed, A(2), Reduce(0)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Job().stages[1].done, 1);
  EXPECT_EQ(Job().stages[0].done, 0);
}

TEST_F(WorkerRulesTest, AMapOnlyJobLosesNothingWithAWorker) {
  Submit(2, 0);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(WorkerRulesTest, AFullyReducedJobLosesNothingWithAWorker) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Done(kRed, A(2), Reduce(0)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(StateOf(), JobState::kPublishing);
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(WorkerRulesTest, APauseOfTheMasterCostsNobodyTheLease) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(20));
  On(MasterStalled{});
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, NothingIsSentToASuspectWorker) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerDisconnected{kRed});
  EXPECT_EQ(On(CancelRequested{kJob, ""}),
            (Actions{AbortOutput{kJob}, AnswerCancel{kJob, CancelReply::kAccepted}}));
}

TEST_F(WorkerRulesTest, WorkersThatCameAndWentDuringAJobAreCounted) {
  On(Joined(kRed, 1));
  Submit(1, 1);
  On(Joined(kBlue, 1));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Job().summary.workers_joined, 2);
  EXPECT_EQ(Job().summary.workers_lost, 1);
}

TEST_F(WorkerRulesTest, FlappingWorkersDoNotFillTheMemory) {
  Actions forgotten;
  for (uint64_t i = 1; i <= 1500; ++i) {
    On(Joined(WorkerId(i), 1));
    for (const Action& action : On(WorkerLeft{WorkerId(i)})) {
      if (Is<ForgetRegistration>(action)) forgotten.push_back(action);
    }
  }
  EXPECT_EQ(core_->Workers(now_).size(), 1000);
  EXPECT_EQ(forgotten.size(), 500);
}

TEST_F(WorkerRulesTest, AProcessThatRegistersUnderAnotherIdIsNoLongerTheOldOne) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  WorkerJoined again = Joined(kBlue, 1);
  again.incarnation = Incarnation(101);
  EXPECT_EQ(On(again),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, A(2), Map(0), Reason::kWorkerLost}}));
  EXPECT_EQ(core_->IdOf(Incarnation(101)), kBlue);
}

TEST_F(WorkerRulesTest, AWorkerHasNoMoreSlotsThanMakesSense) {
  On(Joined(kRed, 1'000'000));
  EXPECT_EQ(core_->Workers(now_).at(0).slots, 4096);
}

TEST_F(WorkerRulesTest, AWorkerThatJoinsLateHasAWholeLease) {
  Pass(absl::Seconds(30));
  On(Joined(kRed, 1));
  Pass(absl::Seconds(9));
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(WorkerRulesTest, AnIdThatWasLostHasToRegisterAnew) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(WorkerLeft{kRed});
  EXPECT_EQ(On(Joined(kRed, 1)), (Actions{ForgetWorker{kRed}}));
  EXPECT_EQ(StateOfWorker(kRed), WorkerState::kLost);
}

TEST_F(WorkerRulesTest, AMissingOutputMayFailTheJobWhileOthersAreStillCompared) {
  options_.other_failures_max = 1;
  Restart(1);
  Submit(3, 1);
  On(Joined(kRed, 3));
  for (uint64_t i = 1; i <= 3; ++i) On(Done(kRed, A(i), Map(i - 1)));
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 3);  // with nothing
  again.jobs = {kJob};
  EXPECT_THAT(On(again), Contains(Action(ReleaseJob{kRed, kJob})));
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

TEST_F(WorkerRulesTest, AnOutputThatIsElsewhereByNowIsNotMissedOnAReturningWorker) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // attempt 2 fetches on red
  On(Joined(kBlue, 1));
  On(OutputMissed{kRed, Map(0), A(1)});
  On(Done(kBlue, A(3), Map(0)));
  On(WorkerDisconnected{kRed});
  WorkerJoined again = Joined(kRed, 1);
  again.attempts = {{Reduce(0), A(2)}};
  EXPECT_EQ(On(again), (Actions{PublishSources{kRed, kJob, 0, 3}}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(WorkerRulesTest, AHeartbeatBeforeAWorkerRegistersAgainRenewsNothing) {
  On(Joined(kRed, 1));
  Restart(2);
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kRed});
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, ABrokenConnectionThatBreaksAgainLeavesNoLongerGrace) {
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});
  Pass(absl::Milliseconds(600));
  On(WorkerDisconnected{kRed});
  Pass(absl::Milliseconds(400));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, AGoodbyeSaidTwiceIsHeardOnce) {
  On(Joined(kRed, 1));
  On(WorkerLeft{kRed});
  EXPECT_EQ(On(WorkerLeft{kRed}), (Actions{}));
  EXPECT_EQ(core_->Cluster().workers_lost, 1);
}

TEST_F(WorkerRulesTest, AnOutputThatIsElsewhereByNowIsNotLostWithItsFirstWorker) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Joined(kBlue, 2));
  On(OutputMissed{kRed, Map(0), A(1)});
  On(Done(kBlue, A(3), Map(0)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(WorkerRulesTest, AGraceBeginsWhenTheConnectionBreaks) {
  On(Joined(kRed, 1));
  Pass(absl::Seconds(5));
  On(HeartbeatReceived{kRed});
  On(WorkerDisconnected{kRed});
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(Tick(), (Actions{}));
}

TEST_F(WorkerRulesTest, APauseOfTheMasterStartsAGraceAgain) {
  On(Joined(kRed, 1));
  On(WorkerDisconnected{kRed});
  Pass(absl::Seconds(20));
  On(MasterStalled{});
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(WorkerRulesTest, ALostWorkerDoesNotDrain) {
  On(Joined(kRed, 1));
  On(WorkerLeft{kRed});
  On(WorkerDraining{kRed});
  EXPECT_EQ(StateOfWorker(kRed), WorkerState::kLost);
}

TEST_F(WorkerRulesTest, ALostOutputMayFailTheJobWhileOthersAreStillLookedAt) {
  options_.other_failures_max = 1;
  Restart(1);
  Submit(3, 1);
  On(Joined(kRed, 3));
  On(WorkerDraining{kRed});  // so that no reduce runs there
  for (uint64_t i = 1; i <= 3; ++i) On(Done(kRed, A(i), Map(i - 1)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

}  // namespace
}  // namespace millrace
