// The indexes from which the scheduler picks, and what is left when the past is forgotten.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/core/cluster_state.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};
constexpr WorkerId kGreen{3};
constexpr JobId kJob{1};
constexpr JobId kOther{2};

AttemptId A(uint64_t sequence) { return AttemptId{Epoch(1), sequence}; }

// The second of each pair, in the order of the index.
template <typename Index>
auto InOrder(const Index& index) {
  std::vector<typename Index::value_type::second_type> ids;
  for (const auto& entry : index) ids.push_back(entry.second);
  return ids;
}

class ClusterIndexTest : public testing::Test {
 protected:
  WorkerRecord* Join(WorkerId id, uint32_t slots, uint32_t fetchers = 2) {
    cluster_.Apply(WorkerRegistered{id, Incarnation(id.value()), ""});
    WorkerRecord* worker = cluster_.FindWorker(id);
    worker->slots = slots;
    worker->fetchers_max = fetchers;
    cluster_.SetState(worker, WorkerState::kJoined);
    return worker;
  }
  void Accept(JobId job, uint32_t maps, uint32_t reducers) {
    JobPlan plan;
    plan.request_id = ToString(job);
    plan.output_folder = "/out/" + ToString(job);
    plan.map_count = maps;
    plan.reducers = reducers;
    cluster_.Apply(JobAccepted{job, plan, 0, ""});
  }
  void Start(uint64_t sequence, const TaskId& task, WorkerId worker) {
    cluster_.Apply(AttemptStarted{A(sequence), task, worker});
  }
  void Finish(uint64_t sequence, const TaskId& task) {
    TaskDone done;
    done.attempt = A(sequence);
    done.task = task;
    cluster_.Apply(done);
  }
  void EndJob(JobId job) { cluster_.Apply(JobEnded{job, JobState::kCancelled, 0, ""}); }

  ClusterState cluster_{Epoch(1)};
};

TEST_F(ClusterIndexTest, WorkersWithMostRoomComeFirstThenByTheirIds) {
  Join(kRed, 1);
  Join(kBlue, 3);
  Join(kGreen, 1);
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kBlue, kRed, kGreen));
}

TEST_F(ClusterIndexTest, AWorkerMovesWithEverySlotItGivesOrTakes) {
  Accept(kJob, 3, 1);
  Join(kRed, 2);
  Join(kBlue, 2);
  Start(1, {kJob, 0, 0}, kRed);
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kBlue, kRed));
  Start(2, {kJob, 0, 1}, kRed);
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kBlue));
  Finish(1, {kJob, 0, 0});
  Finish(2, {kJob, 0, 1});
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kRed, kBlue));
}

TEST_F(ClusterIndexTest, FetchPlacesAreCountedApartFromSlots) {
  Accept(kJob, 0, 3);
  Join(kRed, 1, /*fetchers=*/2);
  Start(1, {kJob, 1, 0}, kRed);
  Start(2, {kJob, 1, 1}, kRed);
  EXPECT_THAT(cluster_.workers_with_fetchers(), IsEmpty());
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kRed));
  cluster_.SetPhase(A(1), Phase::kHoldsSlot);
  EXPECT_THAT(InOrder(cluster_.workers_with_fetchers()), ElementsAre(kRed));
  EXPECT_THAT(cluster_.workers_with_slots(), IsEmpty());
}

TEST_F(ClusterIndexTest, OnlyAJoinedWorkerHasRoomForNewWork) {
  WorkerRecord* red = Join(kRed, 1);
  for (const WorkerState state :
       {WorkerState::kDraining, WorkerState::kSuspect, WorkerState::kAwaited, WorkerState::kLost}) {
    cluster_.SetState(red, state);
    EXPECT_THAT(cluster_.workers_with_slots(), IsEmpty()) << static_cast<int>(state);
    EXPECT_THAT(cluster_.workers_with_fetchers(), IsEmpty()) << static_cast<int>(state);
  }
  cluster_.SetState(red, WorkerState::kJoined);
  EXPECT_THAT(InOrder(cluster_.workers_with_slots()), ElementsAre(kRed));
}

TEST_F(ClusterIndexTest, AReadyReduceMakesItsWorkerGrantableWhileASlotIsFree) {
  Accept(kJob, 1, 2);
  Join(kRed, 1);
  Start(1, {kJob, 1, 0}, kRed);
  Start(2, {kJob, 1, 1}, kRed);
  EXPECT_THAT(cluster_.grantable_workers(), IsEmpty());
  cluster_.SetPhase(A(1), Phase::kReady);
  cluster_.SetPhase(A(2), Phase::kReady);
  EXPECT_THAT(cluster_.grantable_workers(), ElementsAre(kRed));
  cluster_.SetPhase(A(1), Phase::kHoldsSlot);
  EXPECT_THAT(cluster_.grantable_workers(), IsEmpty());
  Finish(1, {kJob, 1, 0});
  EXPECT_THAT(cluster_.grantable_workers(), ElementsAre(kRed));
}

TEST_F(ClusterIndexTest, ADrainingWorkerIsGrantableAndASuspectOneIsNot) {
  Accept(kJob, 1, 1);
  WorkerRecord* red = Join(kRed, 1);
  Start(1, {kJob, 1, 0}, kRed);
  cluster_.SetPhase(A(1), Phase::kReady);
  cluster_.SetState(red, WorkerState::kDraining);
  EXPECT_THAT(cluster_.grantable_workers(), ElementsAre(kRed));
  cluster_.SetState(red, WorkerState::kSuspect);
  EXPECT_THAT(cluster_.grantable_workers(), IsEmpty());
}

TEST_F(ClusterIndexTest, JobsThatUseLeastComeFirstThenFirstComeFirst) {
  Accept(kJob, 5, 1);
  Accept(kOther, 5, 1);
  EXPECT_THAT(InOrder(cluster_.jobs_with_maps()), ElementsAre(kJob, kOther));
  Start(1, {kJob, 0, 0}, kRed);
  EXPECT_THAT(InOrder(cluster_.jobs_with_maps()), ElementsAre(kOther, kJob));
  Start(2, {kOther, 0, 0}, kRed);
  EXPECT_THAT(InOrder(cluster_.jobs_with_maps()), ElementsAre(kJob, kOther));
}

TEST_F(ClusterIndexTest, AJobIsListedWhileItHasIdleTasksOfTheKind) {
  Accept(kJob, 1, 1);
  EXPECT_THAT(cluster_.jobs_with_reduces(), IsEmpty());
  Start(1, {kJob, 0, 0}, kRed);
  EXPECT_THAT(cluster_.jobs_with_maps(), IsEmpty());
  Finish(1, {kJob, 0, 0});
  EXPECT_THAT(InOrder(cluster_.jobs_with_reduces()), ElementsAre(kJob));
  cluster_.Apply(OutputLost{A(1), {kJob, 0, 0}});
  EXPECT_THAT(cluster_.jobs_with_reduces(), IsEmpty());
  EXPECT_THAT(InOrder(cluster_.jobs_with_reruns()), ElementsAre(kJob));
  EXPECT_THAT(InOrder(cluster_.jobs_with_maps()), ElementsAre(kJob));
}

TEST_F(ClusterIndexTest, JobsWithReducesAreOrderedByWhatTheyFetch) {
  Accept(kJob, 0, 2);
  Accept(kOther, 0, 2);
  Start(1, {kJob, 1, 0}, kRed);
  EXPECT_THAT(InOrder(cluster_.jobs_with_reduces()), ElementsAre(kOther, kJob));
}

TEST_F(ClusterIndexTest, AnEndedJobIsInNoIndex) {
  Accept(kJob, 2, 0);
  Accept(kOther, 0, 2);
  EndJob(kJob);
  EndJob(kOther);
  EXPECT_THAT(cluster_.jobs_with_maps(), IsEmpty());
  EXPECT_THAT(cluster_.jobs_with_reduces(), IsEmpty());
}

TEST_F(ClusterIndexTest, AForgottenJobIsUnknownByIdAndRequest) {
  Accept(kJob, 1, 0);
  Start(1, {kJob, 0, 0}, kRed);
  Finish(1, {kJob, 0, 0});
  EndJob(kJob);
  EXPECT_EQ(cluster_.ended_attempts(), 1u);
  cluster_.ForgetJob(kJob);
  EXPECT_EQ(cluster_.FindJob(kJob), nullptr);
  EXPECT_FALSE(cluster_.JobOfRequest("job-1").is_set());
  EXPECT_THAT(cluster_.ended(), IsEmpty());
  EXPECT_EQ(cluster_.ended_attempts(), 0u);
  EXPECT_EQ(cluster_.NextJobId(), kOther);
}

TEST_F(ClusterIndexTest, AForgottenJobLeavesItsRequestToTheJobThatHasItNow) {
  Accept(kJob, 1, 0);
  EndJob(kJob);
  JobPlan again;
  again.request_id = "job-1";
  cluster_.Apply(JobAccepted{kOther, again, 0, ""});
  cluster_.ForgetJob(kJob);
  EXPECT_EQ(cluster_.JobOfRequest("job-1"), kOther);
}

TEST_F(ClusterIndexTest, TheAttemptsOfAJobCanBeForgottenBeforeTheJob) {
  Accept(kJob, 1, 0);
  Start(1, {kJob, 0, 0}, kRed);
  Finish(1, {kJob, 0, 0});
  EndJob(kJob);
  cluster_.ForgetAttemptsOf(cluster_.FindJob(kJob));
  EXPECT_EQ(cluster_.ended_attempts(), 0u);
  EXPECT_THAT(cluster_.FindJob(kJob)->history, IsEmpty());
  cluster_.ForgetJob(kJob);
  EXPECT_EQ(cluster_.ended_attempts(), 0u);
}

TEST_F(ClusterIndexTest, AForgottenWorkerIsUnknown) {
  Join(kRed, 1);
  cluster_.Apply(WorkerLost{kRed});
  cluster_.ForgetWorker(kRed);
  EXPECT_EQ(cluster_.FindWorker(kRed), nullptr);
  EXPECT_THAT(cluster_.lost_workers(), IsEmpty());
}

using ClusterIndexDeathTest = ClusterIndexTest;

TEST_F(ClusterIndexDeathTest, AJobThatRunsCannotBeForgotten) {
  Accept(kJob, 1, 0);
  EXPECT_DEATH(cluster_.ForgetJob(kJob), "broken invariant");
}

}  // namespace
}  // namespace millrace
