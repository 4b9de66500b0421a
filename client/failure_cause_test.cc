// Messages are as the master and the workers write them.
#include "client/failure_cause.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr char kTitle[] = "job \"wordcount\" (job-3) failed: ";

std::string KindOf(Cause cause, const std::string& message) {
  return CauseOfAttempt(cause, message).kind;
}

JobView FailedJob(const std::string& reason) {
  JobView job;
  job.job = JobId(3);
  job.name = "wordcount";
  job.state = JobState::kFailed;
  job.error = kTitle + reason;
  return job;
}

std::string KindOf(const std::string& reason) {
  return FailureOf(FailedJob(reason), {}).cause.kind;
}

AttemptView Ended(uint64_t sequence, Cause cause, const std::string& message = "") {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), sequence};
  attempt.cause = cause;
  attempt.ended_ms = 100 * sequence;
  attempt.message = message;
  return attempt;
}

// ---- Attempts -----------------------------------------------------------------------------------

TEST(CauseOfAttemptTest, WhatUserCodeSaysIsNoneOfOurWords) {
  for (const char* said :
       {"the child was killed by SIGKILL", "make exited with 2", "killed by SIGSEGV",
        "it took more memory than its --task_memory_mb=64",
        "it did not answer after it was started", "/data: No space left on device",
        "connection refused", "it does not see the output folder",
        "the job's process exited with 3 before it finished the attempt"}) {
    const std::string message = absl::StrCat("user code threw an exception: ", said, " at /in/a:7");
    EXPECT_EQ(KindOf(Cause::kUserCodeFailed, message), "user_code") << said;
  }
}

TEST(FailureOfTest, MoreBadRecordsThanMayBeSkippedAreTheCauseWhateverTheLastOneDidToItsProcess) {
  EXPECT_EQ(
      KindOf("map-00001 failed again at /in/a:17 (5 bytes), and 2 bad records are skipped already, "
             "the limit of --skip_bad_records=2; last attempt-1-4 on worker w2: "
             "user_code_failed: the job's process took more memory than its "
             "--task_memory_mb=64"),
      "bad_records");
}

TEST(CauseOfAttemptTest, LastWordsAreNoPartOfTheMessage) {
  EXPECT_EQ(KindOf(Cause::kUserCodeFailed,
                   "user code threw an exception: boom at /in/a:7\n"
                   "the job's process was killed by SIGKILL before it finished the attempt"),
            "user_code");
  EXPECT_EQ(KindOf(Cause::kWorkerFailed,
                   "cannot start /bin/a: Resource temporarily unavailable\n"
                   "/tmp/a: write: No space left on device; free some space or inodes (see df"),
            "worker_failed");
}

TEST(CauseOfAttemptTest, NamesOfFilesAreNoneOfOurWords) {
  EXPECT_EQ(KindOf(Cause::kWorkerFailed, "/in/no space left/a: read: Input/output error"),
            "worker_failed");
  EXPECT_EQ(KindOf(Cause::kJobInvalid, "/in/emit smaller pieces:7: a line has 9 bytes"),
            "job_invalid");
  EXPECT_EQ(KindOf(Cause::kWorkerUnfit, "/bin/does not see cannot run on this host: it is damaged"),
            "binary_unfit");
}

TEST(CauseOfAttemptTest, AFullDiskIsKnownByWhatWeAdvise) {
  EXPECT_EQ(KindOf(Cause::kWorkerFailed,
                   "/scratch/a: no space left: needs 8 bytes, 0 are free; free some space or "
                   "choose a folder on another file system"),
            "no_space");
  EXPECT_EQ(KindOf(Cause::kWorkerFailed,
                   "/scratch/a: write: No space left on device; free some space or inodes (see df "
                   "and df -i) or choose a folder on another file system"),
            "no_space");
  EXPECT_EQ(KindOf(Cause::kWorkerFailed,
                   "/scratch/a: write: Disk quota exceeded; free some of your quota or choose a "
                   "folder on another file system"),
            "no_space");
}

TEST(CauseOfAttemptTest, AnInputThatIsGoneHasChanged) {
  EXPECT_EQ(KindOf(Cause::kJobInvalid,
                   "/in/a: open: No such file or directory (the input changed after the job was "
                   "submitted)"),
            "input_changed");
}

TEST(CauseOfAttemptTest, APairIsTooLongByEitherLimit) {
  EXPECT_EQ(KindOf(Cause::kJobInvalid,
                   "/in/a:7: mapper emitted a key of 9 bytes, \"k\"; this job's --task_memory_mb "
                   "allows 8: raise it, or emit smaller pieces"),
            "record_too_long");
  EXPECT_EQ(KindOf(Cause::kJobInvalid,
                   "/in/a:7: mapper emitted a key of 9 bytes, \"k\"; at most 8 are allowed, "
                   "whatever --task_memory_mb is: emit smaller pieces"),
            "record_too_long");
}

TEST(CauseOfAttemptTest, AnAttemptThatDidNotFailHasNone) {
  for (const Cause cause :
       {Cause::kRunning, Cause::kSucceeded, Cause::kSuperseded, Cause::kCancelled}) {
    EXPECT_FALSE(CauseOfAttempt(cause, "").known()) << Name(cause);
  }
}

// ---- Jobs ---------------------------------------------------------------------------------------

TEST(FailureOfTest, TheReasonOfTheMasterIsWhatComesAfterTheNameOfTheJob) {
  EXPECT_EQ(ReasonOf(FailedJob("this and that\nlast words")), "this and that");
  JobView inline_job = FailedJob("");
  inline_job.error = "map-00000: user code threw: job \"a\" (job-3) failed: boom";
  EXPECT_EQ(ReasonOf(inline_job), "");
}

TEST(FailureOfTest, WhatUserCodeSaysIsNoReasonOfTheMaster) {
  const std::string by_user_code =
      "map-00007 failed 4 times in user code, its limit; last attempt-1-4 on worker w2: "
      "user_code_failed: user code threw an exception: ";
  EXPECT_EQ(KindOf(by_user_code + "non-deterministic map: boom"), "user_code");
  EXPECT_EQ(KindOf(by_user_code + "its output could not be put in place: boom"), "user_code");
  EXPECT_EQ(KindOf(by_user_code + "the edit was undone again"), "user_code");
  EXPECT_EQ(KindOf(by_user_code + "boom\nattempt-1-5 on worker w2: timed_out"), "user_code");
}

TEST(FailureOfTest, TheCauseInTheErrorIsTheMastersWordForIt) {
  EXPECT_EQ(KindOf("reduce-00001 got nothing done 4 times, its limit; last attempt-1-4 on worker "
                   "w:2: timed_out: it said: user_code_failed: so"),
            "no_progress");
  EXPECT_EQ(KindOf("no attempt of map-00007 can succeed: attempt-1-4 on worker w2: job_invalid: "
                   "input changed since the job was submitted: /in/a (size was 4, is 8)"),
            "input_changed");
  EXPECT_EQ(KindOf("no worker can run it; last attempt-1-4 on worker w2: worker_unfit: it does not "
                   "see the output folder /out: is the shared folder mounted there?"),
            "no_shared_folder");
}

TEST(FailureOfTest, TheAttemptIsTheFirstThatTheReasonNames) {
  const JobView job = FailedJob(
      "map-00007 failed 4 times in user code, its limit; last attempt-1-12 on worker w2: "
      "user_code_failed: user code threw an exception: like attempt-1-1 on worker w1");
  const std::vector<AttemptView> attempts = {Ended(1, Cause::kTimedOut),
                                             Ended(12, Cause::kUserCodeFailed)};
  const Failure failure = FailureOf(job, attempts);
  EXPECT_EQ(failure.attempt, &attempts[1]);
  EXPECT_TRUE(failure.lies_in_attempt);
}

// Its attempts were forgotten, those of other tasks were not.
TEST(FailureOfTest, NoOtherAttemptIsBlamedForOneThatIsForgotten) {
  const std::vector<AttemptView> attempts = {Ended(9, Cause::kTimedOut)};
  const Failure failure = FailureOf(
      FailedJob("map-00007 failed 4 times in user code, its limit; last attempt-1-4 on worker w2: "
                "user_code_failed: the job's process exited with 3 before it finished"),
      attempts);
  EXPECT_EQ(failure.attempt, nullptr);
  EXPECT_FALSE(failure.lies_in_attempt);
  EXPECT_STREQ(failure.cause.kind, "exit_without_result");
}

TEST(FailureOfTest, InOneProcessTheAttemptThatFailedLastIsToBlame) {
  JobView job = FailedJob("");
  job.error = "map-00001: user code threw: boom after attempt-1-1 on worker w1";
  const std::vector<AttemptView> attempts = {Ended(1, Cause::kSucceeded),
                                             Ended(2, Cause::kUserCodeFailed, "boom")};
  const Failure failure = FailureOf(job, attempts);
  EXPECT_EQ(failure.attempt, &attempts[1]);
  EXPECT_STREQ(failure.cause.kind, "user_code");
}

}  // namespace
}  // namespace millrace
