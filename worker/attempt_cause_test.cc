#include "worker/attempt_cause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/engine/failure.h"
#include "worker/executor_death.h"
#include "worker/memory_meter.h"

namespace millrace {
namespace {

TEST(AttemptCauseTest, EveryKindOfFailureHasItsCulprit) {
  EXPECT_EQ(CauseOf(absl::OkStatus()), Cause::kSucceeded);
  EXPECT_EQ(CauseOf(absl::AbortedError("")), Cause::kUserCodeFailed);
  EXPECT_EQ(CauseOf(absl::InvalidArgumentError("")), Cause::kUserCodeFailed);
  EXPECT_EQ(CauseOf(absl::FailedPreconditionError("")), Cause::kJobInvalid);
  EXPECT_EQ(CauseOf(absl::OutOfRangeError("")), Cause::kJobInvalid);
  EXPECT_EQ(CauseOf(absl::DataLossError("")), Cause::kFetchFailed);
  EXPECT_EQ(CauseOf(absl::ResourceExhaustedError("")), Cause::kWorkerFailed);
  EXPECT_EQ(CauseOf(absl::UnavailableError("")), Cause::kWorkerFailed);
  EXPECT_EQ(CauseOf(absl::CancelledError("")), Cause::kCancelled);
  EXPECT_EQ(CauseOf(absl::PermissionDeniedError("")), Cause::kWorkerFailed);
}

TEST(AttemptCauseTest, ABadSourceIsNamed) {
  ReduceSource good;
  good.map_index = 3;
  ReduceSource bad;
  bad.map_index = 4;
  bad.attempt = AttemptId{Epoch(2), 9};
  AttemptOutcome outcome;
  SetFailure(BadSource(4, absl::DataLossError("flipped bit")), {good, bad}, &outcome);
  EXPECT_EQ(outcome.cause, Cause::kFetchFailed);
  EXPECT_EQ(outcome.failed_map_index, 4u);
  EXPECT_EQ(outcome.failed_source, bad.attempt);
}

TEST(AttemptCauseTest, LostDataWithoutASourceIsTheWorkersFault) {
  AttemptOutcome outcome;
  SetFailure(absl::DataLossError("spill: flipped bit"), {}, &outcome);
  EXPECT_EQ(outcome.cause, Cause::kWorkerFailed);
}

TEST(OutcomeOfTest, AnExecutorThatTookTooMuchMemoryIsNamedWithItsLimit) {
  ExecutorDeath death;
  death.status.exited = true;
  death.status.code = kMemoryLimitExitCode;
  death.position = "/in/a:4711";
  ExecutorTask task;
  task.memory_bytes = uint64_t{64} << 20;
  const AttemptOutcome outcome = OutcomeOf(death, task);
  EXPECT_EQ(outcome.cause, Cause::kUserCodeFailed);
  EXPECT_THAT(outcome.message, testing::HasSubstr("more memory than its --task_memory_mb=64"));
  EXPECT_EQ(outcome.position, "/in/a:4711");
}

TEST(MemoryMeterTest, ReadsTheKernelsLines) {
  const char kStatus[] = "Name:\tjob\nVmRSS:\t  9000 kB\nRssAnon:\t    1234 kB\nRssFile:\t 1 kB\n";
  EXPECT_EQ(BytesInStatus(kStatus, "RssAnon"), uint64_t{1234} << 10);
  EXPECT_EQ(BytesInStatus(kStatus, "RssShmem"), 0u);
  EXPECT_GT(AnonymousBytes(), 0u);
}

}  // namespace
}  // namespace millrace
