#include "worker/process_executor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/child_process.h"
#include "worker/testdata/executor_fixture.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class ProcessExecutorTest : public ExecutorFixture {
 protected:
  // Where the order at `offset` of the last task's input stands.
  std::string Position(uint64_t offset) const {
    return PathOf("input-" + std::to_string(attempts_)) + ":" + std::to_string(offset);
  }
};

TEST_F(ProcessExecutorTest, RunsAttemptsOneAfterTheOtherInOneProcess) {
  kj::Own<Executor> executor = Start();
  AttemptOutcome outcome = Run(*executor, "count a\ncount b\n");
  EXPECT_EQ(outcome.cause, Cause::kSucceeded) << outcome.message;
  EXPECT_EQ(Output(), "a\t1\nb\t1\n");
  EXPECT_GT(outcome.stats.wall_us, 0u);
  EXPECT_GT(outcome.stats.peak_memory_bytes, 0u);

  outcome = Run(*executor, "count c\n");
  EXPECT_EQ(outcome.cause, Cause::kSucceeded) << outcome.message;
  EXPECT_EQ(outcome.attempt, (AttemptId{Epoch(1), 2}));
  EXPECT_EQ(Output(), "c\t1\n");
  EXPECT_TRUE(executor->alive());
}

TEST_F(ProcessExecutorTest, UserCodeSeesTheClientsAndTheAttemptsEnvironment) {
  kj::Own<Executor> executor = Start();
  ExecutorTask task =
      Map("environment GIVEN\nenvironment MILLRACE_TASK\nenvironment MILLRACE_EXECUTOR_FD\n");
  task.environment = {"MILLRACE_TASK=map-00001"};
  EXPECT_EQ(executor->Run(task).wait(io_.waitScope).cause, Cause::kSucceeded);
  EXPECT_EQ(Output(),
            "GIVEN=by the client\t1\nMILLRACE_TASK=map-00001\t1\n"
            "MILLRACE_EXECUTOR_FD=\t1\n");
}

TEST_F(ProcessExecutorTest, AnExceptionFailsTheAttemptAndTheExecutorGoesOn) {
  kj::Own<Executor> executor = Start();
  const AttemptOutcome outcome = Run(*executor, "count a\nprint so far\nthrow no luck\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_EQ(outcome.message, "user code threw an exception: no luck");
  EXPECT_EQ(outcome.position, Position(21));
  EXPECT_EQ(outcome.stderr_tail, "so far");
  EXPECT_EQ(Run(*executor, "count a\n").cause, Cause::kSucceeded);
}

TEST_F(ProcessExecutorTest, APoliteFailureCarriesItsMessage) {
  kj::Own<Executor> executor = Start();
  const AttemptOutcome outcome = Run(*executor, "fail line 1 makes no sense\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_THAT(outcome.message, HasSubstr("line 1 makes no sense"));
}

TEST_F(ProcessExecutorTest, ACrashNamesSignalRecordAndLastWords) {
  kj::Own<Executor> executor = Start();
  const AttemptOutcome outcome = Run(*executor, "count a\ncomplain I feel ill\ncrash\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_EQ(outcome.message,
            "the job's process was killed by SIGSEGV before it finished the attempt");
  EXPECT_EQ(outcome.position, Position(28));
  EXPECT_THAT(outcome.stderr_tail, HasSubstr("I feel ill"));
  EXPECT_FALSE(executor->alive());
}

TEST_F(ProcessExecutorTest, TheLastGaspNamesTheRecordAndTheNextAttemptGoesOnWithoutIt) {
  ExecutorTask task = Map("count a\ncrash\ncount b\nthrow x\ncount c\n");
  const std::string file = std::get<InputSplit>(task.work)[0].file.path;
  task.one_by_one = true;
  const AttemptOutcome crashed = Start()->Run(task).wait(io_.waitScope);
  EXPECT_EQ(crashed.cause, Cause::kUserCodeFailed);
  EXPECT_EQ(crashed.record, (InputRecord{file, 8, 6}));

  kj::Own<Executor> executor = Start();
  task.skip = {crashed.record};
  const AttemptOutcome threw = executor->Run(task).wait(io_.waitScope);
  EXPECT_EQ(threw.cause, Cause::kUserCodeFailed);
  EXPECT_EQ(threw.record, (InputRecord{file, 22, 8}));

  task.skip = {crashed.record, threw.record};
  EXPECT_EQ(executor->Run(task).wait(io_.waitScope).cause, Cause::kSucceeded);
  EXPECT_EQ(Output(), "a\t1\nb\t1\nc\t1\n");
}

TEST_F(ProcessExecutorTest, AnExitNamesItsCode) {
  EXPECT_THAT(Run(*Start(), "exit 1\n").message, HasSubstr("exited with 1 before it finished"));
  EXPECT_THAT(Run(*Start(), "exit 0\n").message, HasSubstr("exited with 0 before it finished"));
  EXPECT_THAT(Run(*Start(), "abort\n").message, HasSubstr("killed by SIGABRT"));
}

TEST_F(ProcessExecutorTest, AKillBySomebodyElseNamesBothWhoMayHaveDoneIt) {
  const AttemptOutcome outcome = Run(*Start(), "count a\nkill\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_EQ(outcome.message,
            "the job's process was killed by SIGKILL before it finished the attempt (signal 9: by "
            "the kernel for lack of memory, see its log, or by a person)");
  EXPECT_EQ(outcome.position, Position(8));
}

TEST_F(ProcessExecutorTest, OneThatClosesItsSocketIsEnded) {
  const AttemptOutcome outcome = Run(*Start(), "close\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
}

TEST_F(ProcessExecutorTest, OneThatEndsAtItsStartSaysWhy) {
  const AttemptOutcome outcome = Run(*Start("--at_start=exit"), "count a\n");
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_THAT(outcome.message, HasSubstr("exited with 7"));
  EXPECT_EQ(outcome.stderr_tail, "no such option");
}

TEST_F(ProcessExecutorTest, OneThatNeverAnswersIsEnded) {
  ProcessExecutorOptions options;
  options.start_timeout = 1 * kj::MILLISECONDS;
  ProcessExecutorFactory factory(*io_.lowLevelProvider, io_.unixEventPort, io_.provider->getTimer(),
                                 options);
  auto executor = factory.Start(Command("--at_start=hang"));
  ASSERT_TRUE(executor.ok()) << executor.status();
  const AttemptOutcome outcome = (*executor)->Run(Map("count a\n")).wait(io_.waitScope);
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_THAT(outcome.message, HasSubstr("main must call the launcher"));
}

TEST_F(ProcessExecutorTest, AKilledAttemptEndsAsCancelled) {
  Fifo fifo(io_, PathOf("started"));
  kj::Own<Executor> executor = Start();
  const std::string told = "tell " + fifo.path() + "\n";
  kj::Promise<AttemptOutcome> run = executor->Run(Map(told + "wait\n"));
  fifo.AwaitByte();
  const AttemptProgress progress = executor->Progress().wait(io_.waitScope);
  EXPECT_LE(progress.bytes, told.size()) << "it is at its second record at most";
  EXPECT_EQ(progress.records, 0u) << "its first chunk is not done";
  executor->Kill();
  EXPECT_EQ(run.wait(io_.waitScope).cause, Cause::kCancelled);
  EXPECT_FALSE(executor->alive());
}

TEST_F(ProcessExecutorTest, WhatUserCodeLeftBehindDiesWithTheExecutor) {
  Fifo fifo(io_, PathOf("left"));
  kj::Own<Executor> executor = Start();
  EXPECT_EQ(Run(*executor, "leave " + fifo.path() + "\n").cause, Cause::kSucceeded);
  fifo.AwaitByte();
  executor = nullptr;
  fifo.AwaitEnd();
}

TEST_F(ProcessExecutorTest, AnExecutorEndsWhenItsWorkerHasDied) {
  int sockets[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
  const ExecutorCommand command = Command();
  ChildOptions options;
  options.path = command.binary_path;
  options.argv = command.argv;
  options.environment = {"MILLRACE_EXECUTOR_FD=3"};
  options.fds = {{sockets[1], 3}};
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  close(sockets[1]);
  EXPECT_FALSE((*child)->Reap().has_value());
  close(sockets[0]);  // what the kernel does to a worker that is killed
  EXPECT_EQ((*child)->Wait().Describe(), "killed by SIGKILL");
}

TEST_F(ProcessExecutorTest, MuchOutputNeitherBlocksNorGrows) {
  std::string lines;
  for (int i = 0; i < 20000; ++i) lines += "complain line " + std::to_string(i) + "\n";
  kj::Own<Executor> executor = Start();
  const AttemptOutcome outcome = Run(*executor, lines + "throw enough\n");
  EXPECT_EQ(outcome.message, "user code threw an exception: enough");
  EXPECT_EQ(outcome.stderr_tail.substr(0, 10), "line 19980");
}

TEST_F(ProcessExecutorTest, EachAttemptHasALogOfItsOwnHoweverItEnds) {
  kj::Own<Executor> executor = Start();
  EXPECT_EQ(Run(*executor, "complain first\nprint of two\n").cause, Cause::kSucceeded);
  EXPECT_EQ(executor->Log().text, "first\nof two\n");
  EXPECT_EQ(Run(*executor, "complain second\nthrow it\n").cause, Cause::kUserCodeFailed);
  EXPECT_EQ(executor->Log().text, "second\n");
  EXPECT_EQ(Run(*executor, "count a\n").cause, Cause::kSucceeded);
  EXPECT_EQ(executor->Log().text, "");
  EXPECT_EQ(Run(*executor, "complain third\ncrash\n").cause, Cause::kUserCodeFailed);
  EXPECT_THAT(executor->Log().text, HasSubstr("third"));
}

TEST_F(ProcessExecutorTest, WhatAnAttemptSaysOfItselfIsPartOfItsProgressAndOfNoOthers) {
  Fifo fifo(io_, PathOf("started"));
  const std::string status = "complain reporter:status:half way\n";
  const std::string stay = "tell " + fifo.path() + "\nwait\n";
  kj::Own<Executor> executor = Start();
  kj::Promise<AttemptOutcome> run = executor->Run(Map(status + stay));
  fifo.AwaitByte();
  EXPECT_EQ(executor->Progress().wait(io_.waitScope).status, "half way");
  executor->Kill();
  run.wait(io_.waitScope);

  executor = Start();
  EXPECT_EQ(Run(*executor, status).cause, Cause::kSucceeded);
  run = executor->Run(Map(stay));
  fifo.AwaitByte();
  EXPECT_EQ(executor->Progress().wait(io_.waitScope).status, "");
  executor->Kill();
  run.wait(io_.waitScope);
}

TEST_F(ProcessExecutorTest, OfARunningAttemptTheLogIsWhatItHasWrittenSoFar) {
  Fifo fifo(io_, PathOf("started"));
  kj::Own<Executor> executor = Start();
  kj::Promise<AttemptOutcome> run =
      executor->Run(Map("complain here\ntell " + fifo.path() + "\nwait\n"));
  fifo.AwaitByte();
  EXPECT_EQ(executor->Log().text, "here\n");
  executor->Kill();
  EXPECT_EQ(run.wait(io_.waitScope).cause, Cause::kCancelled);
  EXPECT_EQ(executor->Log().text, "here\n") << "also when it was stopped";
}

TEST_F(ProcessExecutorTest, AChangedInputMakesTheJobInvalid) {
  kj::Own<Executor> executor = Start();
  ExecutorTask task = Map("count a\n");
  std::get<InputSplit>(task.work)[0].file.size += 1;
  EXPECT_EQ(executor->Run(task).wait(io_.waitScope).cause, Cause::kJobInvalid);
}

}  // namespace
}  // namespace millrace
