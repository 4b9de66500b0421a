// What can be asked of the core: the views that its shell and people see.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using MasterCoreTest = CoreTest;

TEST_F(MasterCoreTest, WhatIsAskedOfAnUnknownJobIsNotFound) {
  EXPECT_EQ(core_->Job(JobId(77)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(core_->Attempts(JobId(77), 10).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(core_->Job(JobId(77)).status().message()), HasSubstr("job-77"));
  EXPECT_FALSE(core_->JobOfRequest("unknown").is_set());
}

TEST_F(MasterCoreTest, JobsAreListedInTheOrderTheyWereAccepted) {
  Submit(1, 1, "b");
  Submit(1, 1, "a");
  EXPECT_THAT(core_->Jobs(), ElementsAre(kJob, kOther));
  EXPECT_EQ(core_->NextJobId(), JobId(3));
  EXPECT_EQ(core_->JobOfRequest("request of a"), kOther);
}

TEST_F(MasterCoreTest, AJobShowsItsStages) {
  Submit(3, 2);
  On(Joined(kRed, 2));
  On(Done(kRed, A(1), Map(0)));
  const JobSnapshot job = Job();
  ASSERT_EQ(job.stages.size(), 2u);
  EXPECT_EQ(job.stages[0].kind, StageKind::kMap);
  EXPECT_EQ(job.stages[0].total, 3u);
  EXPECT_EQ(job.stages[0].running, 2u);
  EXPECT_EQ(job.stages[0].done, 1u);
  EXPECT_EQ(job.stages[1].kind, StageKind::kReduce);
  EXPECT_EQ(job.stages[1].total, 2u);
}

TEST_F(MasterCoreTest, AttemptsThatEndedComeBeforeThoseThatRun) {
  Submit(3, 1);
  On(Joined(kRed, 2));
  On(Done(kRed, A(2), Map(1)));
  const std::vector<AttemptSnapshot> attempts = *core_->Attempts(kJob, 10);
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(attempts[0].attempt, A(2));
  EXPECT_EQ(attempts[1].attempt, A(1));
  EXPECT_EQ(attempts[1].task, Map(0));
  EXPECT_EQ(attempts[1].cause, Cause::kRunning);
  EXPECT_EQ(attempts[1].worker, kRed);
  EXPECT_EQ(attempts[1].ended_wall_us, 0);
  EXPECT_EQ(attempts[2].attempt, A(3));
}

TEST_F(MasterCoreTest, NoMoreAttemptsAreListedThanWereAskedFor) {
  Submit(3, 1);
  On(Joined(kRed, 2));
  On(Done(kRed, A(1), Map(0)));
  for (size_t limit : {0, 1, 2, 3}) EXPECT_EQ(core_->Attempts(kJob, limit)->size(), limit);
}

TEST_F(MasterCoreTest, AWorkerShowsItsRoomAndItsSilence) {
  Submit(1, 1);
  On(Joined(kRed, 3));
  Pass(absl::Seconds(2));
  const std::vector<WorkerSnapshot> workers = core_->Workers(now_);
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].name, "red");
  EXPECT_EQ(workers[0].state, WorkerState::kJoined);
  EXPECT_EQ(workers[0].slots, 3u);
  EXPECT_EQ(workers[0].free_slots, 2u);
  EXPECT_EQ(workers[0].attempts, 1u);
  EXPECT_EQ(workers[0].attempts_started, 1u);
  EXPECT_EQ(workers[0].since_heartbeat, absl::Seconds(2));
}

TEST_F(MasterCoreTest, AnAwaitedWorkerHasNotBeenSilent) {
  On(Joined(kRed, 1));
  Restart(2);
  Pass(absl::Seconds(2));
  const std::vector<WorkerSnapshot> workers = core_->Workers(now_);
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].state, WorkerState::kAwaited);
  EXPECT_EQ(workers[0].since_heartbeat, absl::ZeroDuration());
}

TEST_F(MasterCoreTest, TheClusterCountsWhoCameAndWent) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(WorkerLeft{kRed});
  const ClusterView view = core_->Cluster();
  EXPECT_EQ(view.workers_joined, 2u);
  EXPECT_EQ(view.workers_lost, 1u);
  EXPECT_EQ(view.unfinished_jobs, 1u);
}

TEST_F(MasterCoreTest, SourcesNameEachMapThatChangedOnceAsItIsNow) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  On(Joined(kBlue, 0));
  On(Done(kRed, A(2), Map(1)));
  On(Done(kRed, A(1), Map(0)));
  On(OutputMissed{kRed, Map(1), A(2)});
  EXPECT_EQ(core_->SourceVersion(kJob), 3u);
  const std::vector<MapSource> sources = core_->Sources(kJob, 0, 3);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].map_index, 0u);
  EXPECT_EQ(sources[0].attempt, A(1));
  EXPECT_EQ(sources[0].worker, kRed);
  EXPECT_EQ(sources[0].digest, DigestOfTask(Map(0)));
  EXPECT_EQ(sources[1].map_index, 1u);
  EXPECT_FALSE(sources[1].attempt.is_set());
  EXPECT_THAT(core_->Sources(kJob, 3, 3), IsEmpty());
  EXPECT_EQ(core_->Sources(kJob, 1, 2).at(0).map_index, 0u);
}

TEST_F(MasterCoreTest, TheStatesOfWorkersHaveNames) {
  EXPECT_STREQ(Name(WorkerState::kJoined), "joined");
  EXPECT_STREQ(Name(WorkerState::kDraining), "draining");
  EXPECT_STREQ(Name(WorkerState::kSuspect), "suspect");
  EXPECT_STREQ(Name(WorkerState::kAwaited), "awaited");
  EXPECT_STREQ(Name(WorkerState::kLost), "lost");
}

TEST_F(MasterCoreTest, TheDurableStateTellsWinnersRunnersAndTroublesApart) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  const std::string before = core_->DurableState();
  EXPECT_THAT(before, HasSubstr("attempt-1-1 runs job-1/0/0 on worker-1 because first"));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_THAT(core_->DurableState(), HasSubstr("winner attempt-1-1 on worker-1"));
  On(Failed(kRed, A(2), Map(1), Cause::kUserCodeFailed, "boom"));
  EXPECT_THAT(core_->DurableState(), HasSubstr("trouble 0/1 user_code_failed x1"));
  On(WorkerLeft{kRed});
  EXPECT_THAT(core_->DurableState(), testing::Not(HasSubstr("worker-1 red")));
}

using MasterCoreDeathTest = CoreTest;

TEST_F(MasterCoreDeathTest, PartsAndFoldsAreThereOnlyWhenTheJobIs) {
  Submit(1, 1);
  EXPECT_DEATH(core_->Parts(kJob), "broken invariant");
  EXPECT_DEATH(core_->Folded(kJob), "broken invariant");
  EXPECT_DEATH(core_->Sources(kJob, 0, 1), "broken invariant");
}

}  // namespace
}  // namespace millrace
