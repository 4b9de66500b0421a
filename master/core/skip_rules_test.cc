// When a job goes on without a record, what that costs, and what a new master knows of it.
#include "master/core/skip_rules.h"

#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const InputRecord kAnt{"/in/a", 0, 4};
const InputRecord kBee{"/in/a", 4, 10};
const InputRecord kCat{"/in/a", 14, 7};
const InputRecord kDog{"/in/b", 0, 4};

class SkipRulesTest : public CoreTest {
 protected:
  // A job of one map that may skip so many records, and red, which has one slot.
  void SubmitSkipping(uint32_t records, uint32_t max_attempts = 4) {
    JobSubmitted job = Submitted("wordcount", 1, 1);
    job.plan.skip_bad_records = records;
    job.plan.max_attempts = max_attempts;
    On(job);
    On(Joined(kRed, 1));
  }

  // User code of the attempt that runs fails there; what is launched next.
  LaunchAttempt FailAt(const InputRecord& record, WorkerId worker = kRed) {
    return FailAt(last_, record, worker);
  }
  LaunchAttempt FailAt(const AttemptId& attempt, const InputRecord& record, WorkerId worker) {
    AttemptReported report = Failed(worker, attempt, Map(0), Cause::kUserCodeFailed, "SIGSEGV");
    report.outcome.record = record;
    actions_ = On(report);
    const std::vector<LaunchAttempt> launched = Only<LaunchAttempt>(actions_);
    if (launched.empty()) return LaunchAttempt();
    last_ = launched.back().attempt;
    return launched.back();
  }
  // What is known of a record when it was one of a chunk.
  static InputRecord About(const InputRecord& record) { return {record.file, record.offset, 0}; }

  std::vector<InputRecord> Skipped() { return Job().summary.skipped_records; }

  AttemptId last_ = A(1);
  Actions actions_;  // of the last failure
};

TEST_F(SkipRulesTest, AfterTwoFailuresAtOneRecordItIsSkipped) {
  SubmitSkipping(3);
  EXPECT_THAT(FailAt(About(kBee)).skip, IsEmpty());
  EXPECT_THAT(FailAt(kBee).skip, ElementsAre(kBee));
  EXPECT_THAT(Skipped(), ElementsAre(kBee));
  On(Done(kRed, last_, Map(0)));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(SkipRulesTest, AfterTheFirstFailureRecordsAreReadOneByOne) {
  SubmitSkipping(3);
  EXPECT_TRUE(FailAt(About(kBee)).one_by_one);
  EXPECT_TRUE(FailAt(kBee).one_by_one);
  EXPECT_TRUE(FailAt(kCat).one_by_one);
}

TEST_F(SkipRulesTest, FailuresAtDifferentRecordsSkipNothingAndCount) {
  SubmitSkipping(3);
  FailAt(About(kAnt));
  FailAt(kBee);
  FailAt(kCat);
  EXPECT_EQ(StateOf(), JobState::kRunning);
  FailAt(kDog);
  EXPECT_THAT(Skipped(), IsEmpty());
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("4 times in user code, its limit"),
                               HasSubstr("no two failures were at the same one")));
}

TEST_F(SkipRulesTest, OtherFailuresMayComeBetween) {
  SubmitSkipping(3);
  FailAt(kBee);
  FailAt(kCat);
  EXPECT_THAT(FailAt(kBee).skip, ElementsAre(kBee));
}

TEST_F(SkipRulesTest, ARecordIsNotSkippedBeforeItIsKnownForCertain) {
  SubmitSkipping(3);
  FailAt(About(kBee));
  EXPECT_THAT(FailAt(About(kBee)).skip, IsEmpty());
  EXPECT_THAT(FailAt(kBee).skip, ElementsAre(kBee));
}

TEST_F(SkipRulesTest, TheFirstFailureMayHaveBeenAnywhereInTheRecord) {
  SubmitSkipping(3);
  FailAt({kBee.file, kBee.offset + kBee.bytes - 1, 0});
  EXPECT_THAT(FailAt(kBee).skip, ElementsAre(kBee));
}

TEST_F(SkipRulesTest, TheEndOfARecordIsNoPlaceInIt) {
  SubmitSkipping(3);
  FailAt({kBee.file, kBee.offset + kBee.bytes, 0});
  EXPECT_THAT(FailAt(kBee).skip, IsEmpty());
  FailAt({kDog.file, kBee.offset, kBee.bytes});  // the same offset in another file
  EXPECT_THAT(Skipped(), IsEmpty());
}

TEST_F(SkipRulesTest, WhatItTookToFindARecordDoesNotCount) {
  SubmitSkipping(/*records=*/3, /*max_attempts=*/1);
  for (const InputRecord& record : {kCat, kAnt, kBee}) {
    FailAt(About(record));
    FailAt({kDog});  // by chance
    EXPECT_EQ(StateOf(), JobState::kRunning);
    FailAt(record);
  }
  EXPECT_THAT(Skipped(), ElementsAre(kAnt, kBee, kCat));
  EXPECT_EQ(StateOf(), JobState::kRunning);
  On(Done(kRed, last_, Map(0)));
  EXPECT_EQ(Job().stages[0].done, 1);
  EXPECT_EQ(Ended(Cause::kUserCodeFailed), 9);
}

TEST_F(SkipRulesTest, OneRecordMoreThanTheLimitFailsTheJobAndIsNamed) {
  SubmitSkipping(2);
  for (const InputRecord& record : {kAnt, kBee, kCat}) {
    FailAt(record);
    FailAt(record);
  }
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(Skipped(), ElementsAre(kAnt, kBee));
  EXPECT_THAT(ErrorOf(),
              AllOf(StartsWith("job \"wordcount\" (job-1) failed: map-00000 failed again at "
                               "/in/a:14 (7 bytes), and 2 bad records are skipped already, the "
                               "limit of --skip_bad_records=2; last attempt-1-6 on worker red"),
                    HasSubstr("SIGSEGV")));
}

TEST_F(SkipRulesTest, TheLimitIsOneForAllTasksOfTheJob) {
  JobSubmitted job = Submitted("wordcount", 2, 1);
  job.plan.skip_bad_records = 1;
  On(job);
  On(Joined(kRed, 1));
  FailAt(kAnt);
  FailAt(kAnt);
  On(Done(kRed, last_, Map(0)));
  const auto fail = [this](uint64_t attempt) {
    AttemptReported report = Failed(kRed, A(attempt), Map(1), Cause::kUserCodeFailed);
    report.outcome.record = kDog;
    On(report);
  };
  fail(4);
  EXPECT_EQ(StateOf(), JobState::kRunning);
  fail(5);
  EXPECT_THAT(ErrorOf(), AllOf(HasSubstr("map-00001 failed again at /in/b:0"),
                               HasSubstr("1 bad record is skipped already")));
}

TEST_F(SkipRulesTest, WithoutTheFlagNothingIsSkippedNorReadInAnotherWay) {
  SubmitSkipping(0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(FailAt(kBee).one_by_one);
  EXPECT_EQ(StateOf(), JobState::kRunning);
  FailAt(kBee);
  EXPECT_THAT(ErrorOf(),
              AllOf(HasSubstr("4 times in user code, its limit; last"), Not(HasSubstr("skip"))));
}

TEST_F(SkipRulesTest, AFailureAtNoRecordSkipsNothing) {
  SubmitSkipping(3);
  for (int i = 0; i < 4; ++i) FailAt(InputRecord());
  EXPECT_THAT(Skipped(), IsEmpty());
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

TEST_F(SkipRulesTest, ARecordThatFailsAlthoughItIsSkippedCounts) {
  SubmitSkipping(3);
  FailAt(kBee);
  FailAt(kBee);
  for (int i = 0; i < 4; ++i) FailAt(kBee);
  EXPECT_THAT(Skipped(), ElementsAre(kBee));
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

TEST_F(SkipRulesTest, OtherCausesSayNothingOfARecord) {
  SubmitSkipping(3);
  On(Joined(kBlue, 1));
  for (uint64_t i = 1; i <= 2; ++i) {
    AttemptReported report = Failed(kRed, A(i), Map(0), Cause::kTimedOut);
    report.outcome.record = kBee;
    On(report);
  }
  EXPECT_THAT(Skipped(), IsEmpty());
}

TEST_F(SkipRulesTest, AttemptsThatReadInAnotherWayAreCancelled) {
  SubmitSkipping(3);
  On(Joined(kBlue, 1));
  core_->Apply(AttemptStarted{A(2), Map(0), kBlue, Reason::kSpeculative});
  const LaunchAttempt next = FailAt(A(1), About(kBee), kRed);
  EXPECT_EQ(actions_, (Actions{Accepted(kRed, A(1)), CancelAttempt{kBlue, A(2)}, next}));
  EXPECT_EQ(next.reason, Reason::kUserFailure);
}

TEST_F(SkipRulesTest, AttemptsThatWouldReadASkippedRecordAreCancelled) {
  SubmitSkipping(3);
  const AttemptId first = FailAt(About(kBee)).attempt;
  On(Joined(kBlue, 1));
  core_->Apply(AttemptStarted{A(3), Map(0), kBlue, Reason::kSpeculative});
  const LaunchAttempt next = FailAt(first, kBee, kRed);
  EXPECT_EQ(actions_, (Actions{Accepted(kRed, first), CancelAttempt{kBlue, A(3)}, next}));
  EXPECT_THAT(next.skip, ElementsAre(kBee));
}

TEST_F(SkipRulesTest, ABackupThatReadsInTheSameWayGoesOn) {
  SubmitSkipping(3);
  const AttemptId second = FailAt(About(kBee)).attempt;
  On(Joined(kBlue, 1));
  core_->Apply(AttemptStarted{A(3), Map(0), kBlue, Reason::kSpeculative});
  FailAt(second, kCat, kRed);
  EXPECT_THAT(Only<CancelAttempt>(actions_), IsEmpty());
}

TEST_F(SkipRulesTest, AMapThatWasDoneIsReadTheSameWayWhenItRunsAgain) {
  SubmitSkipping(3);
  FailAt(About(kAnt));
  FailAt(kAnt);
  On(Done(kRed, last_, Map(0)));
  WorkerJoined again = Joined(kBlue, 1);
  On(again);
  const std::vector<LaunchAttempt> reruns =
      Only<LaunchAttempt>(On(OutputMissed{kRed, Map(0), last_}));
  ASSERT_EQ(reruns.size(), 1u);
  EXPECT_THAT(reruns[0].skip, ElementsAre(kAnt));
  AttemptId running = reruns[0].attempt;
  for (int i = 0; i < 2; ++i) {
    const LaunchAttempt next = FailAt(running, kBee, reruns[0].worker);
    running = next.attempt;
    EXPECT_THAT(Skipped(), ElementsAre(kAnt));
    if (next.worker != reruns[0].worker) break;
  }
}

TEST_F(SkipRulesTest, ANewMasterKnowsFailedRecordsAndSkippedOnes) {
  SubmitSkipping(3);
  FailAt(kAnt);
  FailAt(kAnt);
  FailAt(About(kBee));
  Restart(2);
  const std::vector<LaunchAttempt> launched = Only<LaunchAttempt>(On(Joined(kRed, 1)));
  ASSERT_EQ(launched.size(), 1u);
  EXPECT_TRUE(launched[0].one_by_one);
  EXPECT_THAT(launched[0].skip, ElementsAre(kAnt));
  EXPECT_THAT(FailAt(launched[0].attempt, kBee, kRed).skip, ElementsAre(kAnt, kBee));
  MasterCore replayed(options_);
  for (const JobEdit& edit : journal_) replayed.Apply(edit);
  EXPECT_EQ(replayed.DurableState(), core_->DurableState());
}

TEST_F(SkipRulesTest, AnEndedJobStillNamesWhatItSkipped) {
  SubmitSkipping(3);
  FailAt(kBee);
  FailAt(kBee);
  On(CancelRequested{kJob, ""});
  EXPECT_THAT(core_->Folded(kJob).summary.skipped_records, ElementsAre(kBee));
}

// Input that nobody can read, such as a damaged frame of a compressed file.
TEST_F(SkipRulesTest, APieceOfInputThatIsDamagedIsSkippedLikeARecord) {
  SubmitSkipping(1);
  AttemptReported report = Failed(kRed, last_, Map(0), Cause::kJobInvalid, "damaged zstd data");
  report.outcome.record = kBee;
  report.outcome.attempt = last_ = Only<LaunchAttempt>(On(report)).back().attempt;
  EXPECT_THAT(Only<LaunchAttempt>(On(report)).back().skip, ElementsAre(kBee));
  EXPECT_THAT(Skipped(), ElementsAre(kBee));
}

TEST_F(SkipRulesTest, WhatTwoMapsSkipCountsOnce) {
  JobSubmitted job = Submitted("wordcount", 2, 1);
  job.plan.skip_bad_records = 1;
  On(job);
  On(Joined(kRed, 1));
  for (uint32_t map = 0; map < 2; ++map) {
    for (int failure = 0; failure < 2; ++failure) {
      AttemptReported report = Failed(kRed, last_, Map(map), Cause::kJobInvalid, "damaged");
      report.outcome.record = kBee;
      last_ = Only<LaunchAttempt>(On(report)).back().attempt;
    }
    if (map > 0) break;
    last_ = Only<LaunchAttempt>(On(Done(kRed, last_, Map(map)))).back().attempt;
  }
  EXPECT_EQ(StateOf(), JobState::kRunning);
  EXPECT_THAT(Skipped(), ElementsAre(kBee));
}

TEST_F(SkipRulesTest, DamageFailsAJobThatMaySkipNothingAtOnce) {
  SubmitSkipping(0);
  AttemptReported report = Failed(kRed, last_, Map(0), Cause::kJobInvalid, "damaged zstd data");
  report.outcome.record = kBee;
  On(report);
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("damaged zstd data"));
}

TEST_F(SkipRulesTest, DamageThatCannotBeSteppedOverFailsTheJobAtOnce) {
  SubmitSkipping(9);
  On(Failed(kRed, last_, Map(0), Cause::kJobInvalid, "damaged gzip data"));
  EXPECT_EQ(StateOf(), JobState::kFailed);
}

TEST_F(SkipRulesTest, RecordsOfReducesAreNotSkippedAndTheErrorSaysSo) {
  SubmitSkipping(3, /*max_attempts=*/1);
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Failed(kRed, A(2), Reduce(0), Cause::kUserCodeFailed));
  EXPECT_THAT(ErrorOf(), HasSubstr("skips records of maps only"));
}

}  // namespace
}  // namespace millrace
