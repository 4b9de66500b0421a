#include "rpc/wire_views.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <string>

#include "rpc/wire.h"
#include "rpc/wire_samples.h"

namespace millrace {
namespace {

namespace wire = capnp_master;

template <typename Type, typename T>
T Sent(const T& value, absl::StatusOr<T> (*read)(typename Type::Reader)) {
  capnp::MallocMessageBuilder message;
  Write(value, message.initRoot<Type>());
  absl::StatusOr<T> copy = read(message.getRoot<Type>().asReader());
  EXPECT_TRUE(copy.ok()) << copy.status();
  return copy.ok() ? *copy : T();
}

TEST(WireViewsTest, AJobTravelsWhole) {
  const JobView job = SampleJobView();
  const JobView copy = Sent<wire::JobView>(job, ReadJobView);
  EXPECT_EQ(copy.job, job.job);
  EXPECT_EQ(copy.name, job.name);
  EXPECT_EQ(copy.state, job.state);
  EXPECT_EQ(copy.version, job.version);
  EXPECT_EQ(copy.error, job.error);
  ASSERT_EQ(copy.stages.size(), 2u);
  EXPECT_EQ(copy.stages[1].kind, StageKind::kReduce);
  EXPECT_EQ(copy.stages[0].total, 10u);
  EXPECT_EQ(copy.stages[0].done, 9u);
  EXPECT_EQ(copy.stages[0].running, 1u);
  EXPECT_EQ(copy.attempts_by_reason, job.attempts_by_reason);
  EXPECT_EQ(copy.attempts_by_cause, job.attempts_by_cause);
  EXPECT_EQ(copy.stale_reports, 12u);
  EXPECT_EQ(copy.workers_joined, 13u);
  EXPECT_EQ(copy.workers_lost, 14u);
  EXPECT_EQ(copy.input_bytes, 15u);
  EXPECT_EQ(copy.mapped_bytes, 16u);
  EXPECT_EQ(copy.shuffled_bytes, 17u);
  EXPECT_EQ(copy.output_bytes, 18u);
  EXPECT_EQ(copy.counters, job.counters);
  EXPECT_EQ(copy.skew.total_bytes, 51u);
  EXPECT_EQ(copy.skew.median_bytes, 52u);
  EXPECT_EQ(copy.skew.parts, job.skew.parts);
  EXPECT_EQ(copy.skew.more_parts, 57u);
  EXPECT_EQ(copy.output_folder, job.output_folder);
  EXPECT_EQ(copy.output_key, job.output_key);
  EXPECT_EQ(copy.submitted_unix_ms, 19);
  EXPECT_EQ(copy.wall_ms, 20u);
  EXPECT_EQ(copy.waiting_on, job.waiting_on);
  EXPECT_EQ(copy.skipped_records, job.skipped_records);
}

TEST(WireViewsTest, TheRecoveryLedgerTravelsWhole) {
  JobView job = SampleJobView();
  job.recovery = {SampleRecoveryEntry(), RecoveryEntry()};
  job.recovery_dropped = 36;
  const JobView copy = Sent<wire::JobView>(job, ReadJobView);
  EXPECT_EQ(copy.recovery_dropped, 36u);
  ASSERT_EQ(copy.recovery.size(), 2u);
  const RecoveryEntry& entry = copy.recovery[0];
  EXPECT_EQ(entry.what, LossKind::kOutputLost);
  EXPECT_EQ(entry.noticed_by, NoticedBy::kChecksumMismatch);
  EXPECT_EQ(entry.wall_us, 31);
  EXPECT_EQ(entry.subject, "map-00007 on red");
  EXPECT_EQ(entry.attempts_lost, 32u);
  EXPECT_EQ(entry.outputs_lost, 33u);
  EXPECT_EQ(entry.cpu_us_again, 34u);
  EXPECT_EQ(entry.bytes_again, 35u);
}

TEST(WireViewsTest, TheRecordsThatAllJobsOfAChainSkippedTravelWithTheLast) {
  JobView job = SampleJobView();
  job.skipped_records.assign(kMaxSkippedRecords + 1, InputRecord{"/in/a", 17, 5});
  EXPECT_EQ(Sent<wire::JobView>(job, ReadJobView).skipped_records, job.skipped_records);
}

TEST(WireViewsTest, AnAttemptTravelsWhole) {
  AttemptView attempt = SampleAttemptView();
  attempt.status = "half way";
  const AttemptView copy = Sent<wire::AttemptView>(attempt, ReadAttemptView);
  EXPECT_EQ(copy.attempt, attempt.attempt);
  EXPECT_EQ(copy.task, attempt.task);
  EXPECT_EQ(copy.kind, attempt.kind);
  EXPECT_EQ(copy.reason, attempt.reason);
  EXPECT_EQ(copy.cause, attempt.cause);
  EXPECT_EQ(copy.worker, attempt.worker);
  EXPECT_EQ(copy.worker_name, "red");
  EXPECT_EQ(copy.worker_pid, 4711u);
  EXPECT_EQ(copy.started_ms, 21u);
  EXPECT_EQ(copy.ended_ms, 22u);
  EXPECT_EQ(copy.message, attempt.message);
  EXPECT_EQ(copy.status, "half way");
  EXPECT_EQ(copy.stats.cpu_us, 7u);
}

TEST(WireViewsTest, AWorkerTravelsWhole) {
  const WorkerView copy = Sent<wire::WorkerView>(SampleWorkerView(), ReadWorkerView);
  EXPECT_EQ(copy.worker, WorkerId(5));
  EXPECT_EQ(copy.name, "red");
  EXPECT_EQ(copy.host, "build-7");
  EXPECT_EQ(copy.pid, 4711u);
  EXPECT_EQ(copy.state, "draining");
  EXPECT_EQ(copy.slots, 4u);
  EXPECT_EQ(copy.busy, 3u);
  EXPECT_EQ(copy.attempts, 23u);
  EXPECT_EQ(copy.heartbeat_age_ms, 24u);
}

TEST(WireViewsTest, ALineageTravelsWhole) {
  const LineageView lineage = SampleLineageView();
  const LineageView copy = Sent<wire::LineageView>(lineage, ReadLineageView);
  EXPECT_EQ(copy.task, lineage.task);
  EXPECT_EQ(copy.kind, StageKind::kReduce);
  EXPECT_EQ(copy.state, "running");
  EXPECT_EQ(copy.split, lineage.split);
  EXPECT_EQ(copy.winner, lineage.winner);
  EXPECT_EQ(copy.digest, lineage.digest);
  EXPECT_EQ(copy.sources, 25u);
  EXPECT_EQ(copy.forgotten, lineage.forgotten);
  ASSERT_EQ(copy.attempts.size(), 1u);
  EXPECT_EQ(copy.attempts[0].message, "another attempt won");
  ASSERT_EQ(copy.read.size(), 1u);
  EXPECT_EQ(copy.read[0].map_index, 4u);
  EXPECT_EQ(copy.read[0].state, SourceState::kBeingMadeAgain);
  EXPECT_EQ(copy.read[0].attempt, SampleAttempt());
  EXPECT_EQ(copy.read[0].worker, WorkerId(5));
  EXPECT_EQ(copy.read[0].worker_name, "red");
  EXPECT_EQ(copy.read[0].digest, SampleDigest());
}

TEST(WireViewsTest, CountersBeyondTheBoundAreLeftOut) {
  JobView job = SampleJobView();
  for (int i = 0; i < 3000; ++i) job.counters["many/" + std::to_string(10'000 + i)] = i;
  EXPECT_EQ(Sent<wire::JobView>(job, ReadJobView).counters.size(), kMaxCounterNames);
}

TEST(WireViewsTest, ANewerMasterMayCountMoreKinds) {
  capnp::MallocMessageBuilder message;
  auto view = message.initRoot<wire::JobView>();
  Write(SampleJobView(), view);
  auto counts = view.initAttemptsByCause(kCauseCount + 2);
  counts.set(1, 5);
  const absl::StatusOr<JobView> copy = ReadJobView(view.asReader());
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->attempts_by_cause[1], 5u);
}

TEST(WireViewsTest, WhatIsOutOfRangeIsNamed) {
  capnp::MallocMessageBuilder message;
  auto view = message.initRoot<wire::JobView>();
  Write(SampleJobView(), view);
  view.setState(5);
  EXPECT_EQ(ReadJobView(view.asReader()).status().message(),
            "JobView.state: a value that this version does not know");
}

}  // namespace
}  // namespace millrace
