#include "client/recovery_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::StartsWith;

RecoveryEntry Entry(LossKind what, NoticedBy noticed_by, const char* subject) {
  RecoveryEntry entry;
  entry.what = what;
  entry.noticed_by = noticed_by;
  entry.wall_us = 3'250'000;
  entry.subject = subject;
  return entry;
}

JobView Job() {
  JobView job;
  job.job = JobId(3);
  job.submitted_unix_ms = 2000;
  return job;
}

TEST(RecoveryTextTest, NothingLostIsNothingSaid) { EXPECT_EQ(RecoveryText(Job()), ""); }

TEST(RecoveryTextTest, ALossSaysWhenHowAndWhatItCost) {
  JobView job = Job();
  RecoveryEntry entry = Entry(LossKind::kWorkerLost, NoticedBy::kConnectionClosed, "w2");
  entry.attempts_lost = 1;
  entry.outputs_lost = 3;
  entry.cpu_us_again = 2'100'000;
  entry.bytes_again = 1 << 20;
  job.recovery = {entry};
  EXPECT_EQ(RecoveryText(job),
            "  recovery  1 time\n"
            "    worker w2 was lost after 1.25 s (connection closed): 1 attempt and 3 map outputs "
            "lost; 2.10 s of CPU and 1 MiB done again\n");
}

TEST(RecoveryTextTest, LossesThatAreNoLongerListedAreCounted) {
  JobView job = Job();
  job.recovery = {Entry(LossKind::kWorkerLost, NoticedBy::kLeaseRanOut, "w3")};
  job.recovery_dropped = 5;
  EXPECT_THAT(RecoveryText(job), StartsWith("  recovery  6 times, the newest 1 of which are\n"
                                            "    worker w3 was lost after 1.25 s"));
}

TEST(RecoveryTextTest, EachKindOfLossHasItsWords) {
  const std::pair<LossKind, const char*> expected[] = {
      {LossKind::kWorkerLost, "worker w2 was lost"},
      {LossKind::kOutputLost, "the output of w2 was lost"},
      {LossKind::kAttemptTimedOut, "w2 made no progress"},
      {LossKind::kWorkerFailed, "worker w2 could not run an attempt"},
      {LossKind::kMissingOnReturn, "worker w2 came back without some of what it had"},
      {LossKind::kPeerUnreachable, "worker w2"}};
  for (const auto& [what, words] : expected) {
    EXPECT_EQ(LossText(Entry(what, NoticedBy::kReport, "w2")), words);
  }
}

}  // namespace
}  // namespace millrace
