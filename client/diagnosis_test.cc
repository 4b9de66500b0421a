#include "client/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kError[] =
    "job \"wordcount\" (job-3) failed: map-00007 failed 4 times in user code, its limit; last "
    "attempt-1-4 on worker w2: ...";

JobView Job(JobState state, const std::string& error = "") {
  JobView job;
  job.job = JobId(3);
  job.name = "wordcount";
  job.state = state;
  job.error = error;
  job.submitted_unix_ms = 1000;
  job.wall_ms = 8000;
  job.workers_joined = 2;
  job.output_folder = "/out";
  return job;
}

AttemptView Attempt(uint64_t sequence, StageKind kind, uint32_t index, Reason reason, Cause cause) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), sequence};
  attempt.kind = kind;
  attempt.task = TaskId{JobId(3), kind == StageKind::kMap ? 0u : 1u, index};
  attempt.reason = reason;
  attempt.cause = cause;
  attempt.worker_name = "w2";
  attempt.started_ms = 100 * sequence;
  attempt.ended_ms = cause == Cause::kRunning ? 0 : 100 * sequence + 50;
  return attempt;
}

WorkerView Worker(const char* name, const char* state, uint32_t busy = 1) {
  WorkerView worker;
  worker.name = name;
  worker.state = state;
  worker.slots = 1;
  worker.busy = busy;
  return worker;
}

RecoveryEntry Loss(LossKind what, const char* subject, uint32_t outputs_lost) {
  RecoveryEntry entry;
  entry.what = what;
  entry.wall_us = 6'000'000;  // 5 s after the start, 3 s ago
  entry.subject = subject;
  entry.outputs_lost = outputs_lost;
  return entry;
}

// ---- Failed jobs --------------------------------------------------------------------------------

struct FailureCase {
  Cause cause;
  const char* message;
  const char* kind;
  const char* words;
};

TEST(DiagnoseTest, TheCauseFollowsFromCodeAndWordsOfTheFailedAttempt) {
  const FailureCase cases[] = {
      {Cause::kUserCodeFailed,
       "the job's process was killed by SIGSEGV before it finished the attempt at /in/text:11",
       "crash", "user code crashed"},
      {Cause::kUserCodeFailed,
       "the job's process was killed by SIGKILL before it finished the attempt", "killed",
       "for lack of memory, or by a person"},
      {Cause::kUserCodeFailed,
       "the job's process took more memory than its --task_memory_mb=64 and 64 MiB besides",
       "memory_limit", "more memory than it may"},
      {Cause::kUserCodeFailed, "the job's process exited with 3 before it finished the attempt",
       "exit_without_result", "ended its process"},
      {Cause::kUserCodeFailed, "the job's process did not answer after it was started: ...",
       "no_launcher", "never reached the launcher"},
      {Cause::kUserCodeFailed, "user code threw an exception: boom", "user_code",
       "user code failed"},
      {Cause::kWorkerFailed, "/scratch/a: no space left: needs 8 bytes, 0 are free", "no_space",
       "disk is full"},
      {Cause::kWorkerFailed,
       "/scratch/a: write: No space left on device; free some space or inodes (see df and df -i)",
       "no_space", "disk is full"},
      {Cause::kWorkerFailed, "cannot start /bin/a", "worker_failed", "could not run it"},
      {Cause::kWorkerUnfit, "/bin/a cannot run on this host: it is for ARM 64", "binary_unfit",
       "cannot run on a host"},
      {Cause::kWorkerUnfit, "it does not see the output folder /out", "no_shared_folder",
       "lacks the shared folder"},
      {Cause::kJobInvalid, "input changed since the job was submitted: /in/a (size was 4, is 8)",
       "input_changed", "an input file changed"},
      {Cause::kJobInvalid,
       "/in/a:7: mapper emitted a key of 9 bytes, \"k\"; raise it, or emit smaller pieces",
       "record_too_long", "too long"},
      {Cause::kTimedOut, "", "no_progress", "made no progress"},
  };
  for (const FailureCase& c : cases) {
    AttemptView attempt = Attempt(4, StageKind::kMap, 7, Reason::kFirst, c.cause);
    attempt.message = c.message;
    const JobView job = Job(JobState::kFailed, kError);
    const std::vector<AttemptView> attempts = {attempt};
    const Diagnosis diagnosis = Diagnose(job, attempts, {});
    EXPECT_EQ(diagnosis.kind, c.kind) << c.message;
    EXPECT_THAT(diagnosis.line, StartsWith("job-3 failed: "));
    EXPECT_THAT(diagnosis.line, HasSubstr(c.words));
    EXPECT_THAT(diagnosis.line,
                HasSubstr(std::string(" in map-00007 (attempt-1-4 on w2): ") + c.message));
    EXPECT_NE(diagnosis.next, "") << c.message;
  }
}

struct JobCase {
  const char* error;
  Cause most;
  const char* kind;
};

TEST(DiagnoseTest, SomeCausesLieInNoSingleAttempt) {
  const JobCase cases[] = {
      {"job \"wordcount\" (job-3) failed: non-deterministic map: map-00001 ran again as "
       "attempt-1-9 on "
       "worker w1 and gave different output",
       Cause::kWorkerLost, "non_deterministic_map"},
      {"job \"wordcount\" (job-3) failed: its output could not be put in place: /out: read-only",
       Cause::kWorkerLost, "output_folder"},
      {"job \"wordcount\" (job-3) failed: map-00001 was undone 20 times, its limit (worker_lost "
       "x20)",
       Cause::kWorkerLost, "workers_lost"},
      {"job \"wordcount\" (job-3) failed: map-00001 was undone 20 times, its limit (output_lost "
       "x20)",
       Cause::kFetchFailed, "fetch_failed"},
      {"job \"wordcount\" (job-3) failed: map-00001 was undone 20 times, its limit (worker_failed "
       "x20); "
       "last attempt-1-9 on worker w1: worker_failed: /s: write: No space left on device; free "
       "some space or inodes (see df and df -i)",
       Cause::kWorkerFailed, "no_space"},
  };
  for (const JobCase& c : cases) {
    JobView job = Job(JobState::kFailed, c.error);
    job.attempts_by_cause[static_cast<size_t>(c.most)] = 20;
    const Diagnosis diagnosis = Diagnose(job, {}, {});
    EXPECT_EQ(diagnosis.kind, c.kind) << c.error;
    EXPECT_NE(diagnosis.next, "") << c.error;
  }
}

TEST(DiagnoseTest, TheAttemptIsTheOneThatTheErrorNames) {
  const JobView job = Job(JobState::kFailed, kError);
  std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kUserCodeFailed),
      Attempt(40, StageKind::kMap, 8, Reason::kFirst, Cause::kUserCodeFailed)};
  attempts[0].message = "boom at /in/text:11\nlast\nwords";
  const Diagnosis diagnosis = Diagnose(job, attempts, {});
  EXPECT_EQ(diagnosis.attempt, &attempts[0]);
  EXPECT_EQ(diagnosis.last_words, "last\nwords");
  EXPECT_EQ(DiagnosisText(diagnosis),
            "job-3 failed: user code failed in map-00007 (attempt-1-4 on w2): boom at /in/text:11\n"
            "Next: mend the code or the record that is named; --workers=inline shows it in a "
            "debugger.\n"
            "Standard error of attempt-1-4: its last lines\n"
            "  last\n"
            "  words\n");
}

TEST(DiagnoseTest, WithoutAttemptsTheErrorHasToDo) {
  const JobView job = Job(JobState::kFailed,
                          "job \"wordcount\" (job-3) failed: map-00007 failed 4 times in user "
                          "code, its limit; last attempt-1-4 on worker w2: user_code_failed: the "
                          "job's process was killed by SIGSEGV at /in/text:11\nlast words");
  const Diagnosis diagnosis = Diagnose(job, {}, {});
  EXPECT_EQ(diagnosis.kind, "crash");
  EXPECT_THAT(diagnosis.line, StartsWith("job-3 failed: user code crashed: map-00007 failed 4 "));
  EXPECT_EQ(diagnosis.last_words, "last words");
  EXPECT_EQ(Diagnose(Job(JobState::kFailed, "who knows"), {}, {}).line, "job-3 failed: who knows");
}

TEST(DiagnoseTest, AnAttemptWithoutLastWordsSaysSo) {
  const JobView job = Job(JobState::kFailed, kError);
  const std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kTimedOut)};
  EXPECT_THAT(DiagnosisText(Diagnose(job, attempts, {})),
              HasSubstr("Standard error of attempt-1-4: nothing was kept\n"));
}

// ---- Jobs that run ------------------------------------------------------------------------------

TEST(DiagnoseTest, AJobWithoutWorkersWaitsForThem) {
  JobView job = Job(JobState::kRunning);
  job.workers_joined = 0;
  EXPECT_EQ(Diagnose(job, {}, {}).line, "job-3: waiting for workers: 0 joined");
  EXPECT_EQ(Diagnose(job, {}, {}).kind, "waiting_for_workers");
  job.workers_joined = 1;
  job.workers_lost = 1;
  job.recovery = {Loss(LossKind::kWorkerLost, "w2", 0)};
  EXPECT_EQ(Diagnose(job, {}, {Worker("w2", "lost")}).line,
            "job-3: waiting for workers: 1 joined, 1 of them lost; worker w2 was lost 3.00 s ago");
}

TEST(DiagnoseTest, WorkersThatMayReturnAreNotThere) {
  const Diagnosis diagnosis = Diagnose(Job(JobState::kRunning), {}, {Worker("w2", "suspect")});
  EXPECT_EQ(diagnosis.line, "job-3: waiting for workers: 2 joined, and none can be reached now");
}

TEST(DiagnoseTest, AReduceWaitsForAMapThatIsMadeAgain) {
  JobView job = Job(JobState::kRunning);
  job.recovery = {Loss(LossKind::kWorkerLost, "w2", 1)};
  const std::vector<AttemptView> attempts = {
      Attempt(5, StageKind::kReduce, 3, Reason::kFirst, Cause::kRunning),
      Attempt(9, StageKind::kMap, 7, Reason::kOutputLost, Cause::kRunning),
      Attempt(10, StageKind::kMap, 8, Reason::kOutputLost, Cause::kRunning)};
  const Diagnosis diagnosis = Diagnose(job, attempts, {Worker("w1", "alive")});
  EXPECT_EQ(diagnosis.kind, "waiting_for_outputs");
  EXPECT_EQ(diagnosis.line,
            "job-3: reduce-00003 fetches; its source map-00007 is being made again on w2 (and 1 "
            "more) because worker w2 was lost 3.00 s ago");
}

TEST(DiagnoseTest, AJobWhoseWorkersHaveNoSpaceIsPaused) {
  std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kWorkerFailed)};
  attempts[0].message = "/scratch: no space left";
  const Diagnosis diagnosis =
      Diagnose(Job(JobState::kRunning), attempts, {Worker("w2", "alive", /*busy=*/0)});
  EXPECT_EQ(diagnosis.kind, "paused");
  EXPECT_EQ(diagnosis.line,
            "job-3: paused: worker w2 could not run map-00007 (/scratch: no space left), and gets "
            "none of this job for a while");
}

// A pause lasts 30 s at most; where nothing is free after that, the job waits for its turn.
TEST(DiagnoseTest, AFailureOfLongAgoIsNotWhyAJobWaitsForBusySlots) {
  std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kWorkerFailed)};
  JobView job = Job(JobState::kRunning);
  job.waiting_on = "slots: all are busy with other jobs";
  job.wall_ms = attempts[0].ended_ms + 30'000;
  EXPECT_THAT(Diagnose(job, attempts, {Worker("w2", "alive")}).line,
              EndsWith("gets none of this job for a while; all slots are busy"));
  ++job.wall_ms;
  const Diagnosis later = Diagnose(job, attempts, {Worker("w2", "alive")});
  EXPECT_EQ(later.line, "job-3: waiting for slots: all are busy with other jobs");
  EXPECT_EQ(later.kind, "waiting");
  EXPECT_EQ(Diagnose(job, attempts, {Worker("w2", "alive", /*busy=*/0)}).kind, "paused");
}

TEST(DiagnoseTest, AnUnfitWorkerHoldsAJobUpOnlyWhenItsSlotIsTheOneThatIsFree) {
  std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kWorkerUnfit)};
  attempts[0].message = "/bin/a cannot run on this host";
  const JobView job = Job(JobState::kRunning);
  EXPECT_EQ(
      Diagnose(job, attempts, {Worker("w1", "alive"), Worker("w2", "alive", 0)}).line,
      "job-3: paused: worker w2 can never run map-00007 (/bin/a cannot run on this host), and "
      "gets none of this job");
  EXPECT_EQ(Diagnose(job, attempts, {Worker("w1", "alive"), Worker("w2", "alive")}).line,
            "job-3: waiting for slots: all are busy");
}

TEST(DiagnoseTest, WorkersThatDrainOfferNoSlots) {
  JobView job = Job(JobState::kRunning);
  job.waiting_on = "slots: all are busy with other jobs";
  const Diagnosis diagnosis = Diagnose(job, {}, {Worker("w2", "draining", /*busy=*/0)});
  EXPECT_EQ(diagnosis.kind, "waiting_for_workers");
  EXPECT_EQ(diagnosis.line, "job-3: waiting for workers: those that are here drain");
}

TEST(DiagnoseTest, SlotsThatAreFreeAreNotCalledBusy) {
  JobView job = Job(JobState::kRunning);
  job.waiting_on = "slots: all are busy with other jobs";
  EXPECT_EQ(Diagnose(job, {}, {Worker("w2", "alive", /*busy=*/0)}).line,
            "job-3: no attempt runs just now, and slots are free");
}

TEST(DiagnoseTest, AJobWaitsForAWorkerThatReachesAllOutputs) {
  JobView job = Job(JobState::kRunning);
  job.recovery = {Loss(LossKind::kPeerUnreachable, "w1 cannot fetch from w2; w2 healthy", 0)};
  const std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kReduce, 0, Reason::kFirst, Cause::kFetchFailed)};
  const Diagnosis diagnosis = Diagnose(job, attempts, {Worker("w1", "alive", /*busy=*/0)});
  EXPECT_EQ(diagnosis.kind, "waiting_for_reach");
  EXPECT_THAT(diagnosis.line,
              HasSubstr("reaches every map output: worker w1 cannot fetch from w2"));
  EXPECT_THAT(diagnosis.next, HasSubstr("mend the network"));
}

TEST(DiagnoseTest, OtherwiseItIsSaidWhatRuns) {
  JobView job = Job(JobState::kRunning);
  job.waiting_on = "slots: all are busy with other jobs";
  const std::vector<WorkerView> workers = {Worker("w2", "alive")};
  EXPECT_EQ(Diagnose(job, {}, workers).line,
            "job-3: waiting for slots: all are busy with other jobs");
  const std::vector<AttemptView> attempts = {
      Attempt(20, StageKind::kMap, 7, Reason::kFirst, Cause::kRunning),
      Attempt(10, StageKind::kMap, 8, Reason::kFirst, Cause::kRunning)};
  EXPECT_EQ(Diagnose(job, attempts, workers).line,
            "job-3: running 2 attempts; the oldest is map-00008 on w2, for 7.00 s");
  EXPECT_EQ(Diagnose(Job(JobState::kPublishing), {}, workers).line,
            "job-3: its output is being put in place in /out");
}

// ---- Jobs that have ended well, or were ended ---------------------------------------------------

TEST(DiagnoseTest, InAJobThatSucceededNothingFailed) {
  const Diagnosis diagnosis = Diagnose(Job(JobState::kSucceeded), {}, {});
  EXPECT_EQ(diagnosis.line, "job-3 succeeded: nothing failed");
  EXPECT_THAT(diagnosis.notes, IsEmpty());
  EXPECT_EQ(DiagnosisText(diagnosis), "job-3 succeeded: nothing failed\n");
}

TEST(DiagnoseTest, WhateverWasOutOfTheOrdinaryIsNoted) {
  JobView job = Job(JobState::kSucceeded);
  job.recovery = {Loss(LossKind::kWorkerLost, "w2", 3)};
  job.recovery_dropped = 1;
  job.attempts_by_cause[static_cast<size_t>(Cause::kUserCodeFailed)] = 1;
  job.attempts_by_cause[static_cast<size_t>(Cause::kSuperseded)] = 2;
  job.stale_reports = 1;
  EXPECT_THAT(Diagnose(job, {}, {}).notes,
              ElementsAre(StartsWith("worker w2 was lost after 5.00 s"), "1 earlier loss",
                          "1 attempt failed in user code",
                          "2 attempts came second to another of the same task",
                          "1 report of attempts that did not count any more"));
}

TEST(DiagnoseTest, ACancelledJobWasCancelled) {
  EXPECT_EQ(Diagnose(Job(JobState::kCancelled, "job-3 was cancelled: ctrl-c"), {}, {}).line,
            "job-3 was cancelled: ctrl-c");
}

TEST(DiagnosisJsonTest, HasTheAttemptAndItsLastWords) {
  const JobView job = Job(JobState::kFailed, kError);
  std::vector<AttemptView> attempts = {
      Attempt(4, StageKind::kMap, 7, Reason::kFirst, Cause::kUserCodeFailed)};
  attempts[0].message = "boom\nwords";
  const std::string json = DiagnosisJson(job, Diagnose(job, attempts, {}));
  EXPECT_THAT(json, StartsWith(R"({"job": "job-3", "state": "FAILED", "kind": "user_code", )"));
  EXPECT_THAT(json, HasSubstr(R"("task": "map-00007", "attempt": "attempt-1-4", )"
                              R"("worker_name": "w2", "message": "boom", "stderr": "words", )"
                              R"("notes": []})"));
  EXPECT_THAT(DiagnosisJson(job, Diagnose(Job(JobState::kSucceeded), {}, {})),
              HasSubstr(R"("next": null, "task": null, "attempt": null)"));
}

}  // namespace
}  // namespace millrace
