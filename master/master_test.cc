// A whole master with workers and clients on real connections in memory: the life of a job.
#include "master/master.h"

#include "master/master_fixture.h"
#include "storage/output_committer.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MasterTest : public MasterFixture {};

TEST_F(MasterTest, AJobRunsToItsEnd) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  const JobId job = Submit(WordCount("/out", /*maps=*/3, /*reducers=*/2)).job;
  WorkAll();

  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_EQ(View(job).workers_joined, 2u);
  EXPECT_EQ(View(job).input_bytes, 3000u);
  EXPECT_EQ(View(job).output_bytes, 36u);
  EXPECT_EQ(View(job).output_key, "job-1-01234567");
  EXPECT_EQ(*ReadFile(fs_, "/out/part-00000-of-00002", 100), "reduce-00000\tdone\n");
  EXPECT_EQ(*ReadFile(fs_, "/out/part-00001-of-00002", 100), "reduce-00001\tdone\n");
  EXPECT_TRUE(Exists("/out/_SUCCESS"));
  EXPECT_FALSE(Exists("/out/_millrace"));
  EXPECT_THAT(red.mail().released, ElementsAre(job));
  EXPECT_THAT(blue.mail().released, ElementsAre(job));
}

TEST_F(MasterTest, ALaterJobTakesTheMapOutputsThatAWorkerRetains) {
  FakeWorker& red = AddWorker("red");
  JobSpec spec = WordCount("/out", /*maps=*/3);
  spec.map_identity = Digest{1, 2};
  const JobId first = Submit(spec).job;
  WorkAll();
  EXPECT_THAT(red.mail().retained, SizeIs(3));
  EXPECT_THAT(red.mail().released, ElementsAre(first));

  spec.request_id = "another request";
  spec.output_folder = "/again";
  const JobId second = Submit(spec).job;
  WorkAll();
  EXPECT_EQ(View(second).state, JobState::kSucceeded) << View(second).error;
  EXPECT_EQ(View(second).map_outputs_reused, 3u);
  EXPECT_THAT(red.mail().launched, SizeIs(3 + 1 + 1)) << "three maps and a reduce, and a reduce";
  const MapSource& source = red.mail().sources.at(second).at(2);
  EXPECT_EQ(source.made_for, (TaskId{first, 0, 2}));
}

TEST_F(MasterTest, AnEmptyInputGivesEmptyPartsFromReducesWithoutSources) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/0)).job;
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_TRUE(Exists("/out/part-00000-of-00001"));
}

TEST_F(MasterTest, EachWorkerIsToldTheContextOfAJobOnce) {
  FakeWorker& red = AddWorker("red", /*slots=*/2);
  const JobId job = Submit(WordCount("/out", /*maps=*/5)).job;
  WorkAll();
  ASSERT_THAT(red.mail().prepared, SizeIs(1));
  const JobContext& context = red.mail().prepared[0];
  EXPECT_EQ(context.job, job);
  EXPECT_EQ(context.map_count, 5u);
  EXPECT_EQ(context.nonce_path, "/out/_millrace/" + context.staging_key + "/nonce");
}

TEST_F(MasterTest, AWorkerThatWasAskedAndRanNothingIsToldOfTheEndToo) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  const JobId job = Submit(WordCount("/out")).job;
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_THAT(blue.mail().prepared, SizeIs(1));
  EXPECT_THAT(blue.mail().launched, IsEmpty());
  EXPECT_THAT(red.mail().released, ElementsAre(job));
  EXPECT_THAT(blue.mail().released, ElementsAre(job));
}

TEST_F(MasterTest, AJobWhoseKeepFolderTheMasterDoesNotSeeIsRefusedAndLeavesNothing) {
  AddWorker("red");
  JobSpec spec = WordCount("/out");
  spec.keep_folder = "/keep";
  const Submitted submitted = Submit(spec);
  EXPECT_FALSE(submitted.job.is_set());
  EXPECT_THAT(submitted.refused, HasSubstr("--keep_intermediate=/keep: the master's host does"));
  EXPECT_FALSE(Exists("/keep"));
  EXPECT_FALSE(Exists("/out"));
}

TEST_F(MasterTest, MapOutputsAreKeptUntilTheJobEnds) {
  ASSERT_TRUE(fs_.CreateFolders("/keep").ok());  // as its client does
  FakeWorker& red = AddWorker("red");
  JobSpec spec = WordCount("/out");
  spec.keep_folder = "/keep";
  const JobId job = Submit(spec).job;
  ASSERT_THAT(red.mail().prepared, SizeIs(1));
  const JobContext& context = red.mail().prepared[0];
  EXPECT_EQ(context.keep_folder, "/keep");
  EXPECT_TRUE(Exists(KeptNoncePath(KeptFolder("/keep", context.staging_key))));
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_THAT(*fs_.List("/keep"), IsEmpty());
}

TEST_F(MasterTest, KeptMapOutputsOfACancelledJobAreRemoved) {
  ASSERT_TRUE(fs_.CreateFolders("/keep").ok());
  JobSpec spec = WordCount("/out");
  spec.keep_folder = "/keep";
  const JobId job = Submit(spec).job;
  EXPECT_THAT(*fs_.List("/keep"), SizeIs(1));
  Cancel(job);
  EXPECT_THAT(*fs_.List("/keep"), IsEmpty());
}

TEST_F(MasterTest, AMapOnlyJobKeepsNothing) {
  JobSpec spec = WordCount("/out", /*maps=*/1, /*reducers=*/0);
  spec.keep_folder = "/keep";
  ASSERT_TRUE(Submit(spec).job.is_set());
  EXPECT_FALSE(Exists("/keep"));
}

TEST_F(MasterTest, AJobWaitsForAWorkerAndSaysSo) {
  const JobId job = Submit(WordCount("/out")).job;
  EXPECT_EQ(View(job).waiting_on, "workers: none is connected");
  AddWorker("red");
  EXPECT_EQ(View(job).waiting_on, "");
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
}

TEST_F(MasterTest, AJobThatNobodyRunsThoughSlotsAreFreeIsNotSaidToWaitForSlots) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  red.Report(FakeWorker::Failure(red.mail().launched[0], Cause::kWorkerFailed, "no space"));
  EXPECT_EQ(View(job).waiting_on,
            "a worker that can run it: slots are free, and `millrace diagnose job-1` says why none "
            "is used");
}

TEST_F(MasterTest, AReduceIsToldWhereAllMapOutputsAre) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  red.Report(red.Success(red.mail().launched[0]));
  blue.Report(blue.Success(blue.mail().launched[0]));
  Settle();
  const WorkerMail& mail = red.mail().launched.size() == 2 ? red.mail() : blue.mail();
  ASSERT_THAT(mail.launched, SizeIs(2));
  ASSERT_THAT(mail.sources.at(job), SizeIs(2));
  EXPECT_GT(mail.source_version.at(job), 0u);
}

TEST_F(MasterTest, ManySourcesAreToldInSeveralCalls) {
  FakeWorker& red = AddWorker("red", /*slots=*/4);
  const JobId job = Submit(WordCount("/out", /*maps=*/900)).job;
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_THAT(red.mail().sources.at(job), SizeIs(900));
  EXPECT_EQ(red.mail().source_version.at(job), 900u);
  EXPECT_EQ(red.mail().news_calls, 2u);
}

// However many maps and workers there are, what is on its way to a worker stays small.
TEST_F(MasterTest, OfTheCallsThatTellSourcesOnlyOneIsUnderWay) {
  FakeWorker& red = AddWorker("red", /*slots=*/4);
  const JobId job = Submit(WordCount("/out", /*maps=*/900)).job;
  for (size_t i = 0; i < 900; ++i) {
    if (i == 899) red.set_frozen(true);
    red.Send(red.Success(AttemptSpec(red.mail().launched.at(i))));
    Settle();
  }
  EXPECT_EQ(red.mail().news_calls, 1u);
  EXPECT_THAT(red.mail().sources.at(job), SizeIs(500));
  EXPECT_EQ(red.mail().source_version.at(job), 500u);
}

TEST_F(MasterTest, TwoJobsShareTheSlots) {
  FakeWorker& red = AddWorker("red", /*slots=*/2);
  const JobId first = Submit(WordCount("/out-1", /*maps=*/4)).job;
  const JobId second = Submit(WordCount("/out-2", /*maps=*/4)).job;
  EXPECT_THAT(red.mail().launched, SizeIs(2));  // the first had both slots
  red.Report(red.Success(red.mail().launched[0]));
  Settle();
  ASSERT_THAT(red.mail().launched, SizeIs(3));
  EXPECT_EQ(red.mail().launched[2].task.job, second);
  WorkAll();
  EXPECT_EQ(View(first).state, JobState::kSucceeded);
  EXPECT_EQ(View(second).state, JobState::kSucceeded);
}

TEST_F(MasterTest, ACancelledJobStopsItsAttemptsAndLeavesNothing) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  auto request = Jobs().cancelRequest();
  request.setJob(job.value());
  request.setReason("by a test");
  auto cancelled = request.send().wait(wait_scope_);
  Settle();
  EXPECT_TRUE(cancelled.getResult().isCancelled());
  EXPECT_EQ(View(job).state, JobState::kCancelled);
  EXPECT_THAT(View(job).error, HasSubstr("by a test"));
  EXPECT_THAT(red.mail().cancelled, ElementsAre(red.mail().launched[0].attempt));
  EXPECT_THAT(red.mail().released, ElementsAre(job));
  EXPECT_FALSE(Exists("/out"));
}

TEST_F(MasterTest, CancellingWhatIsNotThereSaysSo) {
  auto request = Jobs().cancelRequest();
  request.setJob(99);
  EXPECT_TRUE(request.send().wait(wait_scope_).getResult().isUnknownJob());
}

TEST_F(MasterTest, AFinishedJobCannotBeCancelled) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  WorkAll();
  auto request = Jobs().cancelRequest();
  request.setJob(job.value());
  auto response = request.send().wait(wait_scope_);
  ASSERT_TRUE(response.getResult().isAlreadyEnded());
  EXPECT_EQ(ReadMessageText(response.getResult().getAlreadyEnded()), "SUCCEEDED");
}

TEST_F(MasterTest, AFailingJobNamesItsCauseAndLeavesNothing) {
  FakeWorker& red = AddWorker("red");
  JobSpec spec = WordCount("/out");
  spec.max_attempts = 2;
  const JobId job = Submit(spec).job;
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(red.mail().launched, SizeIs(i + 1));
    EXPECT_EQ(red.Report(FakeWorker::Failure(red.mail().launched[i], Cause::kUserCodeFailed,
                                             "boom in /in/0:17")),
              OutcomeReply::kAccepted);
    Settle();
  }
  EXPECT_EQ(View(job).state, JobState::kFailed);
  EXPECT_THAT(View(job).error, HasSubstr("boom in /in/0:17"));
  EXPECT_FALSE(Exists("/out"));
  EXPECT_THAT(red.mail().released, ElementsAre(job));
}

// --- Watching ---

TEST_F(MasterTest, AWatchIsAnsweredWhenTheJobEnds) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  auto request = Jobs().watchRequest();
  request.setJob(job.value());
  request.setKnownVersion(View(job).version);
  request.setWaitMs(60'000);
  auto watched = request.send();
  EXPECT_FALSE(watched.poll(wait_scope_));
  WorkAll();
  ASSERT_TRUE(watched.poll(wait_scope_));
  const JobView view = *ReadJobView(watched.wait(wait_scope_).getResult().getJob());
  EXPECT_GE(view.state, JobState::kPublishing);
}

TEST_F(MasterTest, AWatchEndsWithItsTime) {
  const JobId job = Submit(WordCount("/out")).job;
  auto request = Jobs().watchRequest();
  request.setJob(job.value());
  request.setKnownVersion(View(job).version);
  request.setWaitMs(500);
  auto watched = request.send();
  Pass(400 * kj::MILLISECONDS);
  EXPECT_FALSE(watched.poll(wait_scope_));
  Pass(200 * kj::MILLISECONDS);
  EXPECT_TRUE(watched.poll(wait_scope_));
}

TEST_F(MasterTest, AttemptsAreListedInTheOrderTheyStarted) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  WorkAll();
  auto request = Jobs().attemptsRequest();
  request.setJob(job.value());
  request.setFirst(1);
  auto response = request.send().wait(wait_scope_);
  const auto attempts = response.getResult().getAttempts();
  ASSERT_EQ(attempts.size(), 2u);
  const AttemptView second = *ReadAttemptView(attempts[0]);
  EXPECT_EQ(second.task, (TaskId{job, 0, 1}));
  EXPECT_EQ(second.cause, Cause::kSucceeded);
  EXPECT_EQ(second.worker_name, "red");
  EXPECT_EQ(second.worker_pid, 4711u);
}

TEST_F(MasterTest, WorkersAreListedWithWhatTheyDo) {
  AddWorker("red", /*slots=*/2);
  Submit(WordCount("/out"));
  auto response = Jobs().workersRequest().send().wait(wait_scope_);
  ASSERT_EQ(response.getWorkers().size(), 1u);
  const WorkerView red = *ReadWorkerView(response.getWorkers()[0]);
  EXPECT_EQ(red.name, "red");
  EXPECT_EQ(red.host, "host-of-red");
  EXPECT_EQ(red.state, "alive");
  EXPECT_EQ(red.slots, 2u);
  EXPECT_EQ(red.busy, 1u);
  EXPECT_EQ(red.attempts, 1u);
}

TEST_F(MasterTest, ARunningAttemptHasTheStatusOfItsLastHeartbeat) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  const AttemptId attempt = red.mail().launched[0].attempt;
  const auto status = [&]() { return master_->views().Attempts(job, 0)->at(0).status; };
  EXPECT_EQ(status(), "");
  EXPECT_TRUE(red.Heartbeat({{attempt, "half\x1b way"}}));
  EXPECT_EQ(status(), "half? way");
  EXPECT_TRUE(red.Heartbeat({{attempt, std::string(5000, 'x')}}));
  EXPECT_EQ(status(), std::string(200, 'x'));
  red.Report(red.Success(red.mail().launched[0]));
  EXPECT_EQ(status(), "");
}

TEST_F(MasterTest, TheLogOfAnAttemptIsAskedForAtItsWorker) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  Submit(WordCount("/out", /*maps=*/2));
  const AttemptId attempt = red.mail().launched[0].attempt;
  const AttemptId silent{Epoch(1), 77};
  red.set_log(attempt, "words of red");
  WorkAll();  // the job is over
  const WorkerLogs logs = Logs(red.session().worker, {silent, attempt});
  EXPECT_EQ(logs.unavailable, "");
  ASSERT_THAT(logs.logs, SizeIs(2));
  EXPECT_FALSE(logs.logs[0].is_kept);
  EXPECT_TRUE(logs.logs[1].is_kept);
  EXPECT_EQ(logs.logs[1].text, "words of red");
  EXPECT_FALSE(Logs(blue.session().worker, {attempt}).logs.at(0).is_kept);
}

TEST_F(MasterTest, AWorkerThatGivesNoLogsIsNotLostForThat) {
  FakeWorker& red = AddWorker("red");
  red.set_frozen(true);
  EXPECT_THAT(Logs(red.session().worker, {AttemptId{Epoch(1), 1}}).unavailable,
              HasSubstr("worker red gave no answer: asking red for logs: no answer within 5 s"));
  red.set_frozen(false);
  EXPECT_TRUE(red.Heartbeat());
  EXPECT_EQ(Logs(red.session().worker, {AttemptId{Epoch(1), 1}}).unavailable, "");
}

TEST_F(MasterTest, OnlySoManyMayAskAWorkerForLogsAtATime) {
  FakeWorker& red = AddWorker("red");
  const std::vector<AttemptId> attempts = {AttemptId{Epoch(1), 1}};
  red.set_frozen(true);
  std::vector<kj::Promise<void>> asking;
  asking.reserve(64);
  for (int i = 0; i < 64; ++i) {
    asking.push_back(AskForLogs(red.session().worker, attempts).ignoreResult());
  }
  Settle();
  EXPECT_EQ(Logs(red.session().worker, attempts).unavailable,
            "worker red gave no answer: too many ask it for logs now");
  asking.clear();  // their clients hang up
  Settle();
  red.set_frozen(false);
  EXPECT_EQ(Logs(red.session().worker, attempts).unavailable, "");
}

TEST_F(MasterTest, TheLogsOfALostWorkerAreSaidToBeLostWithIt) {
  FakeWorker& red = AddWorker("red");
  red.Disconnect();
  EXPECT_EQ(Logs(red.session().worker, {AttemptId{Epoch(1), 1}}).unavailable,
            "worker red is not connected; ask again when it is back");
  Pass(11 * kj::SECONDS);
  EXPECT_EQ(Logs(red.session().worker, {AttemptId{Epoch(1), 1}}).unavailable,
            "worker red is lost; what its attempts wrote went with it");
  EXPECT_EQ(Logs(WorkerId(99), {AttemptId{Epoch(1), 1}}).unavailable,
            "worker-99 is lost; what its attempts wrote went with it");
}

// --- What is durable, and when ---

// The reply to the submit; the reduce's outcome and with it the order to publish; the job's end.
// The map's outcome shares one of them, and nothing is launched later because of any.
TEST_F(MasterTest, ASmallJobCostsThreeSyncs) {
  AddWorker("red");
  const uint64_t before = journal_.sync_count();
  const JobId job = Submit(WordCount("/out")).job;
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
  EXPECT_EQ(journal_.sync_count() - before, 3u);
}

TEST_F(MasterTest, AfterAKillAnAcceptedJobGoesOn) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  KillAndRestart(Epoch(2));
  ASSERT_EQ(View(job).state, JobState::kRunning);
  EXPECT_EQ(View(job).name, "wordcount");
  Pass(11 * kj::SECONDS);  // a lease: red does not return
  AddWorker("blue");
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  EXPECT_TRUE(Exists("/out/_SUCCESS"));
}

// Staging is not synced before there is a part in it.
TEST_F(MasterTest, AfterACrashOfTheHostAnAcceptedJobHasItsStagingAgain) {
  const JobId job = Submit(WordCount("/out")).job;
  fs_.Crash();
  const std::string nonce_path = NoncePath("/out", JobKey(job, "0123456789abcdef"));
  ASSERT_FALSE(Exists(nonce_path));
  KillAndRestart(Epoch(2));
  EXPECT_EQ(*ReadFile(fs_, nonce_path, 100), WordCount("/out").request_id);
}

TEST_F(MasterTest, AfterAKillWhatWasStagedAndNeverAcceptedIsRemoved) {
  const JobId job = Submit(WordCount("/out")).job;
  const std::string mine = JobKey(job, "0123456789abcdef");
  OutputCommitter committer(&fs_);
  ASSERT_TRUE(committer.Stage("/out", JobKey(JobId(2), "0123456789abcdef"), "nonce").ok());
  KillAndRestart(Epoch(2));
  EXPECT_THAT(*fs_.List("/out/_millrace"), ElementsAre(mine));
}

TEST_F(MasterTest, AfterAKillAFinishedJobIsStillListed) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  WorkAll();
  KillAndRestart(Epoch(2));
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
  EXPECT_EQ(View(job).output_folder, "/out");
}

TEST_F(MasterTest, StoppingKeepsWhatWasDecided) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  master_->Stop().wait(wait_scope_);
  KillAndRestart(Epoch(2));
  EXPECT_EQ(View(job).state, JobState::kRunning);
}

}  // namespace
}  // namespace millrace
