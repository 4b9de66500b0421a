#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/core/core_fixture.h"

// Chains: the maps of a job read the parts of the one before it.
namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr JobId kCount{1};  // 2 maps, 2 parts
constexpr JobId kTop{2};    // reads them: 2 maps, 1 part

class ChainTest : public CoreTest {
 protected:
  static JobSubmitted Chain(uint32_t maps_of_last = 2) {
    JobSubmitted top = Submitted("top", maps_of_last, 1);
    top.job = kTop;
    top.before.push_back(Submitted("count", 2, 2));
    top.before.front().job = kCount;
    return top;
  }

  static AttemptReported Wrote(WorkerId worker, uint64_t attempt, const TaskId& task,
                               uint64_t bytes) {
    AttemptReported report = Done(worker, A(attempt), task);
    report.outcome.stats.output_bytes = bytes;
    return report;
  }

  // Red, with two slots, has run all of the first job: attempts 1 and 2 were its maps, 3 and 4 its
  // reduces. What the last report set off.
  Actions RunFirst(const JobSubmitted& chain = Chain()) {
    On(Joined(kRed, 2));
    On(chain);
    On(Done(kRed, A(1), Map(0, kCount)));
    On(Done(kRed, A(2), Map(1, kCount)));
    On(Ready(kRed, A(3), kCount));
    On(Ready(kRed, A(4), kCount));
    On(Wrote(kRed, 3, Reduce(0, kCount), 30));
    return On(Wrote(kRed, 4, Reduce(1, kCount), 40));
  }

  static LaunchAttempt Reads(uint64_t attempt, uint32_t index, uint64_t part_of, uint64_t bytes) {
    LaunchAttempt launch{kRed, A(attempt), Map(index, kTop)};
    launch.part = StepPart{Reduce(index, kCount), A(part_of), bytes};
    return launch;
  }
};

TEST_F(ChainTest, AllJobsAreAcceptedAtOnceAndTheFirstRuns) {
  On(Joined(kRed, 4));
  const Actions actions = On(Chain());
  EXPECT_EQ(Only<AnswerSubmit>(actions).front().job, kTop);
  EXPECT_THAT(Only<LaunchAttempt>(actions), ElementsAre(LaunchAttempt{kRed, A(1), Map(0, kCount)},
                                                        LaunchAttempt{kRed, A(2), Map(1, kCount)}));
}

TEST_F(ChainTest, TheMapsOfTheNextReadThePartsOnceAllAreThere) {
  const Actions actions = RunFirst();
  EXPECT_THAT(Only<LaunchAttempt>(actions), ElementsAre(Reads(5, 0, 3, 30), Reads(6, 1, 4, 40)));
  EXPECT_THAT(Only<PublishJob>(actions), IsEmpty());
  EXPECT_EQ(StateOf(kCount), JobState::kRunning);
}

TEST_F(ChainTest, TheFirstEndsWhenNobodyReadsItsPartsAnyMore) {
  RunFirst();
  On(Done(kRed, A(5), Map(0, kTop)));
  On(Done(kRed, A(6), Map(1, kTop)));
  On(Ready(kRed, A(7), kTop));
  const Actions actions = On(Done(kRed, A(7), Reduce(0, kTop)));
  // What it staged goes before the output is there, and nothing of it is published.
  EXPECT_THAT(actions, ElementsAre(Accepted(kRed, A(7)), AbortOutput{kCount},
                                   ReleaseJob{kRed, kCount}, PublishJob{kTop}));
  EXPECT_EQ(StateOf(kCount), JobState::kSucceeded);
  On(JobPublished{kTop, absl::OkStatus()});
  EXPECT_EQ(StateOf(kTop), JobState::kSucceeded);
}

TEST_F(ChainTest, APartThatIsGoneIsMadeAgainAndOnlyItsReaderWaits) {
  RunFirst();
  const Actions actions = On(FetchFailed(kRed, A(5), Map(0, kTop), 0, A(3)));
  EXPECT_THAT(Only<LaunchAttempt>(actions),
              ElementsAre(LaunchAttempt{kRed, A(7), Reduce(0, kCount), Reason::kOutputLost}));
  On(Done(kRed, A(6), Map(1, kTop)));
  On(Ready(kRed, A(7), kCount));
  LaunchAttempt again = Reads(8, 0, 7, 30);
  again.reason = Reason::kOutputLost;
  EXPECT_THAT(Only<LaunchAttempt>(On(Wrote(kRed, 7, Reduce(0, kCount), 30))), ElementsAre(again));
}

TEST_F(ChainTest, APartThatWasMadeAgainMeanwhileIsNotMadeAThirdTime) {
  RunFirst();
  On(FetchFailed(kRed, A(5), Map(0, kTop), 0, A(3)));
  On(Ready(kRed, A(7), kCount));
  On(Wrote(kRed, 7, Reduce(0, kCount), 30));
  const Actions actions = On(FetchFailed(kRed, A(8), Map(0, kTop), 0, A(3)));
  EXPECT_THAT(Only<LaunchAttempt>(actions).front().part.attempt, A(7));
}

TEST_F(ChainTest, ForALostPartTheMapsThatWentWithTheirWorkerRunAgain) {
  RunFirst();
  On(Joined(kBlue, 2));
  On(WorkerLeft{kRed});  // with the outputs of both maps, which nobody needs now
  EXPECT_EQ(Job(kCount).stages[0].done, 2u);
  EXPECT_EQ(Job(kTop).stages[0].running, 2u);  // on blue: attempts 7 and 8
  const Actions actions = On(FetchFailed(kBlue, A(7), Map(0, kTop), 0, A(3)));
  LaunchAttempt map{kBlue, A(9), Map(0, kCount), Reason::kOutputLost};
  EXPECT_THAT(Only<LaunchAttempt>(actions), ElementsAre(map));
  EXPECT_EQ(Job(kCount).stages[0].done, 0u);
}

// The last reduces had fetched all they needed, so nobody waits for what was lost with blue.
TEST_F(ChainTest, MapsThatRunAgainForNobodyGiveWayToTheReader) {
  On(Joined(kRed, 2));
  On(Joined(kBlue, 2));
  On(Chain());
  On(Done(kRed, A(1), Map(0, kCount)));
  On(Done(kBlue, A(2), Map(1, kCount)));
  On(Ready(kRed, A(3), kCount));
  On(Ready(kRed, A(4), kCount));
  EXPECT_THAT(Only<LaunchAttempt>(On(WorkerLeft{kBlue})), IsEmpty()) << "both slots are taken";
  On(Wrote(kRed, 3, Reduce(0, kCount), 30));  // map 1 runs again as attempt 5, in case it is missed
  const Actions actions = On(Wrote(kRed, 4, Reduce(1, kCount), 40));
  EXPECT_THAT(Only<CancelAttempt>(actions), ElementsAre(CancelAttempt{kRed, A(5)}));
  EXPECT_THAT(Only<LaunchAttempt>(actions), ElementsAre(Reads(6, 0, 3, 30), Reads(7, 1, 4, 40)));
  EXPECT_THAT(Only<LaunchAttempt>(On(Done(kRed, A(6), Map(0, kTop)))), IsEmpty());
  const Actions missed = On(FetchFailed(kRed, A(7), Map(1, kTop), 1, A(4)));
  EXPECT_THAT(Only<LaunchAttempt>(missed),
              ElementsAre(LaunchAttempt{kRed, A(8), Map(1, kCount), Reason::kOutputLost}));
}

// Had nobody noticed, the reduce would find out one by one, and each costs it an attempt.
TEST_F(ChainTest, ForALostPartTheMapsThatAReturningWorkerDoesNotHaveRunFirst) {
  RunFirst();
  On(Done(kRed, A(6), Map(1, kTop)));
  On(WorkerDisconnected{kRed});
  WorkerJoined back = Joined(kRed, 2);
  back.attempts = {{Map(0, kTop), A(5)}};
  back.outputs = {{Map(1, kTop), A(6)}};
  EXPECT_THAT(Only<LaunchAttempt>(On(back)), IsEmpty()) << "all parts are there";
  EXPECT_EQ(Job(kCount).stages[0].done, 0u);
  EXPECT_THAT(Only<LaunchAttempt>(On(FetchFailed(kRed, A(5), Map(0, kTop), 0, A(3)))),
              ElementsAre(LaunchAttempt{kRed, A(7), Map(0, kCount), Reason::kOutputLost},
                          LaunchAttempt{kRed, A(8), Map(1, kCount), Reason::kOutputLost}));
  EXPECT_THAT(Only<LaunchAttempt>(On(Done(kRed, A(7), Map(0, kCount)))), IsEmpty());
  EXPECT_THAT(Only<LaunchAttempt>(On(Done(kRed, A(8), Map(1, kCount)))),
              ElementsAre(LaunchAttempt{kRed, A(9), Reduce(0, kCount), Reason::kOutputLost}));
}

TEST_F(ChainTest, ADifferentPartIsNoNonDeterministicMap) {
  RunFirst();
  On(FetchFailed(kRed, A(5), Map(0, kTop), 0, A(3)));
  On(Ready(kRed, A(7), kCount));
  AttemptReported differs = Wrote(kRed, 7, Reduce(0, kCount), 31);
  differs.outcome.digest = Digest{9, 9};
  EXPECT_THAT(Only<LaunchAttempt>(On(differs)).front().part.bytes, 31u);
  EXPECT_EQ(StateOf(kCount), JobState::kRunning);
}

TEST_F(ChainTest, ARecordThatIsSkippedIsThatOfThePartWhicheverAttemptMadeIt) {
  JobSubmitted chain = Chain();
  chain.plan.skip_bad_records = 3;
  RunFirst(chain);
  AttemptReported failed = Failed(kRed, A(5), Map(0, kTop), Cause::kUserCodeFailed, "boom");
  failed.outcome.record = {"/out/top/_millrace/job-1/part-00000-attempt-1-3", 14, 7};
  On(failed);
  failed.outcome.attempt = A(7);
  On(failed);
  On(FetchFailed(kRed, A(8), Map(0, kTop), 0, A(3)));
  On(Ready(kRed, A(9), kCount));
  const InputRecord skipped{"/job-1/part-00000", 14, 7};
  LaunchAttempt again = Reads(10, 0, 9, 30);
  again.reason = Reason::kOutputLost;
  again.one_by_one = true;
  again.skip = {skipped};
  EXPECT_THAT(Only<LaunchAttempt>(On(Wrote(kRed, 9, Reduce(0, kCount), 30))), ElementsAre(again));
  EXPECT_THAT(Job(kTop).summary.skipped_records, ElementsAre(skipped));
}

TEST_F(ChainTest, ThePartThatAMapReadsIsItsLineage) {
  RunFirst();
  EXPECT_EQ(core_->Lineage(Map(1, kTop), 0, 10)->part_of, Reduce(1, kCount));
  EXPECT_FALSE(core_->Lineage(Map(1, kCount), 0, 10)->part_of.job.is_set());
}

TEST_F(ChainTest, WhenOneFailsAllDo) {
  On(Joined(kRed, 1));
  JobSubmitted chain = Chain();
  chain.before.front().plan.max_attempts = 1;
  On(chain);
  On(Failed(kRed, A(1), Map(0, kCount), Cause::kUserCodeFailed, "no such word"));
  EXPECT_EQ(StateOf(kCount), JobState::kFailed);
  EXPECT_EQ(StateOf(kTop), JobState::kFailed);
  EXPECT_THAT(ErrorOf(kTop), HasSubstr("job \"top\" (job-2) ends with another of its chain: job "
                                       "\"count\" (job-1) failed: map-00000"));
  EXPECT_THAT(ErrorOf(kTop), HasSubstr("no such word"));
}

TEST_F(ChainTest, WhenOneIsCancelledAllAre) {
  RunFirst();
  const Actions actions = On(CancelRequested{kTop, "enough"});
  EXPECT_THAT(Only<AbortOutput>(actions), ElementsAre(AbortOutput{kTop}, AbortOutput{kCount}));
  EXPECT_EQ(StateOf(kCount), JobState::kCancelled);
  EXPECT_EQ(StateOf(kTop), JobState::kCancelled);
}

TEST_F(ChainTest, ANewMasterGoesOnWhereTheFormerWas) {
  RunFirst();
  Restart(2);
  WorkerJoined back = Joined(kRed, 2);
  back.outputs = {{Map(0, kCount), A(1)}, {Map(1, kCount), A(2)}};
  back.attempts = {{Map(0, kTop), A(5)}, {Map(1, kTop), A(6)}};
  On(back);
  const Actions actions = On(FetchFailed(kRed, A(5), Map(0, kTop), 0, A(3)));
  EXPECT_EQ(Only<LaunchAttempt>(actions).front().task, Reduce(0, kCount));
}

TEST_F(ChainTest, WhatTheFirstStagedIsRemovedByANewMasterToo) {
  RunFirst();
  On(Done(kRed, A(5), Map(0, kTop)));
  On(Done(kRed, A(6), Map(1, kTop)));
  On(Ready(kRed, A(7), kTop));
  On(Done(kRed, A(7), Reduce(0, kTop)));
  const Actions actions = Restart(2);
  EXPECT_THAT(actions, ElementsAre(AbortOutput{kCount}, PublishJob{kTop}));
}

TEST_F(ChainTest, AChainWhoseMapsDoNotFitThePartsIsRefused) {
  const Actions actions = On(Chain(/*maps_of_last=*/3));
  EXPECT_EQ(Only<AnswerSubmit>(actions).front().reply, SubmitReply::kInvalid);
  EXPECT_THAT(core_->Jobs(), IsEmpty());
}

TEST_F(ChainTest, AChainThatIsOneJobTooManyIsRefusedAsAWhole) {
  options_.unfinished_jobs_max = 1;
  Restart(1);
  const Actions actions = On(Chain());
  EXPECT_EQ(Only<AnswerSubmit>(actions).front().reply, SubmitReply::kTooManyJobs);
  EXPECT_THAT(core_->Jobs(), IsEmpty());
}

}  // namespace
}  // namespace millrace
