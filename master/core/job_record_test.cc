#include "master/core/job_record.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

JobPlan Plan(uint32_t maps, uint32_t reducers) {
  JobPlan plan;
  plan.name = "wordcount";
  plan.map_count = maps;
  plan.reducers = reducers;
  return plan;
}

JobRecord Record(uint32_t maps, uint32_t reducers) {
  JobRecord job(Plan(maps, reducers));
  job.summary.job = JobId(3);
  return job;
}

void Finish(StageState* stage) {
  for (uint32_t i = 0; i < stage->total(); ++i) stage->SetState(i, TaskState::kDone);
}

TEST(TroubleTest, RemembersTheLastWorkersThatFailedNewestLast) {
  Trouble trouble;
  for (uint64_t worker : {1, 2, 3, 4, 5}) trouble.AddFailedWorker(WorkerId(worker));
  EXPECT_THAT(trouble.failed_workers,
              ElementsAre(WorkerId(2), WorkerId(3), WorkerId(4), WorkerId(5)));
}

TEST(TroubleTest, AWorkerThatFailsAgainIsListedOnceAsTheNewest) {
  Trouble trouble;
  for (uint64_t worker : {1, 2, 3, 4, 2}) trouble.AddFailedWorker(WorkerId(worker));
  EXPECT_THAT(trouble.failed_workers,
              ElementsAre(WorkerId(1), WorkerId(3), WorkerId(4), WorkerId(2)));
}

TEST(TroubleTest, TheChainNamesEveryCauseThatOccurred) {
  Trouble trouble;
  EXPECT_EQ(trouble.Chain(), "");
  trouble.ended[static_cast<size_t>(Cause::kWorkerLost)] = 18;
  trouble.ended[static_cast<size_t>(Cause::kFetchFailed)] = 2;
  trouble.outputs_lost = 1;
  EXPECT_EQ(trouble.Chain(), "worker_lost x18, fetch_failed x2, output_lost x1");
}

TEST(TaskKeyTest, OrdersByStageAndThenByIndex) {
  EXPECT_LT((TaskKey{0, 9}), (TaskKey{1, 0}));
  EXPECT_LT((TaskKey{1, 0}), (TaskKey{1, 1}));
  EXPECT_FALSE((TaskKey{1, 1}) < (TaskKey{1, 1}));
}

TEST(JobRecordTest, AMapOnlyJobHasOneStageAndAMapReduceTwo) {
  EXPECT_EQ(Record(2, 0).stages.size(), 1u);
  const JobRecord job = Record(2, 3);
  ASSERT_EQ(job.stages.size(), 2u);
  EXPECT_EQ(job.maps().total(), 2u);
  EXPECT_EQ(job.reduces().total(), 3u);
}

TEST(JobRecordTest, HasTheTasksOfItsPlanAndNoOthers) {
  const JobRecord job = Record(2, 1);
  EXPECT_TRUE(job.HasTask({JobId(3), 0, 1}));
  EXPECT_TRUE(job.HasTask({JobId(3), 1, 0}));
  EXPECT_FALSE(job.HasTask({JobId(3), 0, 2}));
  EXPECT_FALSE(job.HasTask({JobId(3), 1, 1}));
  EXPECT_FALSE(job.HasTask({JobId(3), 2, 0}));
}

TEST(JobRecordTest, ReducesArePlaceableOnceAllMapsAreDoneAndTheirWorkersAreBack) {
  JobRecord job = Record(1, 1);
  EXPECT_FALSE(job.HasPlaceableReduces());
  Finish(&job.maps());
  EXPECT_TRUE(job.HasPlaceableReduces());
  job.awaited_workers.insert(WorkerId(1));
  EXPECT_FALSE(job.HasPlaceableReduces());
  job.awaited_workers.clear();
  job.reduces().SetState(0, TaskState::kRunning);
  EXPECT_FALSE(job.HasPlaceableReduces());
}

TEST(JobRecordTest, AMapOnlyJobHasNoReducesToPlace) {
  JobRecord job = Record(1, 0);
  Finish(&job.maps());
  EXPECT_FALSE(job.HasPlaceableReduces());
  EXPECT_TRUE(job.LastStageComplete());
}

TEST(JobRecordTest, MapOutputsAreNeededUntilTheLastReduceIsDone) {
  JobRecord job = Record(1, 1);
  Finish(&job.maps());
  EXPECT_TRUE(job.NeedsMapOutputs());
  EXPECT_FALSE(job.LastStageComplete());
  Finish(&job.reduces());
  EXPECT_FALSE(job.NeedsMapOutputs());
  EXPECT_TRUE(job.LastStageComplete());
  EXPECT_FALSE(Record(1, 0).NeedsMapOutputs());
}

TEST(JobRecordTest, AJobThatDoesNotRunWantsNothing) {
  JobRecord job = Record(2, 1);
  job.maps().SetState(0, TaskState::kDone);
  job.maps().SetState(0, TaskState::kIdle);
  EXPECT_TRUE(job.HasIdleMaps());
  EXPECT_TRUE(job.HasReruns());
  job.summary.state = JobState::kPublishing;
  EXPECT_FALSE(job.HasIdleMaps());
  EXPECT_FALSE(job.HasReruns());
  EXPECT_FALSE(job.NeedsMapOutputs());
  EXPECT_FALSE(job.ended());
  job.summary.state = JobState::kSucceeded;
  EXPECT_TRUE(job.ended());
}

TEST(JobRecordTest, AJobThatIsHeldForItsReaderRunsNoMapUntilAPartIsLost) {
  JobPlan plan = Plan(1, 2);
  plan.feeds = true;
  JobRecord job(plan);
  Finish(&job.maps());
  Finish(&job.reduces());
  job.maps().SetState(0, TaskState::kIdle);
  EXPECT_TRUE(job.held());
  EXPECT_FALSE(job.NeedsMapOutputs());
  EXPECT_TRUE(job.MayNeedMapOutputs());
  EXPECT_FALSE(job.HasIdleMaps());
  EXPECT_FALSE(job.HasReruns());
  job.reduces().SetState(1, TaskState::kIdle);
  EXPECT_FALSE(job.held());
  EXPECT_TRUE(job.HasIdleMaps());
  EXPECT_TRUE(job.HasReruns());
}

TEST(JobRecordTest, TheTitleNamesTheJobTwice) {
  EXPECT_EQ(Record(1, 1).Title(), "job \"wordcount\" (job-3)");
}

TEST(JobRecordTest, WhatIsForgottenOfTheTasksLeavesTheirNumbers) {
  JobRecord job = Record(2, 3);
  Finish(&job.maps());
  job.reduces().SetState(0, TaskState::kDone);
  job.reduces().SetState(1, TaskState::kRunning);
  job.source_log = {0, 1};
  job.workers = {WorkerId(1)};
  job.ForgetTasks();
  EXPECT_THAT(job.stages, IsEmpty());
  EXPECT_THAT(job.source_log, IsEmpty());
  EXPECT_THAT(job.workers, IsEmpty());
  EXPECT_THAT(job.summary.tasks_done, ElementsAre(2, 1));
  ASSERT_EQ(job.final_stages.size(), 2u);
  EXPECT_EQ(job.final_stages[0].kind, StageKind::kMap);
  EXPECT_EQ(job.final_stages[0].done, 2u);
  EXPECT_EQ(job.final_stages[1].kind, StageKind::kReduce);
  EXPECT_EQ(job.final_stages[1].total, 3u);
  EXPECT_EQ(job.final_stages[1].running, 1u);
  EXPECT_EQ(job.final_stages[1].done, 1u);
}

}  // namespace
}  // namespace millrace
