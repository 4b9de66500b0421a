// What each edit makes true, whether it comes from a live decision or from the journal.
#include "master/core/cluster_state.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};
constexpr JobId kJob{1};

AttemptId A(uint64_t sequence) { return AttemptId{Epoch(5), sequence}; }
TaskId Map(uint32_t index) { return TaskId{kJob, 0, index}; }
TaskId Reduce(uint32_t index) { return TaskId{kJob, 1, index}; }

class ClusterStateTest : public testing::Test {
 protected:
  void Accept(uint32_t maps, uint32_t reducers, JobId job = kJob) {
    JobPlan plan;
    plan.name = "wordcount";
    plan.request_id = "request " + ToString(job);
    plan.output_folder = "/out/" + ToString(job);
    plan.map_count = maps;
    plan.reducers = reducers;
    cluster_.Apply(JobAccepted{job, plan, /*wall_us=*/7, "spec"});
  }
  WorkerRecord* Register(WorkerId worker, const std::string& name = "") {
    cluster_.Apply(WorkerRegistered{worker, Incarnation(100 + worker.value()), name});
    return cluster_.FindWorker(worker);
  }
  void Start(const AttemptId& attempt, const TaskId& task, WorkerId worker,
             Reason reason = Reason::kFirst) {
    cluster_.Apply(AttemptStarted{attempt, task, worker, reason});
  }
  void End(const AttemptId& attempt, const TaskId& task, Cause cause,
           const std::string& message = "") {
    cluster_.Apply(AttemptEnded{attempt, task, cause, /*wall_us=*/9, message});
  }
  void Finish(const AttemptId& attempt, const TaskId& task) {
    TaskDone done;
    done.attempt = attempt;
    done.task = task;
    done.digest = Digest{1, attempt.sequence};
    done.stats.input_bytes = 10;
    done.stats.output_bytes = 3;
    done.stats.peak_memory_bytes = 100 * attempt.sequence;
    done.counters["words/seen"] = 2;
    cluster_.Apply(done);
  }
  JobRecord& Job(JobId job = kJob) { return *cluster_.FindJob(job); }
  const Task& TaskOf(const TaskId& task) { return Job(task.job).task(task); }

  ClusterState cluster_{Epoch(5)};
};

TEST_F(ClusterStateTest, AnAcceptedJobIsFoundByRequestAndOutputFolder) {
  Accept(2, 1);
  EXPECT_EQ(cluster_.JobOfRequest("request job-1"), kJob);
  EXPECT_EQ(cluster_.UnfinishedJobWithOutput("/out/job-1"), kJob);
  EXPECT_EQ(Job().summary.accepted_wall_us, 7);
  EXPECT_THAT(cluster_.unfinished(), ElementsAre(kJob));
  EXPECT_EQ(cluster_.unfinished_tasks(), 3u);
  EXPECT_FALSE(cluster_.JobOfRequest("another").is_set());
  EXPECT_EQ(cluster_.FindJob(JobId(2)), nullptr);
}

TEST_F(ClusterStateTest, IdsFollowTheHighestThatWasEverGiven) {
  EXPECT_EQ(cluster_.NextJobId(), JobId(1));
  EXPECT_EQ(cluster_.NextAttemptId(), A(1));
  Accept(1, 0, JobId(7));
  Accept(1, 0, JobId(3));
  EXPECT_EQ(cluster_.NextJobId(), JobId(8));
  cluster_.Apply(AttemptStarted{A(12), TaskId{JobId(7), 0, 0}, kRed});
  EXPECT_EQ(cluster_.NextAttemptId(), A(13));
}

TEST_F(ClusterStateTest, AttemptsAreNumberedAnewInEachEpoch) {
  Accept(1, 0);
  Start(AttemptId{Epoch(4), 12}, Map(0), kRed);
  EXPECT_EQ(cluster_.NextAttemptId(), A(1));
}

TEST_F(ClusterStateTest, AWorkerProcessKeepsItsIdUntilItIsLost) {
  Register(kRed);
  EXPECT_EQ(cluster_.IdOf(Incarnation(101)), kRed);
  EXPECT_EQ(cluster_.IdOf(Incarnation(999)), kBlue);
  cluster_.Apply(WorkerLost{kRed});
  EXPECT_EQ(cluster_.IdOf(Incarnation(101)), kBlue);
  EXPECT_THAT(cluster_.lost_workers(), ElementsAre(kRed));
}

TEST_F(ClusterStateTest, AWorkerIsCalledByItsNameOrElseByItsId) {
  Register(kRed, "red");
  Register(kBlue);
  EXPECT_EQ(cluster_.NameOf(kRed), "red");
  EXPECT_EQ(cluster_.NameOf(kBlue), "worker-2");
  EXPECT_EQ(cluster_.NameOf(WorkerId(77)), "worker-77");
}

TEST_F(ClusterStateTest, AMapHoldsASlotAndAReduceAFetchPlace) {
  Accept(1, 1);
  WorkerRecord* red = Register(kRed);
  Start(A(1), Map(0), kRed);
  Start(A(2), Reduce(0), kRed);
  EXPECT_EQ(red->slots_used, 1u);
  EXPECT_EQ(red->fetchers, 1u);
  EXPECT_EQ(red->attempts_started, 2u);
  EXPECT_THAT(red->attempts, ElementsAre(A(1), A(2)));
  EXPECT_EQ(Job().slots_used, 1u);
  EXPECT_EQ(Job().fetchers, 1u);
  EXPECT_EQ(Job().reducing_workers.at(kRed), 1u);
}

TEST_F(ClusterStateTest, AReduceMovesFromItsFetchPlaceToASlotWhenItIsGrantedOne) {
  Accept(0, 1);
  WorkerRecord* red = Register(kRed);
  Start(A(1), Reduce(0), kRed);
  cluster_.SetPhase(A(1), Phase::kReady);
  EXPECT_THAT(red->ready, ElementsAre(A(1)));
  EXPECT_EQ(red->fetchers, 1u);
  cluster_.SetPhase(A(1), Phase::kHoldsSlot);
  EXPECT_THAT(red->ready, IsEmpty());
  EXPECT_EQ(red->fetchers, 0u);
  EXPECT_EQ(red->slots_used, 1u);
  EXPECT_EQ(Job().slots_used, 1u);
}

TEST_F(ClusterStateTest, ATaskWithTwoAttemptsRunsUntilBothHaveEnded) {
  Accept(1, 1);
  Start(A(1), Map(0), kRed);
  Start(A(2), Map(0), kBlue, Reason::kSpeculative);
  End(A(1), Map(0), Cause::kWorkerFailed);
  EXPECT_EQ(TaskOf(Map(0)).state, TaskState::kRunning);
  End(A(2), Map(0), Cause::kWorkerFailed);
  EXPECT_EQ(TaskOf(Map(0)).state, TaskState::kIdle);
  EXPECT_THAT(Job().attempts, IsEmpty());
}

TEST_F(ClusterStateTest, TheReasonOfARetryIsTheCauseBeforeIt) {
  const std::pair<Cause, Reason> cases[] = {
      {Cause::kUserCodeFailed, Reason::kUserFailure}, {Cause::kWorkerLost, Reason::kWorkerLost},
      {Cause::kTimedOut, Reason::kTimedOut},          {Cause::kWorkerFailed, Reason::kWorkerFailed},
      {Cause::kFetchFailed, Reason::kOutputLost},     {Cause::kCancelled, Reason::kOutputLost}};
  Accept(1, 1);
  uint64_t sequence = 0;
  for (const auto& [cause, reason] : cases) {
    Start(A(++sequence), Map(0), kRed);
    End(A(sequence), Map(0), cause);
    EXPECT_EQ(TaskOf(Map(0)).next_reason, reason) << Name(cause);
  }
}

TEST_F(ClusterStateTest, FailuresOfUserCodeAndOthersAreCountedApart) {
  Accept(1, 1);
  Register(kRed, "red");
  Start(A(1), Map(0), kRed);
  End(A(1), Map(0), Cause::kUserCodeFailed, "signal 11");
  Start(A(2), Map(0), kRed);
  End(A(2), Map(0), Cause::kTimedOut);
  EXPECT_EQ(TaskOf(Map(0)).user_failures, 1);
  EXPECT_EQ(TaskOf(Map(0)).other_failures, 1);
  const Trouble& trouble = Job().troubles.at(KeyOf(Map(0)));
  EXPECT_EQ(trouble.Chain(), "user_code_failed x1, timed_out x1");
  EXPECT_EQ(trouble.last_failure, "attempt-5-2 on worker red: timed_out");
  EXPECT_THAT(Job().messages, ElementsAre(testing::Pair(A(1), "signal 11")));
}

TEST_F(ClusterStateTest, NobodyFailedWhenAnAttemptIsCancelledOrSuperseded) {
  Accept(1, 1);
  Start(A(1), Map(0), kRed);
  End(A(1), Map(0), Cause::kCancelled);
  Start(A(2), Map(0), kRed);
  End(A(2), Map(0), Cause::kSuperseded);
  EXPECT_EQ(TaskOf(Map(0)).user_failures + TaskOf(Map(0)).other_failures, 0);
  EXPECT_THAT(Job().troubles, IsEmpty());
}

TEST_F(ClusterStateTest, AFinishedTaskKnowsItsWinnerAndWhatItMade) {
  Accept(1, 1);
  Register(kRed);
  Start(A(4), Map(0), kRed);
  Finish(A(4), Map(0));
  const Task& task = TaskOf(Map(0));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.winner(), A(4));
  EXPECT_EQ(task.worker(), kRed);
  EXPECT_EQ(task.digest, (Digest{1, 4}));
  EXPECT_EQ(task.output_bytes, 3u);
  EXPECT_EQ(Job().history.back().stats.peak_memory_bytes, 400u);
  EXPECT_EQ(Job().summary.ended[static_cast<size_t>(Cause::kSucceeded)], 1u);
}

TEST_F(ClusterStateTest, SumsTakeInputFromMapsAndOutputFromReducesAndThePeakOfBoth) {
  Accept(1, 1);
  Start(A(2), Map(0), kRed);
  Finish(A(2), Map(0));
  Start(A(1), Reduce(0), kRed);
  Finish(A(1), Reduce(0));
  EXPECT_EQ(Job().summary.stats.input_bytes, 10u);
  EXPECT_EQ(Job().summary.stats.output_bytes, 3u);
  EXPECT_EQ(Job().summary.stats.peak_memory_bytes, 200u);
  EXPECT_EQ(Job().summary.counters.at("words/seen"), 4);
  for (const AttemptStats& stage : Job().summary.stage_stats) {
    EXPECT_EQ(stage.input_bytes, 10u);
    EXPECT_EQ(stage.output_bytes, 3u);
  }
}

TEST_F(ClusterStateTest, AJobThatSucceedsKnowsItsSkewedReducesAndTheirKeys) {
  Accept(1, 4);
  Register(kRed);
  Start(A(10), Map(0), kRed);
  Finish(A(10), Map(0));
  const HeavyKey the{"the", false, 7, 70};
  for (uint32_t index = 0; index < 4; ++index) {
    Start(A(index), Reduce(index), kRed);
    TaskDone done;
    done.attempt = A(index);
    done.task = Reduce(index);
    done.stats.input_bytes = index == 2 ? 100 : 10;
    if (index == 2) done.heavy_keys = {the};
    cluster_.Apply(done);
  }
  EXPECT_THAT(Job().summary.skew.parts, IsEmpty());
  cluster_.Apply(JobEnded{kJob, JobState::kSucceeded, /*wall_us=*/9, ""});
  EXPECT_EQ(Job().summary.skew.total_bytes, 130u);
  EXPECT_EQ(Job().summary.skew.median_bytes, 10u);
  EXPECT_THAT(Job().summary.skew.parts, ElementsAre(SkewedPart{2, 100, {the}}));
}

TEST_F(ClusterStateTest, ALostOutputMakesItsTaskIdleAndKeepsTheDigestToCompare) {
  Accept(1, 1);
  Register(kRed);
  Start(A(1), Map(0), kRed);
  Finish(A(1), Map(0));
  cluster_.Apply(OutputLost{A(1), Map(0)});
  const Task& task = TaskOf(Map(0));
  EXPECT_EQ(task.state, TaskState::kIdle);
  EXPECT_EQ(task.next_reason, Reason::kOutputLost);
  EXPECT_EQ(task.other_failures, 1);
  EXPECT_EQ(task.digest, (Digest{1, 1}));
  EXPECT_THAT(Job().troubles.at(KeyOf(Map(0))).failed_workers, ElementsAre(kRed));
}

TEST_F(ClusterStateTest, SourcesThatMoveAreMarkedWhileSomebodyReads) {
  Accept(2, 1);
  Start(A(1), Map(0), kRed);
  Finish(A(1), Map(0));
  EXPECT_THAT(Job().source_log, ElementsAre(0));
  EXPECT_THAT(cluster_.TakeChangedSources(), IsEmpty());
  Start(A(2), Reduce(0), kRed);
  cluster_.Apply(OutputLost{A(1), Map(0)});
  EXPECT_THAT(Job().source_log, ElementsAre(0, 0));
  EXPECT_THAT(cluster_.TakeChangedSources(), ElementsAre(kJob));
  EXPECT_THAT(cluster_.TakeChangedSources(), IsEmpty());
}

TEST_F(ClusterStateTest, WorkersThatComeAndGoAreCountedInUnfinishedJobs) {
  Register(kRed);
  Accept(1, 1);
  Register(kBlue);
  cluster_.Apply(WorkerLost{kRed});
  Accept(1, 1, JobId(2));
  EXPECT_EQ(Job().summary.workers_joined, 2u);
  EXPECT_EQ(Job().summary.workers_lost, 1u);
  EXPECT_EQ(Job(JobId(2)).summary.workers_joined, 1u);
}

TEST_F(ClusterStateTest, AnEndedJobGivesItsFolderBackAndIsStillKnownByItsRequest) {
  Accept(2, 1);
  WorkerRecord* red = Register(kRed);
  Start(A(1), Map(0), kRed);
  End(A(1), Map(0), Cause::kCancelled);
  cluster_.Apply(JobEnded{kJob, JobState::kFailed, /*wall_us=*/8, "why"});
  EXPECT_EQ(Job().summary.error, "why");
  EXPECT_EQ(Job().summary.ended_wall_us, 8);
  EXPECT_FALSE(cluster_.UnfinishedJobWithOutput("/out/job-1").is_set());
  EXPECT_EQ(cluster_.JobOfRequest("request job-1"), kJob);
  EXPECT_EQ(cluster_.unfinished_tasks(), 0u);
  EXPECT_THAT(cluster_.unfinished(), IsEmpty());
  EXPECT_THAT(cluster_.ended(), ElementsAre(kJob));
  EXPECT_EQ(cluster_.ended_attempts(), 1u);
  EXPECT_THAT(red->shares, IsEmpty());
}

TEST_F(ClusterStateTest, AFoldedJobIsKnownWithoutTheEditsBeforeIt) {
  JobSummary summary;
  summary.job = JobId(4);
  summary.state = JobState::kSucceeded;
  summary.plan.request_id = "old";
  summary.plan.map_count = 3;
  summary.tasks_done = {3, 0};
  cluster_.Apply(JobFolded{summary});
  EXPECT_EQ(cluster_.JobOfRequest("old"), JobId(4));
  EXPECT_EQ(cluster_.NextJobId(), JobId(5));
  EXPECT_THAT(cluster_.ended(), ElementsAre(JobId(4)));
  ASSERT_EQ(Job(JobId(4)).final_stages.size(), 1u);
  EXPECT_EQ(Job(JobId(4)).final_stages[0].done, 3u);
  EXPECT_TRUE(Job(JobId(4)).folded);
}

TEST_F(ClusterStateTest, MessagesAreBounded) {
  Accept(1, 1);
  for (uint64_t i = 1; i <= JobRecord::kMessagesMax + 5; ++i) {
    Start(A(i), Map(0), kRed);
    End(A(i), Map(0), Cause::kWorkerFailed, "no space");
  }
  EXPECT_EQ(Job().messages.size(), JobRecord::kMessagesMax);
  EXPECT_EQ(Job().messages.count(A(1)), 1u);
}

using ClusterStateDeathTest = ClusterStateTest;

TEST_F(ClusterStateDeathTest, AnEditThatDoesNotFollowFromTheOthersStopsTheProcess) {
  Accept(1, 1);
  EXPECT_DEATH(Accept(1, 1), "broken invariant");
  EXPECT_DEATH(Start(A(1), Map(5), kRed), "broken invariant");
  EXPECT_DEATH(Finish(A(1), Map(0)), "broken invariant");
  EXPECT_DEATH(cluster_.Apply(OutputLost{A(1), Map(0)}), "broken invariant");
  EXPECT_DEATH(cluster_.Apply(WorkerLost{kRed}), "broken invariant");
}

}  // namespace
}  // namespace millrace
