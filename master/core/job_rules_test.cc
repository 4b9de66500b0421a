// The life of a job from submit to history.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class JobRulesTest : public CoreTest {
 protected:
  SubmitReply ReplyTo(const JobSubmitted& job) { return Only<AnswerSubmit>(On(job)).at(0).reply; }
  // A map-only job of one task runs to its end.
  void RunToEnd(const std::string& name) {
    On(Submitted(name, 0, 0));
    On(JobPublished{core_->JobOfRequest("request of " + name), absl::OkStatus()});
  }
};

TEST_F(JobRulesTest, TheSameRequestTwiceIsOneJob) {
  EXPECT_EQ(On(Submitted("wordcount", 1, 1)),
            (Actions{AnswerSubmit{"request of wordcount", SubmitReply::kAccepted, kJob}}));
  EXPECT_EQ(On(Submitted("wordcount", 1, 1)),
            (Actions{AnswerSubmit{"request of wordcount", SubmitReply::kAccepted, kJob}}));
  EXPECT_EQ(core_->Jobs().size(), 1);
}

TEST_F(JobRulesTest, TheSameRequestAfterTheEndIsStillThatJob) {
  RunToEnd("wordcount");
  EXPECT_EQ(On(Submitted("wordcount", 0, 0)),
            (Actions{AnswerSubmit{"request of wordcount", SubmitReply::kAccepted, kJob}}));
}

TEST_F(JobRulesTest, TwoUnfinishedJobsMayNotShareAnOutputFolder) {
  Submit(1, 1);
  JobSubmitted second = Submitted("second", 1, 1);
  second.plan.output_folder = "/out/wordcount";
  const AnswerSubmit answer = Only<AnswerSubmit>(On(second)).at(0);
  EXPECT_EQ(answer.reply, SubmitReply::kOutputInUse);
  EXPECT_EQ(answer.job, kJob);
  EXPECT_THAT(answer.message, HasSubstr("job-1 writes to /out/wordcount"));
  On(CancelRequested{kJob, ""});
  EXPECT_EQ(ReplyTo(second), SubmitReply::kAccepted);
}

TEST_F(JobRulesTest, UnfinishedJobsAreBounded) {
  options_.unfinished_jobs_max = 2;
  Restart(1);
  EXPECT_EQ(ReplyTo(Submitted("a", 1, 1)), SubmitReply::kAccepted);
  EXPECT_EQ(ReplyTo(Submitted("b", 1, 1)), SubmitReply::kAccepted);
  EXPECT_EQ(ReplyTo(Submitted("c", 1, 1)), SubmitReply::kTooManyJobs);
  On(CancelRequested{kJob, ""});
  EXPECT_EQ(ReplyTo(Submitted("c", 1, 1)), SubmitReply::kAccepted);
}

TEST_F(JobRulesTest, UnfinishedTasksAreBounded) {
  options_.unfinished_tasks_max = 10;
  Restart(1);
  EXPECT_EQ(ReplyTo(Submitted("a", 5, 1)), SubmitReply::kAccepted);
  EXPECT_EQ(ReplyTo(Submitted("b", 4, 1)), SubmitReply::kTooManyTasks);
  EXPECT_EQ(ReplyTo(Submitted("c", 4, 0)), SubmitReply::kAccepted);
}

TEST_F(JobRulesTest, APlanThatMakesNoSenseIsRefused) {
  JobSubmitted job = Submitted("a", 1, 1);
  job.plan.max_attempts = 0;
  EXPECT_EQ(ReplyTo(job), SubmitReply::kInvalid);
  EXPECT_EQ(ReplyTo(Submitted("b", 1, 100'000)), SubmitReply::kInvalid);
}

TEST_F(JobRulesTest, AJobIsPublishedOnceItsLastStageIsDoneAndThenSucceeds) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  AttemptReported done = Done(kRed, A(2), Reduce(0));
  done.outcome.stats.output_bytes = 42;
  EXPECT_EQ(On(done), (Actions{Accepted(kRed, A(2)), PublishJob{kJob}}));
  const std::vector<PartView> parts = core_->Parts(kJob);
  ASSERT_EQ(parts.size(), 1);
  EXPECT_EQ(parts[0].attempt, A(2));
  EXPECT_EQ(parts[0].digest, DigestOfTask(Reduce(0)));
  EXPECT_EQ(parts[0].bytes, 42);
  EXPECT_EQ(On(JobPublished{kJob, absl::OkStatus()}), (Actions{ReleaseJob{kRed, kJob}}));
  EXPECT_EQ(StateOf(), JobState::kSucceeded);
  EXPECT_EQ(Job().stages[1].done, 1);
}

TEST_F(JobRulesTest, AMapOnlyJobIsPublishedAfterItsMaps) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1)), PublishJob{kJob}}));
}

TEST_F(JobRulesTest, AJobWithEmptyInputStillRunsItsReduces) {
  On(Joined(kRed, 1));
  const Actions actions = On(Submitted("wordcount", 0, 2));
  EXPECT_EQ(Only<LaunchAttempt>(actions),
            (std::vector<LaunchAttempt>{{kRed, A(1), Reduce(0)}, {kRed, A(2), Reduce(1)}}));
  EXPECT_EQ(On(Ready(kRed, A(1))), (Actions{GrantSlot{kRed, A(1)}}));
  On(Done(kRed, A(1), Reduce(0)));
  On(Ready(kRed, A(2)));
  EXPECT_EQ(On(Done(kRed, A(2), Reduce(1))), (Actions{Accepted(kRed, A(2)), PublishJob{kJob}}));
}

TEST_F(JobRulesTest, AMapOnlyJobWithEmptyInputIsPublishedAtOnce) {
  EXPECT_THAT(On(Submitted("wordcount", 0, 0)), Contains(Action(PublishJob{kJob})));
}

TEST_F(JobRulesTest, AJobThatCannotBePublishedFails) {
  Submit(0, 0);
  EXPECT_EQ(On(JobPublished{kJob, absl::ResourceExhaustedError("/out: no space")}),
            (Actions{AbortOutput{kJob}}));
  EXPECT_EQ(StateOf(), JobState::kFailed);
  EXPECT_THAT(ErrorOf(), HasSubstr("/out: no space"));
}

TEST_F(JobRulesTest, ACancelledJobGivesEverythingBack) {
  Submit(2, 1);
  On(Joined(kRed, 2));
  EXPECT_EQ(On(CancelRequested{kJob, "asked by ada"}),
            (Actions{CancelAttempt{kRed, A(1)}, CancelAttempt{kRed, A(2)}, AbortOutput{kJob},
                     ReleaseJob{kRed, kJob}, AnswerCancel{kJob, CancelReply::kAccepted}}));
  EXPECT_EQ(StateOf(), JobState::kCancelled);
  EXPECT_EQ(ErrorOf(), "job \"wordcount\" (job-1) was cancelled: asked by ada");
  EXPECT_EQ(core_->Workers(now_)[0].free_slots, 2);
}

TEST_F(JobRulesTest, CancellingIsRefusedOnceAJobPublishes) {
  Submit(0, 0);
  EXPECT_EQ(On(CancelRequested{kJob, ""}), (Actions{AnswerCancel{kJob, CancelReply::kPublishing}}));
  On(JobPublished{kJob, absl::OkStatus()});
  EXPECT_EQ(On(CancelRequested{kJob, ""}), (Actions{AnswerCancel{kJob, CancelReply::kEnded}}));
  EXPECT_EQ(StateOf(), JobState::kSucceeded);
}

TEST_F(JobRulesTest, CancellingTwiceIsHarmlessAndAnUnknownJobIsSaidToBeOne) {
  Submit(1, 1);
  On(CancelRequested{kJob, ""});
  EXPECT_EQ(On(CancelRequested{kJob, ""}), (Actions{AnswerCancel{kJob, CancelReply::kAccepted}}));
  EXPECT_EQ(On(CancelRequested{JobId(77), ""}),
            (Actions{AnswerCancel{JobId(77), CancelReply::kUnknownJob}}));
}

TEST_F(JobRulesTest, WaitingClientsAreWokenWhenAJobChangesState) {
  Submit(1, 0);
  On(Joined(kRed, 1));
  EXPECT_THAT(EverythingOn(Done(kRed, A(1), Map(0))), Contains(Action(JobChanged{kJob})));
  EXPECT_THAT(EverythingOn(JobPublished{kJob, absl::OkStatus()}),
              Contains(Action(JobChanged{kJob})));
}

TEST_F(JobRulesTest, AnEndedJobFoldsToOneRowAndTheHistoryIsBounded) {
  options_.history_max = 2;
  Restart(1);
  for (const char* name : {"a", "b"}) RunToEnd(name);
  On(Submitted("c", 0, 0));
  const Actions actions = EverythingOn(JobPublished{JobId(3), absl::OkStatus()});
  EXPECT_THAT(actions, Contains(Action(FoldJob{JobId(3)})));
  EXPECT_THAT(actions, Contains(Action(ForgetJob{kJob})));
  EXPECT_EQ(core_->Jobs(), (std::vector<JobId>{JobId(2), JobId(3)}));
  EXPECT_FALSE(core_->Job(kJob).ok());
}

TEST_F(JobRulesTest, AttemptsOfEndedJobsAreBoundedButThoseOfTheLastAreKept) {
  options_.history_attempts_max = 1;
  Restart(1);
  On(Joined(kRed, 1));
  Submit(2, 0, "a");
  On(Done(kRed, A(1), Map(0)));
  On(Done(kRed, A(2), Map(1)));
  On(JobPublished{kJob, absl::OkStatus()});
  EXPECT_EQ(core_->Attempts(kJob, 100)->size(), 2);
  Submit(2, 0, "b");
  On(CancelRequested{kOther, ""});
  EXPECT_THAT(*core_->Attempts(kJob, 100), IsEmpty());
  EXPECT_EQ(core_->Attempts(kOther, 100)->size(), 1);
}

TEST_F(JobRulesTest, TheVersionOfAJobGrowsWithEveryChange) {
  Submit(2, 1);
  const uint64_t before = Job().version;
  On(Joined(kRed, 1));
  const uint64_t running = Job().version;
  EXPECT_GT(running, before);
  On(Done(kRed, A(1), Map(0)));
  EXPECT_GT(Job().version, running);
}

}  // namespace
}  // namespace millrace
