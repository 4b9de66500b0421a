// The checker complains of each thing that it watches for, and of nothing else.
#include "master/core/core_checker.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};
constexpr JobId kJob{1};

AttemptId A(uint64_t sequence) { return AttemptId{Epoch(1), sequence}; }
TaskId Map(uint32_t index) { return TaskId{kJob, 0, index}; }
TaskId Reduce(uint32_t index) { return TaskId{kJob, 1, index}; }

TaskDone Finished(const AttemptId& attempt, const TaskId& task) {
  TaskDone done;
  done.attempt = attempt;
  done.task = task;
  return done;
}

// A job of one map and three reduces; red has one slot.
class CoreCheckerTest : public testing::Test {
 protected:
  CoreCheckerTest() {
    plan_.map_count = 1;
    plan_.reducers = 3;
    checker_.Connected(kRed, 1);
    Saw({JobAccepted{kJob, plan_, 0, ""}});
  }

  void Saw(std::vector<JobEdit> edits, Actions actions = {}) {
    Decision decision;
    decision.edits = std::move(edits);
    decision.actions = std::move(actions);
    checker_.Saw(decision);
  }
  void RunMap() {
    Saw({AttemptStarted{A(1), Map(0), kRed}}, {LaunchAttempt{kRed, A(1), Map(0)}});
    Saw({Finished(A(1), Map(0))});
  }
  void StartReduce(uint64_t sequence, uint32_t index) {
    Saw({AttemptStarted{A(sequence), Reduce(index), kRed}},
        {LaunchAttempt{kRed, A(sequence), Reduce(index)}});
  }
  // Jobs of a chain: job 3 reads job 2, and feeds another.
  void AcceptTwoThatFeed() {
    JobPlan plan = plan_;
    plan.feeds = true;
    Saw({JobAccepted{JobId(2), plan, 0, ""}});
    plan.reads = JobId(2);
    Saw({JobAccepted{JobId(3), plan, 0, ""}});
  }
  void ExpectComplaint(const std::string& words) {
    EXPECT_THAT(checker_.complaints(), ElementsAre(HasSubstr(words)));
  }

  JobPlan plan_;
  CoreChecker checker_;
};

TEST_F(CoreCheckerTest, ALifeInOrderGivesNoReasonToComplain) {
  RunMap();
  StartReduce(2, 0);
  Saw({}, {PublishSources{kRed, kJob, 0, 1}, GrantSlot{kRed, A(2)}});
  for (uint32_t i = 1; i < 3; ++i) StartReduce(2 + i, i);
  for (uint32_t i = 0; i < 3; ++i) Saw({Finished(A(2 + i), Reduce(i))});
  Saw({JobPublishing{kJob}}, {PublishJob{kJob}});
  Saw({JobEnded{kJob, JobState::kSucceeded, 0, ""}}, {ReleaseJob{kRed, kJob}});
  EXPECT_THAT(checker_.complaints(), IsEmpty());
}

TEST_F(CoreCheckerTest, ATaskHasOneWinner) {
  RunMap();
  Saw({AttemptStarted{A(2), Map(0), kRed}, Finished(A(2), Map(0))});
  ExpectComplaint("second winner");
}

TEST_F(CoreCheckerTest, AReduceStartsWhenEachOfItsSourcesHasAnAddress) {
  RunMap();
  checker_.Restarted({JobAccepted{kJob, plan_, 0, ""}, AttemptStarted{A(1), Map(0), kRed},
                      Finished(A(1), Map(0))});
  checker_.Connected(kBlue, 1);
  Saw({AttemptStarted{A(2), Reduce(0), kBlue}}, {LaunchAttempt{kBlue, A(2), Reduce(0)}});
  ExpectComplaint("a source that nobody can find");
}

TEST_F(CoreCheckerTest, SourcesAreToldWhenEachHasAnAddress) {
  RunMap();
  checker_.Restarted({JobAccepted{kJob, plan_, 0, ""}, AttemptStarted{A(1), Map(0), kRed},
                      Finished(A(1), Map(0))});
  checker_.Connected(kBlue, 1);
  Saw({}, {PublishSources{kBlue, kJob, 0, 1}});
  ExpectComplaint("a source that nobody can find");
}

TEST_F(CoreCheckerTest, OnlyWhatRunsCanEnd) {
  Saw({AttemptEnded{A(9), Map(0), Cause::kTimedOut, 0, ""}});
  ExpectComplaint("did not run");
}

TEST_F(CoreCheckerTest, OnlyWhatRunsCanWin) {
  Saw({Finished(A(9), Map(0))});
  ExpectComplaint("did not run");
}

TEST_F(CoreCheckerTest, IdsAreNeverReused) {
  RunMap();
  Saw({OutputLost{A(1), Map(0)}, AttemptStarted{A(1), Map(0), kRed}});
  ExpectComplaint("reused id");
}

TEST_F(CoreCheckerTest, OnlyTheWinnersOutputCanBeLost) {
  RunMap();
  Saw({OutputLost{A(9), Map(0)}});
  ExpectComplaint("no such output");
}

TEST_F(CoreCheckerTest, AWorkerRunsNoMoreAttemptsThanItHasSlots) {
  Saw({AttemptStarted{A(1), Map(0), kRed}, AttemptStarted{A(2), Map(0), kRed}});
  ExpectComplaint("has 1 slots and runs 2");
}

TEST_F(CoreCheckerTest, AWorkerFetchesForAtMostTwoMoreThanItHasSlots) {
  Saw({AttemptStarted{A(1), Reduce(0), kRed}, AttemptStarted{A(2), Reduce(1), kRed},
       AttemptStarted{A(3), Reduce(2), kRed}});
  EXPECT_THAT(checker_.complaints(), IsEmpty());
  Saw({AttemptStarted{A(4), Reduce(0), kRed}});
  ExpectComplaint("4 attempts that fetch");
}

TEST_F(CoreCheckerTest, NothingIsSentToAWorkerThatIsNotThere) {
  checker_.Disconnected(kRed);
  Saw({AttemptStarted{A(1), Map(0), kRed}}, {LaunchAttempt{kRed, A(1), Map(0)}});
  ExpectComplaint("not there");
}

TEST_F(CoreCheckerTest, WhatIsLaunchedIsInTheJournal) {
  Saw({}, {LaunchAttempt{kRed, A(1), Map(0)}});
  ExpectComplaint("launches what no edit says");
}

TEST_F(CoreCheckerTest, AReduceIsPlacedOnlyWithAllItsSources) {
  StartReduce(1, 0);
  ExpectComplaint("without its sources");
}

TEST_F(CoreCheckerTest, ASourceOnALostWorkerIsNone) {
  checker_.Connected(kBlue, 1);
  RunMap();
  Saw({WorkerLost{kRed}});
  Saw({AttemptStarted{A(2), Reduce(0), kBlue}}, {LaunchAttempt{kBlue, A(2), Reduce(0)}});
  ExpectComplaint("without its sources");
}

TEST_F(CoreCheckerTest, ASourceThatIsKeptNeedsNoWorker) {
  JobPlan plan;
  plan.map_count = 1;
  plan.reducers = 1;
  plan.keeps_outputs = true;
  const JobId kept{2};
  checker_.Connected(kBlue, 1);
  Saw({JobAccepted{kept, plan, 0, ""}, AttemptStarted{A(1), TaskId{kept, 0, 0}, kRed}});
  Saw({Finished(A(1), TaskId{kept, 0, 0}), WorkerLost{kRed}});
  Saw({AttemptStarted{A(2), TaskId{kept, 1, 0}, kBlue}},
      {LaunchAttempt{kBlue, A(2), TaskId{kept, 1, 0}}});
  EXPECT_THAT(checker_.complaints(), IsEmpty());
}

TEST_F(CoreCheckerTest, AMapRunsAgainOnlyWhileAPartIsMissing) {
  JobPlan plan;
  plan.map_count = 1;
  plan.reducers = 1;
  plan.feeds = true;
  const JobId first{2};
  const TaskId map{first, 0, 0};
  const TaskId reduce{first, 1, 0};
  Saw({JobAccepted{first, plan, 0, ""}, AttemptStarted{A(1), map, kRed}, Finished(A(1), map)});
  Saw({AttemptStarted{A(2), reduce, kRed}, OutputLost{A(1), map}});
  Saw({Finished(A(2), reduce)});
  EXPECT_THAT(checker_.complaints(), IsEmpty());
  Saw({AttemptStarted{A(3), map, kRed}}, {LaunchAttempt{kRed, A(3), map}});
  ExpectComplaint("a map for parts that are all there");
}

TEST_F(CoreCheckerTest, ASlotIsGrantedOnlyToWhatRunsThere) {
  checker_.Connected(kBlue, 1);
  RunMap();
  StartReduce(2, 0);
  Saw({}, {GrantSlot{kBlue, A(2)}});
  ExpectComplaint("does not run");
}

TEST_F(CoreCheckerTest, AnAttemptThatCountsIsNotCancelled) {
  Saw({AttemptStarted{A(1), Map(0), kRed}}, {CancelAttempt{kRed, A(1)}});
  ExpectComplaint("cancels an attempt that counts");
}

TEST_F(CoreCheckerTest, NewsOfSourcesSaySomething) {
  Saw({}, {PublishSources{kRed, kJob, 2, 2}});
  ExpectComplaint("says nothing");
}

TEST_F(CoreCheckerTest, AnOutputIsPublishedOnceTheJournalSaysSo) {
  Saw({}, {PublishJob{kJob}});
  ExpectComplaint("does not publish");
}

TEST_F(CoreCheckerTest, AJobSucceedsOnlyAfterPublishing) {
  Saw({JobEnded{kJob, JobState::kSucceeded, 0, ""}});
  ExpectComplaint("never published");
}

TEST_F(CoreCheckerTest, AJobOfAChainSucceedsOnceItsReaderHasAllParts) {
  AcceptTwoThatFeed();
  Saw({JobEnded{JobId(2), JobState::kSucceeded, 0, ""}});
  ExpectComplaint("still read");
}

TEST_F(CoreCheckerTest, AReaderThatHasEndedMayLackAPart) {
  AcceptTwoThatFeed();
  Saw({JobEnded{JobId(3), JobState::kSucceeded, 0, ""}});
  Saw({JobEnded{JobId(2), JobState::kSucceeded, 0, ""}});
  EXPECT_THAT(checker_.complaints(), IsEmpty());
}

TEST_F(CoreCheckerTest, AJobEndsOnce) {
  Saw({JobEnded{kJob, JobState::kFailed, 0, ""}, JobEnded{kJob, JobState::kFailed, 0, ""}});
  ExpectComplaint("ended twice");
}

TEST_F(CoreCheckerTest, AWorkerKeepsItsOutputsUntilTheJobHasEnded) {
  Saw({}, {ReleaseJob{kRed, kJob}});
  ExpectComplaint("still needs its outputs");
}

TEST_F(CoreCheckerTest, ANewMasterStartsFromTheJournalAndComplaintsStay) {
  Saw({AttemptEnded{A(9), Map(0), Cause::kTimedOut, 0, ""}});
  checker_.Restarted({JobAccepted{kJob, JobPlan(), 0, ""}, AttemptStarted{A(1), Map(0), kRed}});
  ExpectComplaint("did not run");
  Saw({AttemptStarted{A(1), Map(0), kRed}});
  EXPECT_EQ(checker_.complaints().size(), 2u);
  Saw({}, {CancelAttempt{kRed, A(7)}});  // red has not registered with it yet
  EXPECT_EQ(checker_.complaints().size(), 3u);
}

}  // namespace
}  // namespace millrace
