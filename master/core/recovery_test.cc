// What a new master makes of the journal of the former one.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class RecoveryTest : public CoreTest {
 protected:
  AttemptId B(uint64_t sequence) { return AttemptId{Epoch(2), sequence}; }

  void RedHasTheSourceAndBlueReduces() {
    Submit(1, 1);
    On(Joined(kRed, 1));
    On(Joined(kBlue, 2));
    On(Done(kRed, A(1), Map(0)));  // attempt 2 fetches on blue, which has more room
  }
  static WorkerJoined BlueWithItsReduce() {
    WorkerJoined blue = Joined(kBlue, 2);
    blue.attempts = {{Reduce(0), A(2)}};
    return blue;
  }

  // Name and state of the workers that people see.
  std::vector<std::pair<std::string, std::string>> Shown() {
    std::vector<std::pair<std::string, std::string>> shown;
    for (const WorkerSnapshot& worker : core_->Workers(now_)) {
      shown.emplace_back(worker.name, Name(worker.state));
    }
    return shown;
  }
};

TEST_F(RecoveryTest, TheJournalGivesTheSameStateAgain) {
  Submit(3, 2);
  On(Joined(kRed, 2));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Failed(kRed, A(2), Map(1), Cause::kUserCodeFailed, "boom"));
  On(WorkerLeft{kBlue});
  MasterCore replayed(options_);
  for (const JobEdit& edit : journal_) replayed.Apply(edit);
  EXPECT_EQ(replayed.DurableState(), core_->DurableState());
}

TEST_F(RecoveryTest, RunningAttemptsAreAdoptedWhenTheirWorkerReturnsWithThem) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  Restart(2);
  EXPECT_EQ(Job().stages[0].running, 2);
  EXPECT_EQ(On(Joined(kBlue, 2)), (Actions{}));
  WorkerJoined again = Joined(kRed, 2);
  again.attempts = {{Map(0), A(1)}, {Map(1), A(2)}};
  EXPECT_EQ(On(again), (Actions{}));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
  EXPECT_EQ(Job().stages[0].done, 1);
  EXPECT_EQ(Ended(Cause::kWorkerLost), 0u);
}

TEST_F(RecoveryTest, AnAttemptThatItsReturningWorkerDoesNotKnowStartsAgainAtOnce) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  Restart(2);
  WorkerJoined again = Joined(kRed, 2);
  again.attempts = {{Map(1), A(2)}};
  EXPECT_EQ(On(again), (Actions{LaunchAttempt{kRed, B(1), Map(0), Reason::kWorkerLost}}));
}

TEST_F(RecoveryTest, AttemptsOfAWorkerThatDoesNotReturnStartAgainAfterOneLease) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  Restart(2);
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, B(1), Map(0), Reason::kWorkerLost}}));
}

TEST_F(RecoveryTest, AWallClockThatIsSetAheadOrBackMeansNothing) {
  constexpr int64_t kHourUs = 3'600'000'000;
  for (const int64_t hours : {1, -1, 87'600}) {
    journal_.clear();
    options_.started_wall_us = 100 * kHourUs;
    Restart(1);
    Submit(1, 1);
    On(Joined(kRed, 1));
    options_.started_wall_us += hours * kHourUs;
    Restart(2);
    On(Joined(kBlue, 1));
    Pass(absl::Seconds(9));
    On(HeartbeatReceived{kBlue});
    ASSERT_EQ(Tick(), (Actions{})) << hours;
    Pass(absl::Seconds(1));
    ASSERT_EQ(Tick(), (Actions{ForgetWorker{kRed},
                               LaunchAttempt{kBlue, B(1), Map(0), Reason::kWorkerLost}}))
        << hours;
  }
}

TEST_F(RecoveryTest, AnAttemptOfAWorkerThatIsNotBackYetIsStale) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  Restart(2);
  On(Joined(kBlue, 1));
  EXPECT_EQ(On(Done(kBlue, A(1), Map(0))), (Actions{Stale(kBlue, A(1))}));
}

TEST_F(RecoveryTest, AnAdoptedReduceKeepsItsSlot) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));  // attempts 2 and 3 fetch
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
  Restart(2);
  WorkerJoined again = Joined(kRed, 1);
  again.outputs = {{Map(0), A(1)}};
  again.attempts = {{Reduce(0), A(2), /*holds_slot=*/true}, {Reduce(1), A(3)}};
  On(again);
  EXPECT_EQ(On(Ready(kRed, A(3))), (Actions{}));  // its only slot is taken
  EXPECT_EQ(On(Done(kRed, A(2), Reduce(0))),
            (Actions{Accepted(kRed, A(2)), GrantSlot{kRed, A(3)}}));
}

TEST_F(RecoveryTest, FinishedMapsAreNotRunAgainWhenTheirWorkerReturnsWithThem) {
  Submit(2, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Done(kRed, A(2), Map(1)));
  Restart(2);
  EXPECT_EQ(core_->IdOf(Incarnation(101)), kRed);
  WorkerJoined again = Joined(kRed, 1);
  again.outputs = {{Map(0), A(1)}, {Map(1), A(2)}};
  EXPECT_EQ(On(again), (Actions{PublishSources{kRed, kJob, 0, 2},
                                LaunchAttempt{kRed, B(1), Reduce(0), Reason::kWorkerLost}}));
  EXPECT_EQ(Job().stages[0].done, 2);
}

TEST_F(RecoveryTest, ReducesWaitUntilTheWorkersWithTheirSourcesAreBack) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  Restart(2);
  EXPECT_EQ(On(Joined(kBlue, 1)), (Actions{}));
}

// Where a source is can be said when its worker is back; and what was told is not told again.
TEST_F(RecoveryTest, AnAdoptedReduceIsToldOfItsSourcesWhenAllWhoHaveAnyAreBack) {
  RedHasTheSourceAndBlueReduces();
  Restart(2);
  EXPECT_EQ(On(BlueWithItsReduce()), (Actions{}));
  WorkerJoined red = Joined(kRed, 1);
  red.outputs = {{Map(0), A(1)}};
  EXPECT_EQ(On(red), (Actions{PublishSources{kBlue, kJob, 0, 1}}));
}

TEST_F(RecoveryTest, AnAdoptedReduceIsToldOfItsSourcesWhenWhoHadThemIsLost) {
  RedHasTheSourceAndBlueReduces();
  Restart(2);
  On(BlueWithItsReduce());
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}, PublishSources{kBlue, kJob, 0, 2},
                             LaunchAttempt{kBlue, B(1), Map(0), Reason::kOutputLost}}));
}

TEST_F(RecoveryTest, AnAdoptedReduceOnTheLastWorkerThatIsBackIsToldAtOnce) {
  RedHasTheSourceAndBlueReduces();
  Restart(2);
  WorkerJoined red = Joined(kRed, 1);
  red.outputs = {{Map(0), A(1)}};
  EXPECT_EQ(On(red), (Actions{}));
  EXPECT_EQ(On(BlueWithItsReduce()), (Actions{PublishSources{kBlue, kJob, 0, 1}}));
}

TEST_F(RecoveryTest, NobodyWaitsForAWorkerWhoseOutputsAreKept) {
  On(Keeping(1, 1));
  On(Joined(kRed, 1));
  On(WorkerDraining{kRed});
  On(Done(kRed, A(1), Map(0)));
  Restart(2);
  EXPECT_EQ(On(Joined(kBlue, 1)),
            (Actions{PublishSources{kBlue, kJob, 0, 1}, LaunchAttempt{kBlue, B(1), Reduce(0)}}));
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(RecoveryTest, OutputsOfAWorkerThatDoesNotReturnAreLostAfterOneLease) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  Restart(2);
  On(Joined(kBlue, 1));
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(),
            (Actions{ForgetWorker{kRed}, LaunchAttempt{kBlue, B(1), Map(0), Reason::kOutputLost}}));
}

TEST_F(RecoveryTest, OnlyWorkersThatMayBeMissedAreShown) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Joined(kGreen, 1));
  On(WorkerLeft{kRed});
  Restart(2);  // which never saw red
  On(Joined(kBlue, 1));
  EXPECT_THAT(Shown(), ElementsAre(Pair("blue", "joined"), Pair("green", "awaited")));
  Pass(absl::Seconds(10));
  On(HeartbeatReceived{kBlue});
  Tick();
  EXPECT_THAT(Shown(), ElementsAre(Pair("blue", "joined"), Pair("green", "lost")));
}

TEST_F(RecoveryTest, PublishingIsRepeated) {
  Submit(0, 0);
  EXPECT_EQ(Restart(2), (Actions{PublishJob{kJob}}));
  On(JobPublished{kJob, absl::OkStatus()});
  EXPECT_EQ(StateOf(), JobState::kSucceeded);
}

TEST_F(RecoveryTest, AJobWhoseLastTaskWasDoneIsPublished) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  ASSERT_TRUE(std::holds_alternative<JobPublishing>(journal_.back()));
  journal_.pop_back();  // lost with the crash
  EXPECT_EQ(Restart(2), (Actions{PublishJob{kJob}}));
}

TEST_F(RecoveryTest, TheOutputOfAFailedJobIsAbortedOnceMore) {
  Submit(1, 1);
  On(CancelRequested{kJob, ""});
  EXPECT_EQ(Restart(2), (Actions{AbortOutput{kJob}}));
}

TEST_F(RecoveryTest, AFoldedJobKeepsItsRow) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(JobPublished{kJob, absl::OkStatus()});
  const JobSnapshot before = Job();
  journal_ = {JobEdit(core_->Folded(kJob))};
  EXPECT_EQ(Restart(2), (Actions{}));
  EXPECT_EQ(StateOf(), JobState::kSucceeded);
  EXPECT_EQ(Job().summary.counters, before.summary.counters);
  EXPECT_EQ(Job().stages[0].done, 1);
  EXPECT_EQ(core_->JobOfRequest("request of wordcount"), kJob);
  EXPECT_EQ(core_->NextJobId(), JobId(2));
}

TEST_F(RecoveryTest, UserFailuresOfFormerEpochsStillCount) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  for (uint64_t i = 1; i <= 3; ++i) On(Failed(kRed, A(i), Map(0), Cause::kUserCodeFailed));
  Restart(2);
  On(WorkerLeft{kRed});
  On(Joined(kBlue, 1));
  On(Failed(kBlue, B(1), Map(0), Cause::kUserCodeFailed, "boom"));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("attempt-2-1 on worker blue: user_code_failed: boom"));
}

TEST_F(RecoveryTest, AJobThatIsAcceptedTwiceAcrossARestartIsOneJob) {
  Submit(1, 1);
  Restart(2);
  EXPECT_EQ(On(Submitted("wordcount", 1, 1)),
            (Actions{AnswerSubmit{"request of wordcount", SubmitReply::kAccepted, kJob}}));
}

TEST_F(RecoveryTest, TheLeaseOfAnAwaitedWorkerBeginsWhenTheJournalHasBeenRead) {
  On(Joined(kRed, 1));
  core_ = std::make_unique<MasterCore>(options_);
  for (const JobEdit& edit : journal_) core_->Apply(edit);
  Pass(absl::Seconds(30));  // reading took that long
  On(MasterStarted{});
  Pass(absl::Seconds(9));
  EXPECT_EQ(Tick(), (Actions{}));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Tick(), (Actions{ForgetWorker{kRed}}));
}

TEST_F(RecoveryTest, NobodyWaitsForAWorkerThatHoldsNothingOfTheJob) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(2, 1);
  On(Done(kRed, A(1), Map(0)));
  On(Failed(kBlue, A(2), Map(1), Cause::kUserCodeFailed));  // attempt 3 runs on red
  On(Done(kRed, A(3), Map(1)));
  Restart(2);
  WorkerJoined again = Joined(kRed, 1);
  again.outputs = {{Map(0), A(1)}, {Map(1), A(3)}};
  EXPECT_EQ(Only<LaunchAttempt>(On(again)).size(), 1u);
}

TEST_F(RecoveryTest, AReduceThatNeverRanWaitsForItsSourcesLikeOthers) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(WorkerDraining{kRed});
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
  Restart(2);
  EXPECT_EQ(On(Joined(kBlue, 1)), (Actions{}));
}

}  // namespace
}  // namespace millrace
