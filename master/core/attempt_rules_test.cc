// Who wins, what is tried again, and what fails a job.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class AttemptRulesTest : public CoreTest {
 protected:
  // One map is done on red, and a reduce fetches on red as attempt 2.
  void FetchOnRed() {
    Submit(1, 1);
    On(Joined(kRed, 1));
    On(Done(kRed, A(1), Map(0)));
  }

  // Red cannot run map 0; when its pause is over, it tries again.
  void FailWorker(const AttemptId& attempt) {
    On(Failed(kRed, attempt, Map(0), Cause::kWorkerFailed));
    On(HeartbeatReceived{kRed});
    Pass(options_.longest_pause);
    On(HeartbeatReceived{kRed});
  }
};

TEST_F(AttemptRulesTest, TheSameSuccessReportedTwiceIsAcceptedTwiceAndCountedOnce) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1))}));
  EXPECT_EQ(Job().summary.counters.at("test/done"), 1);
  EXPECT_EQ(Job().summary.stale_reports, 0);
}

TEST_F(AttemptRulesTest, TheFirstSuccessOfATaskWinsAndOthersAreSuperseded) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  // A backup of the attempt that runs on red.
  core_->Apply(AttemptStarted{A(2), Map(0), kBlue, Reason::kSpeculative});
  const Actions actions = On(Done(kBlue, A(2), Map(0)));
  EXPECT_THAT(actions, Contains(Action(Accepted(kBlue, A(2)))));
  EXPECT_THAT(actions, Contains(Action(CancelAttempt{kRed, A(1)})));
  EXPECT_EQ(Ended(Cause::kSuperseded), 1);
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))),
            (Actions{AnswerOutcome{kRed, A(1), OutcomeReply::kSuperseded}}));
  EXPECT_EQ(core_->Sources(kJob, 0, 1)[0].attempt, A(2));
}

TEST_F(AttemptRulesTest, WhenOneOfTwoAttemptsFailsTheOtherGoesOn) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  core_->Apply(AttemptStarted{A(2), Map(0), kBlue, Reason::kSpeculative});
  EXPECT_EQ(On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed)),
            (Actions{Accepted(kRed, A(1))}));
  EXPECT_EQ(Job().stages[0].running, 1);
}

TEST_F(AttemptRulesTest, ReportsOfAttemptsThatDoNotRunAreStaleAndCounted) {
  Submit(2, 1);
  On(Joined(kRed, 1));
  EXPECT_EQ(On(Done(kRed, A(77), Map(0))), (Actions{Stale(kRed, A(77))}));
  EXPECT_EQ(On(Done(kRed, AttemptId{Epoch(9), 1}, Map(0))),
            (Actions{Stale(kRed, AttemptId{Epoch(9), 1})}));
  EXPECT_EQ(On(Done(kBlue, A(1), Map(0))), (Actions{Stale(kBlue, A(1))}));  // runs on red
  EXPECT_EQ(On(Done(kRed, A(1), Map(1))), (Actions{Stale(kRed, A(1))}));    // of map 0
  EXPECT_EQ(Job().summary.stale_reports, 4);
  EXPECT_EQ(core_->Cluster().stale_reports, 4);
  EXPECT_EQ(Job().stages[0].done, 0);
}

TEST_F(AttemptRulesTest, AnAttemptThatObeyedItsCancellationIsNoStaleReport) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(CancelRequested{kJob, ""});
  On(Failed(kRed, A(1), Map(0), Cause::kCancelled));
  EXPECT_EQ(core_->Cluster().stale_reports, 0);
}

TEST_F(AttemptRulesTest, OnlyUserCodeFailuresCountAgainstTheJobsLimit) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  for (uint64_t i = 1; i <= 5; ++i) FailWorker(A(i));
  for (uint64_t i = 6; i <= 8; ++i) On(Failed(kRed, A(i), Map(0), Cause::kUserCodeFailed));
  EXPECT_EQ(StateOf(), JobState::kRunning);
  On(Failed(kRed, A(9), Map(0), Cause::kUserCodeFailed));
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

TEST_F(AttemptRulesTest, TheErrorNamesJobTaskAttemptWorkerPositionAndCause) {
  JobSubmitted job = Submitted("wordcount", 1, 1);
  job.plan.max_attempts = 1;
  On(job);
  On(Joined(kRed, 1));
  AttemptReported report = Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed, "signal 11");
  report.outcome.position = "file.txt:10423";
  report.outcome.stderr_tail = "last words";
  On(report);
  EXPECT_EQ(ErrorOf(),
            "job \"wordcount\" (job-1) failed: map-00000 failed 1 time in user code, its limit; "
            "last attempt-1-1 on worker red: user_code_failed: signal 11 at file.txt:10423\n"
            "last words");
}

TEST_F(AttemptRulesTest, OtherCausesHaveALimitAndTheErrorNamesTheirChain) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  for (uint64_t i = 1; i <= 17; ++i) FailWorker(A(i));
  for (uint64_t i = 18; i <= 19; ++i) On(Failed(kRed, A(i), Map(0), Cause::kTimedOut));
  EXPECT_EQ(StateOf(), JobState::kRunning);
  On(Failed(kRed, A(20), Map(0), Cause::kTimedOut, "no progress for 60 s"));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(),
              AllOf(HasSubstr("map-00000"), HasSubstr("20 times"),
                    HasSubstr("timed_out x3, worker_failed x17"),
                    HasSubstr("attempt-1-20 on worker red"), HasSubstr("no progress for 60 s")));
}

TEST_F(AttemptRulesTest, AJobThatNoWorkerCanRunFailsAtOnce) {
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(2, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kWorkerUnfit, "mounted noexec"));
  EXPECT_EQ(StateOf(), JobState::kRunning);
  On(Failed(kBlue, A(2), Map(1), Cause::kWorkerUnfit, "built for ARM 64"));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("no worker can run it; last attempt-1-2 on worker blue: "
                                   "worker_unfit: built for ARM 64"));
}

TEST_F(AttemptRulesTest, UnfitWorkersDoNotCountAgainstATask) {
  options_.other_failures_max = 1;
  Restart(1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  Submit(1, 1);
  On(Failed(kRed, A(1), Map(0), Cause::kWorkerUnfit));
  EXPECT_EQ(StateOf(), JobState::kRunning);
}

TEST_F(AttemptRulesTest, ACauseThatNoAttemptCanEscapeFailsTheJobAtOnce) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  const Actions actions =
      On(Failed(kRed, A(1), Map(0), Cause::kJobInvalid, "/in/a changed since submit"));
  EXPECT_EQ(actions, (Actions{Accepted(kRed, A(1)), CancelAttempt{kRed, A(2)}, AbortOutput{kJob},
                              ReleaseJob{kRed, kJob}}));
  EXPECT_THAT(ErrorOf(), HasSubstr("/in/a changed since submit"));
}

TEST_F(AttemptRulesTest, ASourceThatCannotBeFetchedIsMadeAgain) {
  FetchOnRed();
  EXPECT_EQ(
      On(FetchFailed(kRed, A(2), Reduce(0), 0, A(1))),
      (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(3), Map(0), Reason::kOutputLost}}));
  EXPECT_EQ(On(Done(kRed, A(3), Map(0))),
            (Actions{Accepted(kRed, A(3)), PublishSources{kRed, kJob, 1, 3},
                     LaunchAttempt{kRed, A(4), Reduce(0), Reason::kOutputLost}}));
}

TEST_F(AttemptRulesTest, AKeptOutputThatIsDamagedIsMadeAgain) {
  On(Keeping(1, 1));
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_EQ(
      On(FetchFailed(kRed, A(2), Reduce(0), 0, A(1))),
      (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(3), Map(0), Reason::kOutputLost}}));
}

TEST_F(AttemptRulesTest, ASourceThatWasReplacedMeanwhileCostsOnlyTheReducesRetry) {
  FetchOnRed();
  EXPECT_EQ(
      On(FetchFailed(kRed, A(2), Reduce(0), 0, A(99))),
      (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(3), Reduce(0), Reason::kOutputLost}}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(AttemptRulesTest, ASourceThatIsAlwaysUnreadableFailsTheJobInTheEnd) {
  FetchOnRed();
  AttemptId source = A(1);
  AttemptId reduce = A(2);
  for (int round = 0; StateOf() == JobState::kRunning; ++round) {
    ASSERT_LT(round, 21);
    On(FetchFailed(kRed, reduce, Reduce(0), 0, source));
    if (StateOf() != JobState::kRunning) break;
    source = A(reduce.sequence + 1);
    reduce = A(reduce.sequence + 2);
    On(Done(kRed, source, Map(0)));
  }
  EXPECT_THAT(ErrorOf(), HasSubstr("fetch_failed x20"));
}

// One attempt of a reduce is done, another could not read a source, and the source's worker goes.
TEST_F(AttemptRulesTest, ASuccessAFailedFetchAndALossEndTheJobInAnyOrder) {
  const std::vector<Event> events = {Done(kBlue, A(2), Reduce(0)),
                                     FetchFailed(kGreen, A(3), Reduce(0), 0, A(1)),
                                     WorkerLeft{kRed}};
  std::vector<int> order = {0, 1, 2};
  do {
    journal_.clear();
    Restart(1);
    Submit(1, 1);
    On(Joined(kRed, 1));
    On(Joined(kBlue, 2));
    On(Joined(kGreen, 1));
    On(Done(kRed, A(1), Map(0)));  // attempt 2 fetches on blue
    core_->Apply(AttemptStarted{A(3), Reduce(0), kGreen, Reason::kSpeculative});
    for (const int event : order) On(events[event]);
    EXPECT_EQ(StateOf(), JobState::kPublishing) << order[0] << order[1] << order[2];
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(AttemptRulesTest, AMapThatCannotRunAgainFailsTheJobAndNamesItsInput) {
  FetchOnRed();
  On(OutputMissed{kRed, Map(0), A(1)});  // attempt 3 maps
  On(Failed(kRed, A(3), Map(0), Cause::kJobInvalid, "input changed: /in/a"));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("map-00000"), HasSubstr("attempt-1-3 on worker red"),
                               HasSubstr("input changed: /in/a")));
}

TEST_F(AttemptRulesTest, AReduceWithoutASlotJustGetsNewSources) {
  FetchOnRed();
  On(Joined(kBlue, 1));
  EXPECT_EQ(On(OutputMissed{kRed, Map(0), A(1)}),
            (Actions{PublishSources{kRed, kJob, 1, 2},
                     LaunchAttempt{kBlue, A(3), Map(0), Reason::kOutputLost}}));
  EXPECT_FALSE(core_->Sources(kJob, 1, 2)[0].attempt.is_set());
  EXPECT_EQ(On(Done(kBlue, A(3), Map(0))),
            (Actions{Accepted(kBlue, A(3)), PublishSources{kRed, kJob, 2, 3}}));
  EXPECT_EQ(core_->Sources(kJob, 2, 3)[0].worker, kBlue);
  EXPECT_EQ(On(Ready(kRed, A(2))), (Actions{GrantSlot{kRed, A(2)}}));
}

TEST_F(AttemptRulesTest, ALostSourceTakesBackARequestForASlot) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Ready(kRed, A(3)));  // waits
  On(OutputMissed{kRed, Map(0), A(1)});
  // The slot goes to the lost map, not to attempt 3, which lacks a source now.
  EXPECT_EQ(
      On(Done(kRed, A(2), Reduce(0))),
      (Actions{Accepted(kRed, A(2)), LaunchAttempt{kRed, A(4), Map(0), Reason::kOutputLost}}));
  EXPECT_EQ(On(SourcesReady{kRed, A(3), 1}), (Actions{}));  // said before it heard of the loss
  On(Done(kRed, A(4), Map(0)));
  EXPECT_EQ(On(Ready(kRed, A(3))), (Actions{GrantSlot{kRed, A(3)}}));
}

TEST_F(AttemptRulesTest, AReduceThatHasItsSlotIsLeftAloneWhenASourceIsLost) {
  FetchOnRed();
  On(Ready(kRed, A(2)));
  EXPECT_THAT(On(OutputMissed{kRed, Map(0), A(1)}),
              Not(Contains(Action(CancelAttempt{kRed, A(2)}))));
  EXPECT_THAT(On(Done(kRed, A(2), Reduce(0))), Contains(Action(PublishJob{kJob})));
}

TEST_F(AttemptRulesTest, AMapStillRunningAgainWhenTheLastReduceIsDoneHoldsNothingUp) {
  FetchOnRed();
  On(Ready(kRed, A(2)));
  On(Joined(kBlue, 1));
  On(OutputMissed{kRed, Map(0), A(1)});  // attempt 3 maps on blue
  EXPECT_THAT(On(Done(kRed, A(2), Reduce(0))), Contains(Action(CancelAttempt{kBlue, A(3)})));
  EXPECT_EQ(StateOf(), JobState::kPublishing);
  EXPECT_EQ(On(Done(kBlue, A(3), Map(0))), (Actions{Stale(kBlue, A(3))}));
  EXPECT_EQ(On(JobPublished{kJob, absl::OkStatus()}),
            (Actions{ReleaseJob{kRed, kJob}, ReleaseJob{kBlue, kJob}}));
  EXPECT_EQ(StateOf(), JobState::kSucceeded);
}

TEST_F(AttemptRulesTest, AMapThatDiffersAfterAReduceIsDoneFailsTheJob) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Done(kRed, A(2), Reduce(0)));
  On(OutputMissed{kRed, Map(0), A(1)});
  AttemptReported again = Done(kRed, A(4), Map(0));
  again.outcome.digest = Digest{666, 666};
  EXPECT_THAT(On(again), Contains(Action(Stale(kRed, A(4)))));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("non-deterministic map"), HasSubstr("map-00000"),
                               HasSubstr("attempt-1-4"), HasSubstr("worker red")));
}

TEST_F(AttemptRulesTest, AMapThatDiffersBeforeAnyReduceIsDoneStartsTheReducesOver) {
  FetchOnRed();
  On(Ready(kRed, A(2)));
  On(Joined(kBlue, 1));
  On(OutputMissed{kRed, Map(0), A(1)});
  AttemptReported again = Done(kBlue, A(3), Map(0));
  again.outcome.digest = Digest{666, 666};
  const Actions actions = On(again);
  EXPECT_THAT(actions, Contains(Action(CancelAttempt{kRed, A(2)})));
  EXPECT_EQ(Only<LaunchAttempt>(actions).size(), 1);
  EXPECT_EQ(Only<LaunchAttempt>(actions)[0].task, Reduce(0));
  EXPECT_EQ(StateOf(), JobState::kRunning);
}

TEST_F(AttemptRulesTest, ATaskThatRunsAgainAddsNothingToBytesAndCounters) {
  FetchOnRed();
  On(OutputMissed{kRed, Map(0), A(1)});
  On(Done(kRed, A(3), Map(0)));
  EXPECT_EQ(Job().summary.counters.at("test/done"), 1);
  EXPECT_EQ(Job().summary.stats.input_bytes, 10);
}

// Of each task the first success counts, and that alone: counters of the job and of its stages.
TEST_F(AttemptRulesTest, NeitherFailuresNorBackupsNorLossesAreCounted) {
  const auto with_records = [](AttemptReported report, uint64_t records) {
    report.outcome.stats.input_records = records;
    report.outcome.counters["test/records"] = static_cast<int64_t>(records);
    return report;
  };
  Submit(2, 1);
  On(Joined(kRed, 2));
  On(Joined(kBlue, 2));
  On(with_records(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed), 1000));
  On(with_records(Done(kBlue, A(3), Map(0)), 5));  // again, and elsewhere
  core_->Apply(AttemptStarted{A(4), Map(1), kBlue, Reason::kSpeculative});
  On(with_records(Done(kBlue, A(4), Map(1)), 7));
  On(with_records(Done(kRed, A(2), Map(1)), 1000));  // overtaken by its backup
  On(OutputMissed{kBlue, Map(1), A(4)});             // and made again
  const std::vector<AttemptSnapshot> attempts = *core_->Attempts(kJob, 10);
  for (const AttemptSnapshot& attempt : attempts) {
    if (attempt.cause != Cause::kRunning || attempt.task != Map(1)) continue;
    On(with_records(Done(attempt.worker, attempt.attempt, Map(1)), 7));
  }
  EXPECT_EQ(Ended(Cause::kUserCodeFailed), 1);
  EXPECT_EQ(Ended(Cause::kSuperseded), 1);
  EXPECT_EQ(Ended(Cause::kSucceeded), 3);
  EXPECT_EQ(Job().summary.counters.at("test/done"), 2);
  EXPECT_EQ(Job().summary.counters.at("test/records"), 12);
  EXPECT_EQ(Job().summary.stage_stats[0].input_records, 12);
  EXPECT_EQ(Job().summary.stats.input_records, 12);
}

TEST_F(AttemptRulesTest, TheHistoryListsEveryAttemptWithReasonAndCause) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  Pass(absl::Seconds(1));
  On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed));
  const std::vector<AttemptSnapshot> attempts = *core_->Attempts(kJob, 10);
  ASSERT_EQ(attempts.size(), 2);
  EXPECT_EQ(attempts[0].attempt, A(1));
  EXPECT_EQ(attempts[0].worker_name, "red");
  EXPECT_EQ(attempts[0].reason, Reason::kFirst);
  EXPECT_EQ(attempts[0].cause, Cause::kUserCodeFailed);
  EXPECT_EQ(attempts[0].ended_wall_us - attempts[0].started_wall_us, 1'000'000);
  EXPECT_EQ(attempts[1].reason, Reason::kUserFailure);
  EXPECT_EQ(attempts[1].cause, Cause::kRunning);
  EXPECT_EQ(core_->Attempts(kJob, 1)->size(), 1);
}

TEST_F(AttemptRulesTest, TheHistoryKeepsWhatAnAttemptSaidOfItself) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  AttemptReported failed = Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed);
  failed.outcome.message = "killed by SIGSEGV";
  On(failed);
  AttemptReported done = Done(kRed, A(2), Map(0));
  done.outcome.stats.peak_memory_bytes = 4711;
  On(done);
  const std::vector<AttemptSnapshot> attempts = *core_->Attempts(kJob, 10);
  EXPECT_THAT(attempts[0].message, HasSubstr("killed by SIGSEGV"));
  EXPECT_EQ(attempts[1].stats.peak_memory_bytes, 4711u);
}

TEST_F(AttemptRulesTest, AWinnerThatSaysLaterThatItFailedIsStale) {
  FetchOnRed();
  EXPECT_EQ(On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed)), (Actions{Stale(kRed, A(1))}));
  EXPECT_EQ(Job().summary.stale_reports, 1);
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(AttemptRulesTest, ASupersededAttemptIsNotToldWhileItsWorkerCannotBeReached) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  core_->Apply(AttemptStarted{A(2), Map(0), kBlue, Reason::kSpeculative});
  On(WorkerDisconnected{kRed});
  EXPECT_THAT(Only<CancelAttempt>(On(Done(kBlue, A(2), Map(0)))), IsEmpty());
  EXPECT_EQ(Ended(Cause::kSuperseded), 1);
}

TEST_F(AttemptRulesTest, OnlyTheAnswerToALastStageHurries) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  EXPECT_FALSE(Only<AnswerOutcome>(On(Done(kRed, A(1), Map(0)))).at(0).urgent);
  On(Ready(kRed, A(2)));
  EXPECT_TRUE(Only<AnswerOutcome>(On(Done(kRed, A(2), Reduce(0)))).at(0).urgent);
}

TEST_F(AttemptRulesTest, MapsGoOnWhenADifferentMapStartsTheReducesOver) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  On(Done(kRed, A(1), Map(0)));
  On(Done(kRed, A(2), Map(1)));  // attempt 3 fetches
  On(OutputMissed{kRed, Map(0), A(1)});
  On(OutputMissed{kRed, Map(1), A(2)});  // attempts 4 and 5 map again
  AttemptReported again = Done(kRed, A(4), Map(0));
  again.outcome.digest = Digest{666, 666};
  EXPECT_EQ(Only<CancelAttempt>(On(again)), (std::vector<CancelAttempt>{{kRed, A(3)}}));
  EXPECT_EQ(Job().stages[0].running, 1);
}

TEST_F(AttemptRulesTest, ReducesThatStartOverAreNotToldWhileTheirWorkerCannotBeReached) {
  FetchOnRed();
  On(Joined(kBlue, 1));
  On(OutputMissed{kRed, Map(0), A(1)});  // attempt 3 maps on blue
  On(WorkerDisconnected{kRed});
  AttemptReported again = Done(kBlue, A(3), Map(0));
  again.outcome.digest = Digest{666, 666};
  EXPECT_THAT(Only<CancelAttempt>(On(again)), IsEmpty());
  EXPECT_EQ(Ended(Cause::kCancelled), 1);
}

TEST_F(AttemptRulesTest, ACauseThatAWorkerCannotKnowIsAFailureOfTheWorker) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  uint64_t attempt = 0;
  for (const Cause cause : {Cause::kRunning, Cause::kWorkerLost, Cause::kSuperseded,
                            Cause::kCancelled, Cause::kWorkerFailed}) {
    ++attempt;
    On(Failed(kRed, A(attempt), Map(0), cause));
    Pass(options_.longest_pause);
    On(HeartbeatReceived{kRed});
    EXPECT_EQ(Ended(Cause::kWorkerFailed), attempt) << Name(cause);
  }
}

TEST_F(AttemptRulesTest, WhatIsJournalledOfAFailureIsBoundedAndKeepsItsEnds) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  AttemptReported report =
      Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed, "begin" + std::string(9000, 'm'));
  report.outcome.position = std::string(9000, 'p');
  report.outcome.stderr_tail = std::string(9000, 's') + "end";
  On(report);
  const std::string message = std::get<AttemptEnded>(edits_.at(0)).message;
  EXPECT_THAT(message, testing::StartsWith("begin"));
  EXPECT_THAT(message, testing::EndsWith("end"));
  EXPECT_LT(message.size(), 5100u);
  EXPECT_GT(message.size(), 4900u);
}

TEST_F(AttemptRulesTest, OnlyTheWorkerThatHoldsAnOutputCanMissIt) {
  FetchOnRed();
  On(Joined(kBlue, 1));
  EXPECT_EQ(On(OutputMissed{kBlue, Map(0), A(1)}), (Actions{}));
  EXPECT_EQ(On(OutputMissed{kRed, Map(0), A(99)}), (Actions{}));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(AttemptRulesTest, ThePartOfAReduceIsNotMissed) {
  Submit(1, 2);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Done(kRed, A(2), Reduce(0)));
  EXPECT_EQ(On(OutputMissed{kRed, Reduce(0), A(2)}), (Actions{}));
  EXPECT_EQ(Job().stages[0].done, 1);
  EXPECT_EQ(Job().stages[1].done, 1);
}

TEST_F(AttemptRulesTest, AMapAsksForNoSlot) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  EXPECT_EQ(On(SourcesReady{kRed, A(1), 0}), (Actions{}));
}

TEST_F(AttemptRulesTest, ARequestForASlotThatIsOlderThanTheNewestSourceDoesNotCount) {
  FetchOnRed();
  On(Joined(kBlue, 1));
  On(OutputMissed{kRed, Map(0), A(1)});
  On(Done(kBlue, A(3), Map(0)));  // version 3
  EXPECT_EQ(On(SourcesReady{kRed, A(2), 2}), (Actions{}));
  EXPECT_EQ(On(SourcesReady{kRed, A(2), 3}), (Actions{GrantSlot{kRed, A(2)}}));
}

TEST_F(AttemptRulesTest, AskingTwiceForASlotCostsNobodyItsPlaceInTheQueue) {
  Submit(1, 3);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  for (uint64_t attempt : {2, 3, 4, 3}) On(Ready(kRed, A(attempt)));
  EXPECT_EQ(On(Done(kRed, A(2), Reduce(0))),
            (Actions{Accepted(kRed, A(2)), GrantSlot{kRed, A(3)}}));
}

TEST_F(AttemptRulesTest, ALostAttemptMayUseUpTheLimitAndTakesTheOthersOfItsJobAlong) {
  options_.other_failures_max = 1;
  Restart(1);
  Submit(3, 1);
  On(Joined(kRed, 3));
  // Nothing is sent to the worker that is being lost.
  EXPECT_EQ(On(WorkerLeft{kRed}), (Actions{AbortOutput{kJob}, ForgetWorker{kRed}}));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("map-00000 was undone 1 time, its limit (worker_lost x1)"));
  EXPECT_EQ(Ended(Cause::kWorkerLost), 1);
  EXPECT_EQ(Ended(Cause::kCancelled), 2);
}

TEST_F(AttemptRulesTest, AnOutputThatIsLostTooOftenFailsTheJob) {
  options_.other_failures_max = 1;
  Restart(1);
  FetchOnRed();
  On(OutputMissed{kRed, Map(0), A(1)});
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("map-00000 was undone 1 time, its limit (output_lost x1)"));
}

}  // namespace
}  // namespace millrace
