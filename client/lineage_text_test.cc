#include "client/lineage_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

AttemptView Attempt(uint64_t sequence, const char* worker, Reason reason, Cause cause) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), sequence};
  attempt.task = TaskId{JobId(3), 0, 7};
  attempt.worker_name = worker;
  attempt.worker_pid = 70 + sequence;
  attempt.reason = reason;
  attempt.cause = cause;
  return attempt;
}

TEST(LineageTextTest, AMapShowsItsSplitItsWinnerAndWhyItRanAgain) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 0, 7};
  lineage.state = "done";
  lineage.split = {FileRange{{"/in/a", 100, 0}, 40, 60}, FileRange{{"/in/b", 4, 0}, 0, 4}};
  lineage.winner = AttemptId{Epoch(1), 9};
  lineage.digest = Digest{1, 2};
  lineage.attempts = {Attempt(4, "w1", Reason::kFirst, Cause::kWorkerLost),
                      Attempt(9, "w2", Reason::kWorkerLost, Cause::kSucceeded)};
  EXPECT_EQ(
      LineageText(lineage),
      "map-00007 of job-3: done\n"
      "  winner    attempt-1-9 on w2 (worker_lost), 0 B, "
      "digest 00000000000000010000000000000002\n"
      "  split     2 ranges, 64 B\n"
      "    FILE   OFFSET  LENGTH\n"
      "    /in/a  40      60\n"
      "    /in/b  0       4\n"
      "  attempts  2\n"
      "    TASK       ATTEMPT      WORKER  PID  REASON       CAUSE        STARTED  TIME    "
      "MESSAGE\n"
      "    map-00007  attempt-1-4  w1      74   first        worker_lost  0.00 s   0.00 s  \n"
      "    map-00007  attempt-1-9  w2      79   worker_lost  succeeded    0.00 s   0.00 s  \n");
}

TEST(LineageTextTest, AReduceShowsWhichSourcesItHasToWaitFor) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 1, 0};
  lineage.kind = StageKind::kReduce;
  lineage.state = "running";
  lineage.sources = 2;
  lineage.read = {{0, SourceState::kAvailable, AttemptId{Epoch(1), 1}, WorkerId(1), "w1", {1, 2}},
                  {1, SourceState::kLost, AttemptId{Epoch(1), 2}, WorkerId(2), "w2", {}}};
  const std::string text = LineageText(lineage);
  EXPECT_THAT(text, HasSubstr("  winner    none\n"));
  EXPECT_THAT(text, HasSubstr("  sources   2 map outputs, 1 not available\n"));
  EXPECT_THAT(text, HasSubstr("map-00000  available  attempt-1-1  w1      0000000000000001"));
  EXPECT_THAT(text, HasSubstr("map-00001  lost       attempt-1-2  w2      -\n"));
}

TEST(LineageTextTest, AMapThatDidNotRunNamesTheOneWhoseOutputItTook) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 0, 7};
  lineage.state = "done";
  lineage.winner = AttemptId{Epoch(1), 9};
  lineage.made_for = TaskId{JobId(2), 0, 5};
  EXPECT_EQ(LineageText(lineage),
            "map-00007 of job-3: done\n"
            "  winner    attempt-1-9\n"
            "  reused    the output of map-00005 of job-2\n"
            "  attempts  0\n");
}

TEST(LineageTextTest, AMapOfAChainNamesThePartThatItReads) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 0, 4};
  lineage.part_of = TaskId{JobId(2), 1, 4};
  EXPECT_THAT(LineageText(lineage), HasSubstr("  reads     the part of reduce-00004 of job-2\n"));
}

TEST(LineageTextTest, WhatIsForgottenIsSaid) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 0, 7};
  lineage.state = "unknown";
  lineage.forgotten = "job-3 has ended";
  EXPECT_EQ(LineageText(lineage),
            "map-00007 of job-3: unknown\n"
            "  winner    none\n"
            "  attempts  0\n"
            "  forgotten job-3 has ended\n");
}

}  // namespace
}  // namespace millrace
