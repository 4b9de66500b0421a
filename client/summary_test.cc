#include "client/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

JobView Succeeded() {
  JobView view;
  view.job = JobId(3);
  view.name = "wordcount";
  view.state = JobState::kSucceeded;
  view.wall_ms = 1900;
  view.stages = {{StageKind::kMap, 16, 16, 0}, {StageKind::kReduce, 4, 4, 0}};
  view.attempts_by_reason[static_cast<int>(Reason::kFirst)] = 20;
  view.attempts_by_reason[static_cast<int>(Reason::kWorkerLost)] = 1;
  view.attempts_by_cause[static_cast<int>(Cause::kSucceeded)] = 20;
  view.attempts_by_cause[static_cast<int>(Cause::kWorkerLost)] = 1;
  view.workers_joined = 4;
  view.workers_lost = 1;
  view.input_bytes = 1 << 30;
  view.shuffled_bytes = 12 << 20;
  view.output_bytes = 4 << 20;
  view.output_folder = "/data/out";
  return view;
}

AttemptView Crashed() {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), 4};
  attempt.task = TaskId{JobId(3), 0, 7};
  attempt.cause = Cause::kUserCodeFailed;
  attempt.worker_name = "w2";
  attempt.worker_pid = 77;
  attempt.started_ms = 1500;
  attempt.ended_ms = 1750;
  attempt.message =
      "the job's process was killed by SIGSEGV before it finished the attempt at /in/text:11\n"
      "last\twords";
  attempt.stats.input_bytes = 10;
  return attempt;
}

TEST(SummaryTextTest, SaysWhatWhereHowLongAndHowMuch) {
  EXPECT_EQ(SummaryText(Succeeded()),
            "job-3 (wordcount) SUCCEEDED in 1.90 s\n"
            "  bytes     1 GiB in, 12 MiB shuffled, 4 MiB out\n"
            "  tasks     16 map, 4 reduce\n"
            "  attempts  21 (20 succeeded, 1 worker_lost)\n"
            "  workers   4 joined, 1 lost\n"
            "  output    /data/out\n");
}

TEST(SummaryTextTest, MapOutputsOfEarlierJobsAreCounted) {
  JobView view = Succeeded();
  view.map_outputs_reused = 15;
  EXPECT_THAT(SummaryText(view), HasSubstr("4 reduce\n  reused    15 map outputs of earlier jobs\n"
                                           "  attempts"));
}

TEST(SummaryTextTest, SkippedRecordsAreAWarningWithWhereToReadMore) {
  JobView view = Succeeded();
  EXPECT_THAT(SummaryText(view), Not(HasSubstr("skipped")));
  view.skipped_records = {{"/in/a", 7, 9}};
  EXPECT_THAT(SummaryText(view),
              HasSubstr("\n  warning   1 record skipped, listed in /data/out/_skipped\n"));
  view.skipped_records.push_back({"/in/b", 0, 3});
  EXPECT_THAT(SummaryText(view), HasSubstr("2 records skipped, listed in"));
  view.state = JobState::kFailed;
  EXPECT_THAT(SummaryText(view), HasSubstr("\n  warning   2 records skipped\n"));
}

TEST(SummaryTextTest, AJobThatDidNotSucceedHasNoOutput) {
  JobView view = Succeeded();
  view.state = JobState::kCancelled;
  EXPECT_THAT(SummaryText(view), Not(HasSubstr("/data/out")));
}

TEST(FailureTextTest, TheFirstLineSaysItAllThenStandardErrorThenWhatToTry) {
  JobView view = Succeeded();
  view.state = JobState::kFailed;
  view.error =
      "job \"wordcount\" (job-3) failed: map-00007 failed 4 times in user code, its limit; last "
      "attempt-1-4 on worker w2: user_code_failed: the job's process was killed by SIGSEGV";
  EXPECT_EQ(FailureText(view, {Crashed()}),
            view.error +
                "\n"
                "  last\twords\n"
                "Next: run it under a debugger with --workers=inline on the file that is named.\n");
}

// One table says it, here and in `millrace diagnose`.
TEST(FailureTextTest, WhatToTryFollowsFromWhatTheAttemptDied) {
  JobView view = Succeeded();
  view.state = JobState::kFailed;
  AttemptView attempt = Crashed();
  attempt.message = "the job's process exited with 3 before it finished the attempt";
  EXPECT_THAT(FailureText(view, {attempt}), HasSubstr("Next: look for exit() in the job's code"));
  attempt.cause = Cause::kFetchFailed;
  EXPECT_THAT(FailureText(view, {attempt}), HasSubstr("Next: look at the network, the disk"));
  view.error = "job \"wordcount\" (job-3) failed: its output could not be put in place: full";
  EXPECT_THAT(FailureText(view, {attempt}), HasSubstr("Next: look at space and permissions"));
}

TEST(FailureTextTest, OfWhatIsUnknownTheAttemptsTell) {
  EXPECT_THAT(FailureText(Succeeded(), {}),
              HasSubstr("Next: `millrace attempts` lists how every attempt ended.\n"));
}

TEST(FailureTextTest, WhatNoAttemptCanDoIsNotTriedUnchanged) {
  AttemptView attempt = Crashed();
  attempt.cause = Cause::kJobInvalid;
  EXPECT_THAT(FailureText(Succeeded(), {attempt}), HasSubstr("do what the message says"));
}

TEST(FailureTextTest, DetailsOfTheMasterComeFirst) {
  JobView view = Succeeded();
  view.error = "too many failures\nmap-00001: one\nmap-00001: two\n";
  EXPECT_THAT(FailureText(view, {}), StartsWith("job-3 failed: too many failures\n"
                                                "  map-00001: one\n  map-00001: two\nNext: "));
}

TEST(JobLogTextTest, HasAHeaderAndOneLinePerAttempt) {
  EXPECT_EQ(JobLogText({Crashed()}),
            "task\tattempt\tworker\tpid\treason\tcause\tstarted_s\tseconds\tinput_bytes\t"
            "output_bytes\tmessage\n"
            "map-00007\tattempt-1-4\tw2\t77\tfirst\tuser_code_failed\t1.500\t0.250\t10\t0\t"
            "the job's process was killed by SIGSEGV before it finished the attempt at "
            "/in/text:11\\nlast\\twords\n");
}

TEST(JobLogTextTest, WithoutAttemptsThereIsOnlyTheHeader) {
  EXPECT_THAT(JobLogText({}), EndsWith("message\n"));
}

}  // namespace
}  // namespace millrace
