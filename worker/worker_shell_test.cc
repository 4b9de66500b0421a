#include "worker/worker_shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/wire_logs.h"
#include "storage/run_writer.h"
#include "worker/testdata/shell_fixture.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class WorkerShellTest : public ShellFixture {
 protected:
  void Cancel(const AttemptId& attempt) {
    auto request = worker().cancelRequest();
    Write(script_.session, request.initSession());
    Write(attempt, request.initAttempt());
    request.send().wait(scope_);
    Settle();
  }
  void ReleaseJob() {
    auto request = worker().releaseJobRequest();
    Write(script_.session, request.initSession());
    request.setJob(1);
    request.send().wait(scope_);
    Settle();
  }
  template <typename Request>
  void SendNames(Request request, const std::vector<AttemptId>& attempts) {
    Write(script_.session, request.initSession());
    auto outputs = request.initOutputs(attempts.size());
    for (size_t i = 0; i < attempts.size(); ++i) {
      Write(attempts[i], outputs[i].initAttempt());
      Write(TaskId{JobId(1), 0, 0}, outputs[i].initTask());
    }
    request.send().wait(scope_);
    Settle();
  }
  void Retain(const AttemptId& attempt) { SendNames(worker().retainOutputsRequest(), {attempt}); }
  void Drop(const AttemptId& attempt) { SendNames(worker().dropOutputsRequest(), {attempt}); }
  std::vector<AttemptLog> Logs(const WorkerSessionId& session,
                               const std::vector<AttemptId>& attempts) {
    auto request = worker().attemptLogsRequest();
    Write(session, request.initSession());
    WriteLogRequest(attempts, request.initAttempts(attempts.size()));
    return *ReadAttemptLogs(request.send().wait(scope_).getLogs());
  }
  AttemptLog LogOf(const AttemptId& attempt) { return Logs(script_.session, {attempt}).at(0); }
  void GrantSlot(const AttemptId& attempt) {
    auto request = worker().grantSlotRequest();
    Write(script_.session, request.initSession());
    Write(attempt, request.initAttempt());
    request.send().wait(scope_);
    Settle();
  }
  void PublishSources(uint64_t version, const std::vector<MapSource>& sources) {
    auto request = worker().publishSourcesRequest();
    Write(script_.session, request.initSession());
    request.setJob(1);
    request.setVersion(version);
    auto out = request.initSources(sources.size());
    for (size_t i = 0; i < sources.size(); ++i) Write(sources[i], out[i]);
    request.send().wait(scope_);
    Settle();
  }
  static std::string OutputOf(const AttemptId& attempt, uint32_t index = 0) {
    return MapOutputPath("/scratch", TaskId{JobId(1), 0, index}, attempt);
  }
};

TEST_F(WorkerShellTest, RegistersAndSaysOncePerPeriodThatItLives) {
  Connect();
  ASSERT_THAT(script_.registrations, SizeIs(1));
  EXPECT_EQ(script_.registrations[0].info.name, "red");
  EXPECT_EQ(script_.registrations[0].info.slots, 2u);
  EXPECT_TRUE(shell_->has_session());
  EXPECT_EQ(script_.heartbeats, 0);
  for (int i = 0; i < 3; ++i) Advance(1 * kj::SECONDS);
  EXPECT_EQ(script_.heartbeats, 3);
}

TEST_F(WorkerShellTest, AMapRunsAtOnceAndItsOutcomeIsReported) {
  Connect();
  EXPECT_EQ(Prepare(Job()), "");
  const AttemptId map = LaunchMap(1, 3);
  ASSERT_TRUE(executors_.IsRunning(map));
  EXPECT_THAT(executors_.commands[0].argv, ElementsAre("job", "--flag"));
  EXPECT_EQ(executors_.commands[0].binary_path, "/bin/job");
  const ExecutorTask& task = executors_.TaskOf(map);
  EXPECT_EQ(task.output_path, OutputOf(map, 3));
  EXPECT_THAT(task.environment, ElementsAre("MILLRACE_JOB=job-1", "MILLRACE_TASK=map-00003",
                                            "MILLRACE_ATTEMPT=attempt-1-1", "MILLRACE_WORKER=red",
                                            "MILLRACE_REDUCERS=2", "MILLRACE_INPUT_FILE=/input"));
  EXPECT_TRUE(Exists(task.temp_folder));
  const std::string temp_folder = task.temp_folder;
  Succeed(map);
  ASSERT_THAT(script_.reports, SizeIs(1));
  EXPECT_EQ(script_.reports[0].cause, Cause::kSucceeded);
  EXPECT_TRUE(Exists(OutputOf(map, 3))) << "reduces will read it";
  EXPECT_FALSE(Exists(temp_folder));
}

TEST_F(WorkerShellTest, HeartbeatsCarryProgress) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Advance(1 * kj::SECONDS);
  Advance(1 * kj::SECONDS);
  EXPECT_THAT(script_.progress, ElementsAre(Pair(map, 42u)));
}

TEST_F(WorkerShellTest, HeartbeatsCarryWhatAttemptsSayOfThemselves) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  executors_.status = "half way";
  Advance(1 * kj::SECONDS);
  Advance(1 * kj::SECONDS);
  EXPECT_THAT(script_.statuses, ElementsAre(Pair(map, "half way")));
}

TEST_F(WorkerShellTest, AnExecutorThatDoesNotAnswerForAMinuteIsKilled) {
  Connect();
  EXPECT_EQ(Prepare(Job()), "");
  const AttemptId map = LaunchMap(1);
  executors_.frozen = true;
  for (int second = 0; second < 60; ++second) Advance(1 * kj::SECONDS);
  EXPECT_TRUE(executors_.IsRunning(map));
  for (int second = 0; second < 2; ++second) Advance(1 * kj::SECONDS);
  EXPECT_FALSE(executors_.IsRunning(map));
  ASSERT_THAT(script_.reports, SizeIs(1));
  EXPECT_EQ(script_.reports[0].cause, Cause::kTimedOut);
  EXPECT_THAT(script_.reports[0].message, HasSubstr("did not answer for 60 s"));
}

// As when the machine was suspended: nobody was asked meanwhile.
TEST_F(WorkerShellTest, AnExecutorThatMissesOneQuestionForHoursIsNotKilled) {
  Connect();
  EXPECT_EQ(Prepare(Job()), "");
  const AttemptId map = LaunchMap(1);
  executors_.frozen = true;
  for (int second = 0; second < 3; ++second) Advance(1 * kj::SECONDS);
  Advance(2 * kj::HOURS);
  EXPECT_TRUE(executors_.IsRunning(map));
}

TEST_F(WorkerShellTest, ASlowDiskStopsNoHeartbeat) {
  Connect();
  Prepare(Job());
  io_.hold = true;
  const AttemptId map = LaunchMap(1);
  for (int i = 0; i < 20; ++i) Advance(1 * kj::SECONDS);
  EXPECT_EQ(script_.heartbeats, 20);
  EXPECT_FALSE(executors_.IsRunning(map)) << "its folder is not there yet";
  io_.Release();
  Settle();
  EXPECT_TRUE(executors_.IsRunning(map));
}

TEST_F(WorkerShellTest, AFrozenExecutorStopsNoHeartbeat) {
  Connect();
  Prepare(Job());
  LaunchMap(1);
  executors_.frozen = true;
  for (int i = 0; i < 20; ++i) Advance(1 * kj::SECONDS);
  EXPECT_EQ(script_.heartbeats, 20);
}

TEST_F(WorkerShellTest, AnAttemptLaunchedTwiceRunsOnce) {
  Connect();
  Prepare(Job());
  LaunchMap(1);
  LaunchMap(1);
  EXPECT_EQ(executors_.running(), 1u);
}

TEST_F(WorkerShellTest, NeverRunsMoreThanItHasSlots) {
  Connect();
  Prepare(Job());
  const AttemptId one = LaunchMap(1, 0);
  LaunchMap(2, 1);
  const AttemptId three = LaunchMap(3, 2);
  EXPECT_EQ(executors_.running(), 2u);
  Succeed(one);
  EXPECT_TRUE(executors_.IsRunning(three));
}

TEST_F(WorkerShellTest, AHostThatDoesNotSeeTheOutputSaysSo) {
  Connect();
  EXPECT_EQ(Prepare(Job(), /*visible=*/false),
            "it does not see the output folder /output: is the shared folder mounted there?");
}

// Of a job that keeps its map outputs.
class KeepingWorkerTest : public WorkerShellTest {
 protected:
  KeepingWorkerTest() {
    job_ = Job();
    job_.keep_folder = "/keep";
    Connect();
  }
  void Mount() {
    const std::string nonce = KeptNoncePath(Folder());
    EXPECT_TRUE(files_.CreateFolders(Folder()).ok());
    EXPECT_TRUE(WriteFileAtomically(files_, nonce, job_.nonce).ok());
  }
  std::string Folder() const { return KeptFolder(job_.keep_folder, job_.staging_key); }
  std::string KeptOf(const AttemptId& attempt) const {
    return KeptOutputPath(Folder(), TaskId{JobId(1), 0, 0}, attempt);
  }
  // The output of a map that emitted nothing.
  MapSource KeepEmptyRun(uint32_t map) {
    const AttemptId attempt{Epoch(1), map + 1};
    RunWriterOptions options;
    options.maker = {1, attempt.sequence, /*job=*/1, /*stage=*/0, map};
    options.partitions = 2;
    const std::string path = KeptOutputPath(Folder(), TaskId{JobId(1), 0, map}, attempt);
    const absl::StatusOr<RunFooter> run = (*RunWriter::Create(&files_, path, options))->Finish();
    EXPECT_TRUE(run.ok()) << run.status();
    return MapSource{map, attempt, WorkerId(7), run->digest};
  }
  // What a refresh finds out goes with the next heartbeat.
  void AdvanceTwice() {
    for (int i = 0; i < 2; ++i) Advance(1 * kj::SECONDS);
  }

  JobContext job_;
};

TEST_F(KeepingWorkerTest, AHostThatDoesNotSeeTheFolderSaysSo) {
  EXPECT_THAT(Prepare(job_), HasSubstr("does not see the folder /keep of --keep_intermediate"));
  Mount();
  EXPECT_EQ(Prepare(job_), "");
}

TEST_F(KeepingWorkerTest, AMapsOutputIsKeptBeyondTheEndOfItsWorkersPart) {
  Mount();
  Prepare(job_);
  const AttemptId map = LaunchMap(1);
  ASSERT_TRUE(executors_.IsRunning(map));
  EXPECT_EQ(executors_.TaskOf(map).output_path, KeptOf(map));
  EXPECT_TRUE(executors_.TaskOf(map).keeps_output);
  Succeed(map);
  EXPECT_TRUE(Exists(KeptOf(map)));
  ReleaseJob();
  EXPECT_TRUE(Exists(KeptOf(map))) << "it is the master's to remove";
}

TEST_F(KeepingWorkerTest, AnOutputThatDidNotWinIsRemovedFromWhereItLies) {
  Mount();
  Prepare(job_);
  script_.verdict = capnp_master::Verdict::SUPERSEDED;
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  EXPECT_FALSE(Exists(KeptOf(map)));
}

TEST_F(KeepingWorkerTest, AReducesStepsAreThoseOfItsFetchingAndThenThoseOfItsExecutorToo) {
  Mount();
  job_.map_count = 2;
  Prepare(job_);
  const AttemptId reduce = LaunchReduce(9);
  const MapSource first = KeepEmptyRun(0);
  PublishSources(1, {first});
  AdvanceTwice();
  EXPECT_THAT(script_.steps, ElementsAre(Pair(reduce, 1u)));
  PublishSources(2, {first, KeepEmptyRun(1)});
  GrantSlot(reduce);
  AdvanceTwice();
  EXPECT_THAT(script_.steps, ElementsAre(Pair(reduce, 2u + 49u)));
}

TEST_F(WorkerShellTest, AChangedBinaryMakesTheJobInvalid) {
  Connect();
  Prepare(Job());
  ASSERT_TRUE(WriteFileAtomically(files_, "/bin/job", "another program").ok());
  LaunchMap(1);
  ASSERT_THAT(script_.reports, SizeIs(1));
  EXPECT_EQ(script_.reports[0].cause, Cause::kJobInvalid);
  EXPECT_THAT(script_.reports[0].message, HasSubstr("changed after the job was submitted"));
}

TEST_F(WorkerShellTest, ASupersededOutputIsRemoved) {
  script_.verdict = capnp_master::Verdict::SUPERSEDED;
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  EXPECT_FALSE(Exists(OutputOf(map)));
}

TEST_F(WorkerShellTest, ACancelledAttemptEndsSilentlyAndLeavesNothing) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  const std::string temp_folder = executors_.TaskOf(map).temp_folder;
  Cancel(map);
  EXPECT_FALSE(executors_.IsRunning(map));
  EXPECT_THAT(script_.reports, IsEmpty());
  EXPECT_FALSE(Exists(temp_folder));
}

TEST_F(WorkerShellTest, TheEndOfAJobRemovesItsOutputs) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  const AttemptId running = LaunchMap(2, 1);
  ReleaseJob();
  EXPECT_FALSE(Exists("/scratch/job-1"));
  EXPECT_FALSE(executors_.IsRunning(running));
  LaunchMap(3, 2);
  ASSERT_THAT(script_.reports, SizeIs(2));
  EXPECT_EQ(script_.reports[1].cause, Cause::kWorkerFailed) << "the job is not known any more";
}

TEST_F(WorkerShellTest, WhatAttemptsWroteIsToldWhileTheyRunAndBeyondTheEndOfTheirJob) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  executors_.written[map] = "so far";
  EXPECT_EQ(LogOf(map).text, "so far");
  executors_.written[map] = "so far, so good";
  Succeed(map);
  const AttemptId other = LaunchMap(2, 1);  // in the same executor
  executors_.written[other] = "another";
  Cancel(other);
  ReleaseJob();
  EXPECT_EQ(LogOf(map).text, "so far, so good");
  EXPECT_EQ(LogOf(other).text, "another") << "also of one that was stopped";
  EXPECT_FALSE(LogOf(AttemptId{Epoch(1), 9}).is_kept);
}

TEST_F(WorkerShellTest, OfAnAttemptThatHasNoExecutorYetItIsKnownThatItHasWrittenNothing) {
  Connect();
  Prepare(Job(/*maps=*/1));
  const AttemptLog log = LogOf(LaunchReduce(1));
  EXPECT_TRUE(log.is_kept);
  EXPECT_EQ(log.text, "");
}

TEST_F(WorkerShellTest, LogsAreOfOneClusterAndForItsMasterAlone) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  executors_.written[map] = "words";
  Succeed(map);
  WorkerSessionId stale = script_.session;
  stale.incarnation = Incarnation(99);
  EXPECT_THAT(Logs(stale, {map}), IsEmpty());
  Disconnect();
  Connect();
  EXPECT_EQ(LogOf(map).text, "words");
  Disconnect();
  script_.cluster_id = "cluster-b";
  Connect();  // learns that this is somebody else
  Disconnect();
  Connect();
  EXPECT_FALSE(LogOf(map).is_kept);
}

TEST_F(WorkerShellTest, AnOutputToRetainOutlivesItsJobAndIsListedUntilItIsDropped) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  const AttemptId other = LaunchMap(2, 1);
  Succeed(other);
  Retain(map);
  ReleaseJob();
  EXPECT_TRUE(Exists(OutputOf(map)));
  EXPECT_FALSE(Exists(OutputOf(other, 1)));
  Disconnect();
  Connect();
  EXPECT_THAT(script_.registrations.back().outputs, ElementsAre(map));
  EXPECT_THAT(script_.registrations.back().jobs, IsEmpty());
  Drop(map);
  EXPECT_FALSE(Exists("/scratch/job-1"));
}

TEST_F(WorkerShellTest, AnOutputIsRetainedThoughItsReportWasNotAnswered) {
  script_.answers_reports = false;
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  Retain(map);
  ReleaseJob();
  EXPECT_TRUE(Exists(OutputOf(map)));
}

TEST_F(WorkerShellTest, AnotherClusterFindsNothingRetained) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  Retain(map);
  ReleaseJob();
  Disconnect();
  script_.cluster_id = "cluster-b";
  Connect();
  EXPECT_FALSE(Exists(OutputOf(map)));
}

// Its master was killed before it had answered, or before its journal knew of the job; its
// successor gives the number away again.
TEST_F(WorkerShellTest, AnotherJobOfTheSameNumberFindsNothingOfTheFirst) {
  script_.answers_reports = false;
  Connect();
  JobContext first = Job(/*maps=*/4, /*reducers=*/0);
  first.output_folder = "/first";
  first.nonce_path = NoncePath(first.output_folder, first.staging_key);
  first.nonce = "of the first";
  Prepare(first);
  const AttemptId running = LaunchMap(2, 1);
  const AttemptId done = LaunchMap(1);
  Succeed(done);  // its executor is kept warm
  Disconnect();
  const std::string part = StagedPartPath("/first", first.staging_key, 0, done);
  ASSERT_TRUE(Exists(part));

  Connect();
  Prepare(Job());
  EXPECT_FALSE(executors_.IsRunning(running));
  EXPECT_FALSE(Exists(part));
  const AttemptId other = LaunchMap(3);
  EXPECT_EQ(executors_.commands.size(), 3u) << "the warm executor runs the first job's program";
  Succeed(other);
  EXPECT_TRUE(Exists(OutputOf(other)));
}

TEST_F(WorkerShellTest, AReduceAsksForASlotOnceItHasItsSourcesAndRunsWhenGranted) {
  Connect();
  Prepare(Job(/*maps=*/0));
  const AttemptId reduce = LaunchReduce(1);
  EXPECT_THAT(script_.ready, ElementsAre(Pair(reduce, 0u)));
  EXPECT_EQ(executors_.running(), 0u) << "fetching takes no slot";
  GrantSlot(reduce);
  ASSERT_TRUE(executors_.IsRunning(reduce));
  EXPECT_EQ(executors_.TaskOf(reduce).output_path,
            StagedPartPath("/output", "job-1-cluster", 0, reduce));
}

TEST_F(WorkerShellTest, AReduceWithASourceMissingWaitsForIt) {
  Connect();
  Prepare(Job(/*maps=*/1));
  const AttemptId reduce = LaunchReduce(1);
  PublishSources(1, {MapSource{0, AttemptId(), WorkerId(), Digest()}});  // lost
  EXPECT_THAT(script_.ready, IsEmpty());
  GrantSlot(reduce);
  EXPECT_EQ(executors_.running(), 0u);
}

TEST_F(WorkerShellTest, WhatALostConnectionLeftUnansweredIsReportedInTheNextSession) {
  script_.answers_reports = false;
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  Disconnect();
  EXPECT_THAT(lost_, HasSubstr("has ended"));
  EXPECT_FALSE(shell_->has_session());

  script_.answers_reports = true;
  Connect();
  ASSERT_THAT(script_.reports, SizeIs(2));
  EXPECT_EQ(script_.reports[1].attempt, map);
  EXPECT_TRUE(Exists(OutputOf(map)));
}

TEST_F(WorkerShellTest, ItRegistersAgainWithAllItHas) {
  Connect();
  Prepare(Job());
  const AttemptId done = LaunchMap(1, 0);
  Succeed(done);
  const AttemptId running = LaunchMap(2, 1);
  script_.answers_reports = false;
  const AttemptId unanswered = LaunchMap(3, 2);
  Succeed(unanswered);
  Disconnect();
  Connect();
  ASSERT_THAT(script_.registrations, SizeIs(2));
  EXPECT_THAT(script_.registrations[1].outputs, ElementsAre(done));
  EXPECT_THAT(script_.registrations[1].attempts, ElementsAre(running, unanswered));
  EXPECT_THAT(script_.registrations[1].jobs, ElementsAre(JobId(1)));
  EXPECT_TRUE(executors_.IsRunning(running)) << "a lost connection costs no work";
}

TEST_F(WorkerShellTest, AReduceWithoutSourcesAsksForItsSlotInEachSession) {
  Connect();
  Prepare(Job(/*maps=*/0));
  const AttemptId reduce = LaunchReduce(1);
  Disconnect();
  Connect();
  EXPECT_THAT(script_.ready, ElementsAre(Pair(reduce, 0u), Pair(reduce, 0u)));
}

TEST_F(WorkerShellTest, ItSaysWhichReducesHaveASlotWhenItRegistersAgain) {
  Connect();
  Prepare(Job(/*maps=*/0));
  const AttemptId granted = LaunchReduce(1, 0);
  const AttemptId waiting = LaunchReduce(2, 1);
  GrantSlot(granted);
  Disconnect();
  Connect();
  ASSERT_THAT(script_.registrations, SizeIs(2));
  EXPECT_THAT(script_.registrations[1].attempts, ElementsAre(granted, waiting));
  EXPECT_THAT(script_.registrations[1].with_slots, ElementsAre(granted));
}

TEST_F(WorkerShellTest, AnOutputThatWasMadeAnewElsewhereIsRemoved) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Succeed(map);
  ASSERT_TRUE(Exists(OutputOf(map)));
  Cancel(map);
  EXPECT_FALSE(Exists(OutputOf(map)));
  Disconnect();
  Connect();
  EXPECT_THAT(script_.registrations[1].outputs, IsEmpty());
}

TEST_F(WorkerShellTest, AnotherClusterFindsANewAndEmptyWorker) {
  Connect();
  Prepare(Job());
  Succeed(LaunchMap(1));
  Disconnect();
  script_.cluster_id = "cluster-b";
  Connect();  // says what it has, and learns that this is somebody else
  EXPECT_THAT(lost_, HasSubstr("another cluster"));
  EXPECT_FALSE(Exists("/scratch/job-1"));
  Disconnect();
  Connect();
  ASSERT_THAT(script_.registrations, SizeIs(3));
  EXPECT_THAT(script_.registrations[2].outputs, IsEmpty());
  EXPECT_NE(script_.registrations[2].info.incarnation, script_.registrations[0].info.incarnation);
}

TEST_F(WorkerShellTest, AMessageOfAnotherSessionIsDroppedAndCounted) {
  Connect();
  Prepare(Job());
  script_.session.epoch = Epoch(9);
  LaunchMap(1);
  EXPECT_EQ(executors_.running(), 0u);
  EXPECT_EQ(shell_->stale_messages(), 1u);
}

TEST_F(WorkerShellTest, ASessionThatTheMasterEndedIsLeft) {
  Connect();
  script_.session_is_current = false;
  Advance(1 * kj::SECONDS);
  EXPECT_THAT(lost_, HasSubstr("ended the session"));
  EXPECT_FALSE(shell_->has_session());
}

TEST_F(WorkerShellTest, OrphansEndAfterAWhile) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  Disconnect();
  Advance(59 * kj::SECONDS);
  EXPECT_TRUE(executors_.IsRunning(map));
  Advance(2 * kj::SECONDS);
  EXPECT_FALSE(executors_.IsRunning(map));
}

TEST_F(WorkerShellTest, DrainingWaitsForWhatRunsAndForItsReport) {
  Connect();
  Prepare(Job());
  const AttemptId map = LaunchMap(1);
  kj::Promise<void> drained = shell_->Drain();
  EXPECT_FALSE(drained.poll(scope_));
  EXPECT_TRUE(script_.draining);
  script_.answers_reports = false;
  Succeed(map);
  EXPECT_FALSE(drained.poll(scope_)) << "not before the master has answered";
  Disconnect();
  EXPECT_TRUE(drained.poll(scope_)) << "without a master nothing can be reported";
}

TEST_F(WorkerShellTest, AnIdleWorkerDrainsAtOnce) {
  Connect();
  EXPECT_TRUE(shell_->Drain().poll(scope_));
}

TEST_F(WorkerShellTest, CanBeDestroyedWhileAttemptsRun) {
  Connect();
  Prepare(Job(/*maps=*/1));
  LaunchMap(1);
  LaunchReduce(2);
  serving_ = nullptr;
  shell_ = nullptr;
  EXPECT_EQ(executors_.running(), 0u);
}

}  // namespace
}  // namespace millrace
