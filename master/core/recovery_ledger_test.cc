// What a job's recovery ledger says of each kind of loss.
#include "absl/strings/str_cat.h"
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

class RecoveryLedgerTest : public CoreTest {
 protected:
  // "worker_lost connection_closed red -1 attempt -3 outputs +20 us +10 bytes".
  Lines Ledger(JobId job = kJob) {
    Lines lines;
    for (const RecoveryEntry& e : Job(job).summary.recovery) {
      lines.push_back(absl::StrCat(Name(e.what), " ", Name(e.noticed_by), " ", e.subject, " -",
                                   e.attempts_lost, " attempts -", e.outputs_lost, " outputs +",
                                   e.cpu_us_again, " us +", e.bytes_again, " bytes"));
    }
    return lines;
  }

  // A success that took 20 us and read 10 bytes.
  AttemptReported DoneInTime(WorkerId worker, const AttemptId& attempt, const TaskId& task) {
    AttemptReported report = Done(worker, attempt, task);
    report.outcome.stats.cpu_us = 20;
    report.outcome.stats.shuffled_bytes = task.stage > 0 ? 5 : 0;
    return report;
  }

  // Two maps: one is done on red, which runs the other one; blue has nothing.
  void RedHasWork() {
    Submit(2, 1);
    On(Joined(kRed, 1));
    On(DoneInTime(kRed, A(1), Map(0)));
    On(Joined(kBlue, 1));
  }
};

TEST_F(RecoveryLedgerTest, WhenNothingIsLostItIsEmpty) {
  RedHasWork();
  On(DoneInTime(kRed, A(2), Map(1)));
  EXPECT_EQ(Ledger(), Lines());
}

TEST_F(RecoveryLedgerTest, ALostWorkerCostsWhatItRanAndTheOutputsThatAreNeeded) {
  RedHasWork();
  On(WorkerDisconnected{kRed});
  Pass(absl::Seconds(1));
  Tick();
  EXPECT_EQ(Ledger(),
            (Lines{"worker_lost connection_closed red -1 attempts -1 outputs +0 us +0 bytes"}));
  EXPECT_EQ(Job().summary.recovery[0].wall_us, 1'000'000);
}

TEST_F(RecoveryLedgerTest, WhatIsDoneAgainIsAddedToTheEntryThatUndidIt) {
  RedHasWork();
  On(WorkerLeft{kRed});
  On(DoneInTime(kBlue, A(3), Map(0)));
  EXPECT_EQ(Ledger(), (Lines{"worker_lost goodbye red -1 attempts -1 outputs +20 us +10 bytes"}));
  On(DoneInTime(kBlue, A(4), Map(1)));
  EXPECT_EQ(Ledger(), (Lines{"worker_lost goodbye red -1 attempts -1 outputs +40 us +20 bytes"}));
  On(Ready(kBlue, A(5)));
  On(DoneInTime(kBlue, A(5), Reduce(0)));  // ran once only
  EXPECT_EQ(Ledger(), (Lines{"worker_lost goodbye red -1 attempts -1 outputs +40 us +20 bytes"}));
}

TEST_F(RecoveryLedgerTest, OfAReduceThatRunsAgainTheBytesAreThoseItFetched) {
  Submit(1, 1);
  On(Joined(kBlue, 1));
  On(Done(kBlue, A(1), Map(0)));
  On(Failed(kBlue, A(2), Reduce(0), Cause::kTimedOut));
  On(Ready(kBlue, A(3)));
  On(DoneInTime(kBlue, A(3), Reduce(0)));
  EXPECT_EQ(Ledger(), (Lines{"attempt_timed_out no_progress reduce-00000 on blue -1 attempts "
                             "-0 outputs +20 us +5 bytes"}));
}

TEST_F(RecoveryLedgerTest, AWorkerIsLostBySilence) {
  RedHasWork();
  Pass(absl::Seconds(9));
  On(HeartbeatReceived{kBlue});
  Pass(absl::Seconds(1));
  Tick();
  EXPECT_EQ(Ledger(),
            (Lines{"worker_lost lease_ran_out red -1 attempts -1 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, AWorkerThatHadNothingOfTheJobLeavesNoTrace) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(WorkerLeft{kBlue});
  EXPECT_EQ(Ledger(), Lines());
}

TEST_F(RecoveryLedgerTest, AWorkerThatFailedIsNamed) {
  RedHasWork();
  On(Failed(kRed, A(2), Map(1), Cause::kWorkerFailed, "/scratch: no space"));
  EXPECT_EQ(Ledger(), (Lines{"worker_failed report red -1 attempts -0 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, FailuresOfUserCodeAreNoLoss) {
  RedHasWork();
  On(Failed(kRed, A(2), Map(1), Cause::kUserCodeFailed, "boom"));
  EXPECT_EQ(Ledger(), Lines());
}

class LostSourceTest : public RecoveryLedgerTest {
 protected:
  // Red has made the only map output, and blue runs the reduce.
  LostSourceTest() {
    Submit(1, 1);
    On(Joined(kRed, 1));
    On(Done(kRed, A(1), Map(0)));
    On(Failed(kRed, A(2), Reduce(0), Cause::kUserCodeFailed));
    On(Joined(kBlue, 1));
  }
};

TEST_F(LostSourceTest, ASourceThatCannotBeFetchedCostsTheReduceAndTheOutput) {
  On(FetchFailed(kRed, A(3), Reduce(0), 0, A(1)));
  EXPECT_EQ(Ledger(), (Lines{"output_lost fetch_failed map-00000 attempt-1-1 on red -1 attempts "
                             "-1 outputs +0 us +0 bytes"}));
}

TEST_F(LostSourceTest, ADamagedSourceIsNoticedByItsChecksum) {
  AttemptReported report = FetchFailed(kRed, A(3), Reduce(0), 0, A(1));
  report.outcome.message =
      "the output of map task 0 cannot be used: /s/a.run: damaged run at byte 8: checksum";
  On(report);
  EXPECT_EQ(Ledger(), (Lines{"output_lost checksum_mismatch map-00000 attempt-1-1 on red "
                             "-1 attempts -1 outputs +0 us +0 bytes"}));
}

TEST_F(LostSourceTest, ASourceThatWasReplacedMeanwhileCostsTheReduceOnly) {
  On(FetchFailed(kRed, A(3), Reduce(0), 0, A(9)));
  EXPECT_EQ(Ledger(), (Lines{"output_lost fetch_failed map-00000 attempt-1-9 -1 attempts "
                             "-0 outputs +0 us +0 bytes"}));
}

TEST_F(LostSourceTest, AnOutputThatItsWorkerMissesIsLost) {
  On(OutputMissed{kRed, Map(0), A(1)});
  EXPECT_EQ(Ledger(), (Lines{"output_lost reported_missing map-00000 attempt-1-1 on red "
                             "-0 attempts -1 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, AWorkerThatReturnsWithLessIsOneLoss) {
  RedHasWork();
  On(WorkerDisconnected{kRed});
  On(Joined(kRed, 1));
  EXPECT_EQ(
      Ledger(),
      (Lines{"missing_on_return reported_missing red -1 attempts -1 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, ARestartOfTheMasterCostsWhatItsWorkersDoNotBringBack) {
  RedHasWork();
  Restart(2);
  EXPECT_EQ(Ledger(), Lines());
  Pass(absl::Seconds(10));
  Tick();
  EXPECT_EQ(
      Ledger(),
      (Lines{"worker_lost not_back_after_restart red -1 attempts -1 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, ALossIsInTheLedgerOfEachJobThatItCostsSomething) {
  Submit(1, 1);
  Submit(1, 1, "other");
  Submit(1, 1, "third");
  On(Joined(kRed, 2));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Ledger(), (Lines{"worker_lost goodbye red -1 attempts -0 outputs +0 us +0 bytes"}));
  EXPECT_EQ(Ledger(kOther), Ledger());
  EXPECT_EQ(Ledger(JobId(3)), Lines());
}

TEST_F(RecoveryLedgerTest, TheFirstEntryThatUndidATaskHasWhatItTook) {
  RedHasWork();
  On(WorkerLeft{kRed});
  On(WorkerLeft{kBlue});  // while it makes good for red
  On(Joined(kGreen, 2));
  On(DoneInTime(kGreen, A(4), Map(0)));
  EXPECT_EQ(Ledger(), (Lines{"worker_lost goodbye red -1 attempts -1 outputs +20 us +10 bytes",
                             "worker_lost goodbye blue -1 attempts -0 outputs +0 us +0 bytes"}));
}

TEST_F(RecoveryLedgerTest, TheNewestHundredAreKeptAndTheOthersCounted) {
  options_.other_failures_max = 1000;
  RestartWithoutLeases();
  JobSubmitted job = Submitted("wordcount", 2, 1);
  job.plan.max_attempts = 1000;
  On(job);
  On(Joined(kRed, 1));
  for (uint64_t i = 1; i <= 103; ++i) {
    On(Failed(kRed, A(i), Map(0), Cause::kTimedOut));
  }
  EXPECT_EQ(Job().summary.recovery.size(), 100u);
  EXPECT_EQ(Job().summary.recovery_dropped, 3u);
  On(DoneInTime(kRed, A(104), Map(0)));  // what undid it first is no longer there
  EXPECT_EQ(Ledger().front(),
            "attempt_timed_out no_progress map-00000 on red -1 attempts -0 outputs +0 us +0 bytes");
}

TEST_F(RecoveryLedgerTest, TheJournalGivesTheSameLedgerAlsoWhenItIsFolded) {
  RedHasWork();
  On(WorkerLeft{kRed});
  On(DoneInTime(kBlue, A(3), Map(0)));
  const Lines before = Ledger();
  Restart(2);
  EXPECT_EQ(Ledger(), before);
  On(CancelRequested{kJob, ""});
  const Lines at_end = Ledger();
  journal_ = {JobEdit(core_->Folded(kJob))};
  Restart(3);
  EXPECT_EQ(Ledger(), at_end);
}

TEST_F(RecoveryLedgerTest, TheEntryComesBeforeWhatItCost) {
  RedHasWork();
  On(WorkerLeft{kRed});
  ASSERT_GE(edits_.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<LossNoticed>(edits_[0]));
  EXPECT_TRUE(std::holds_alternative<AttemptEnded>(edits_[1]));
  EXPECT_TRUE(std::holds_alternative<OutputLost>(edits_[2]));
  EXPECT_TRUE(std::holds_alternative<WorkerLost>(edits_[3]));
}

}  // namespace
}  // namespace millrace
