// The bytes of the journal.
#include "master/core/edits.h"

#include <rapidcheck.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::HasSubstr;

std::string Encoded(const JobEdit& edit) {
  std::string bytes;
  EncodeTo(edit, &bytes);
  return bytes;
}

AttemptId AnyAttempt() {
  return AttemptId{Epoch(*rc::gen::arbitrary<uint64_t>()), *rc::gen::arbitrary<uint64_t>()};
}

TaskId AnyTask() {
  return TaskId{JobId(*rc::gen::arbitrary<uint64_t>()), *rc::gen::arbitrary<uint32_t>(),
                *rc::gen::arbitrary<uint32_t>()};
}

JobPlan AnyPlan() {
  JobPlan plan;
  plan.name = *rc::gen::arbitrary<std::string>();
  plan.request_id = *rc::gen::arbitrary<std::string>();
  plan.output_folder = *rc::gen::arbitrary<std::string>();
  plan.map_count = *rc::gen::arbitrary<uint32_t>();
  plan.reducers = *rc::gen::arbitrary<uint32_t>();
  plan.max_attempts = *rc::gen::arbitrary<uint32_t>();
  plan.skip_bad_records = *rc::gen::arbitrary<uint32_t>();
  plan.keeps_outputs = *rc::gen::arbitrary<bool>();
  plan.reads = JobId(*rc::gen::arbitrary<uint64_t>());
  plan.feeds = *rc::gen::arbitrary<bool>();
  return plan;
}

InputRecord AnyRecord() {
  return {*rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<uint64_t>(),
          *rc::gen::arbitrary<uint64_t>()};
}

AttemptStats AnyStats() {
  AttemptStats stats;
  stats.input_bytes = *rc::gen::arbitrary<uint64_t>();
  stats.output_records = *rc::gen::arbitrary<uint64_t>();
  stats.peak_memory_bytes = *rc::gen::arbitrary<uint64_t>();
  return stats;
}

RecoveryEntry AnyEntry() {
  RecoveryEntry entry;
  entry.what = static_cast<LossKind>(*rc::gen::inRange(0, kLossKindCount));
  entry.noticed_by = static_cast<NoticedBy>(*rc::gen::inRange(0, kNoticedByCount));
  entry.wall_us = *rc::gen::arbitrary<int64_t>();
  entry.subject = *rc::gen::arbitrary<std::string>();
  entry.attempts_lost = *rc::gen::arbitrary<uint32_t>();
  entry.bytes_again = *rc::gen::arbitrary<uint64_t>();
  return entry;
}

std::vector<HeavyKey> AnyKeys() {
  HeavyKey key;
  key.key = *rc::gen::arbitrary<std::string>();
  key.is_cut = *rc::gen::arbitrary<bool>();
  key.bytes = *rc::gen::arbitrary<uint64_t>();
  return {static_cast<size_t>(*rc::gen::inRange(0, 3)), key};
}

JobSummary AnySummary() {
  JobSummary summary;
  summary.job = JobId(*rc::gen::arbitrary<uint64_t>());
  summary.plan = AnyPlan();
  summary.state = static_cast<JobState>(*rc::gen::inRange(0, 5));
  summary.error = *rc::gen::arbitrary<std::string>();
  summary.started[1] = *rc::gen::arbitrary<uint64_t>();
  summary.ended[2] = *rc::gen::arbitrary<uint64_t>();
  summary.ended_wall_us = *rc::gen::arbitrary<int64_t>();
  summary.skipped_records.resize(*rc::gen::inRange(0, 3), AnyRecord());
  summary.counters = *rc::gen::arbitrary<std::map<std::string, int64_t>>();
  const int losses = *rc::gen::inRange(0, 3);
  for (int i = 0; i < losses; ++i) summary.recovery.push_back(AnyEntry());
  summary.recovery_dropped = *rc::gen::arbitrary<uint64_t>();
  summary.map_outputs_reused = *rc::gen::arbitrary<uint32_t>();
  summary.stage_stats = {AnyStats(), AnyStats()};
  summary.skew.total_bytes = *rc::gen::arbitrary<uint64_t>();
  summary.skew.parts = {SkewedPart{7, 8, AnyKeys()}};
  summary.skew.more_parts = *rc::gen::arbitrary<uint32_t>();
  return summary;
}

JobEdit AnyEdit() {
  const int64_t wall_us = *rc::gen::arbitrary<int64_t>();
  const WorkerId worker(*rc::gen::arbitrary<uint64_t>());
  const JobId job(*rc::gen::arbitrary<uint64_t>());
  const std::string text = *rc::gen::arbitrary<std::string>();
  const Cause cause = static_cast<Cause>(*rc::gen::inRange(0, kCauseCount));
  const Reason reason = static_cast<Reason>(*rc::gen::inRange(0, kReasonCount));
  switch (*rc::gen::inRange(0, 13)) {
    case 0: return JobAccepted{job, AnyPlan(), wall_us, text, {2, Digest{1, job.value()}}};
    case 1: return WorkerRegistered{worker, Incarnation(job.value()), text};
    case 2: return WorkerLost{worker};
    case 3: return AttemptStarted{AnyAttempt(), AnyTask(), worker, reason, wall_us};
    case 4: return AttemptEnded{AnyAttempt(), AnyTask(), cause, wall_us, text, AnyRecord()};
    case 5:
      return TaskDone{AnyAttempt(), AnyTask(),
                      wall_us,      Digest{job.value(), worker.value()},
                      AnyStats(),   *rc::gen::arbitrary<std::map<std::string, int64_t>>(),
                      AnyKeys()};
    case 6: return OutputLost{AnyAttempt(), AnyTask()};
    case 7: return JobPublishing{job};
    case 8: return LossNoticed{job, AnyEntry().what, AnyEntry().noticed_by, wall_us, text};
    case 9: return JobEnded{job, JobState::kFailed, wall_us, text};
    case 10: return RecordSkipped{AnyTask(), AnyRecord()};
    case 11:
      return OutputReused{AnyTask(),
                          AnyTask(),
                          AnyAttempt(),
                          worker,
                          Digest{job.value(), worker.value()},
                          AnyStats(),
                          *rc::gen::arbitrary<std::map<std::string, int64_t>>()};
    default: return JobFolded{AnySummary()};
  }
}

TEST(EditsTest, EveryEditIsReadAsItWasWritten) {
  EXPECT_TRUE(rc::check([] {
    const JobEdit edit = AnyEdit();
    const std::string bytes = Encoded(edit);
    const absl::StatusOr<JobEdit> read = DecodeEdit(bytes);
    RC_ASSERT(read.ok());
    RC_ASSERT(DebugString(*read) == DebugString(edit));
    RC_ASSERT(Encoded(*read) == bytes);
  }));
}

TEST(EditsTest, AnEntryThatWasCutIsRefused) {
  EXPECT_TRUE(rc::check([] {
    const std::string bytes = Encoded(AnyEdit());
    const size_t length = *rc::gen::inRange<size_t>(0, bytes.size());
    RC_ASSERT(!DecodeEdit(bytes.substr(0, length)).ok());
  }));
}

TEST(EditsTest, AnyBytesAreReadOrRefusedButNeverTrusted) {
  EXPECT_TRUE(rc::check([](const std::string& tail) {
    for (char kind = 0; kind < 15; ++kind) {
      for (char version : {1, 2, 3}) {
        const absl::StatusOr<JobEdit> read = DecodeEdit(std::string{version, kind} + tail);
        if (read.ok()) RC_ASSERT(DecodeEdit(Encoded(*read)).ok());
      }
    }
  }));
}

TEST(EditsTest, BytesLeftOverAreRefused) {
  EXPECT_THAT(std::string(DecodeEdit(Encoded(WorkerLost{WorkerId(1)}) + "x").status().message()),
              HasSubstr("bytes left over"));
}

TEST(EditsTest, AnEntryOfAnotherFormatIsNamedAsSuch) {
  std::string bytes = Encoded(WorkerLost{WorkerId(1)});
  bytes[0] = 9;
  const absl::Status status = DecodeEdit(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("format 9"));
}

// What the first version wrote: a master that is replaced by this one has left it behind.
TEST(EditsTest, AnEntryOfTheFirstVersionIsReadWithoutWhatCameLater) {
  const std::string ended("\1\1\3\7\2\0\4\2\12\4boom", 14);
  const absl::StatusOr<JobEdit> edit = DecodeEdit(ended);
  ASSERT_TRUE(edit.ok()) << edit.status();
  EXPECT_EQ(
      DebugString(*edit),
      DebugString(JobEdit(AttemptEnded{
          {Epoch(3), 7}, {JobId(2), 0, 4}, Cause::kUserCodeFailed, 5, "boom", InputRecord()})));
  EXPECT_FALSE(DecodeEdit("\2" + ended.substr(1)).ok()) << "the second version has more";

  const std::string accepted("\1\4\2\1n\1r\2/o\3\1\4\0\0", 15);
  const absl::StatusOr<JobEdit> job = DecodeEdit(accepted);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(std::get<JobAccepted>(*job).plan, (JobPlan{"n", "r", "/o", 3, 1, 4, 0}));
}

TEST(EditsTest, AnEntryOfTheSecondVersionIsReadWithoutFingerprints) {
  const std::string accepted("\2\4\2\1n\1r\2/o\3\1\4\0\0\0\0\0\0", 19);
  const absl::StatusOr<JobEdit> job = DecodeEdit(accepted);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(std::get<JobAccepted>(*job).plan, (JobPlan{"n", "r", "/o", 3, 1, 4, 0}));
  EXPECT_TRUE(std::get<JobAccepted>(*job).fingerprints.empty());
  EXPECT_FALSE(DecodeEdit("\3" + accepted.substr(1)).ok()) << "the third version has more";
}

TEST(EditsTest, ALaunchTakesFewBytes) {
  EXPECT_LE(Encoded(AttemptStarted{{Epoch(3), 1000}, {JobId(7), 0, 1000}, WorkerId(9)}).size(), 12);
}

TEST(EditsTest, EditsOfAJobAndOfAWorkerOfTheSameNumberHaveDifferentTopics) {
  EXPECT_NE(TopicOf(JobId(3)), TopicOf(WorkerId(3)));
  EXPECT_EQ(TopicOf(JobEdit(JobPublishing{JobId(3)})), TopicOf(JobId(3)));
  EXPECT_EQ(TopicOf(JobEdit(OutputLost{{}, {JobId(3), 0, 0}})), TopicOf(JobId(3)));
  EXPECT_EQ(TopicOf(JobEdit(WorkerLost{WorkerId(3)})), TopicOf(WorkerId(3)));
}

TEST(EditsTest, AnEditPrintsAsASentenceOfItsFields) {
  EXPECT_EQ(DebugString(JobEdit(OutputLost{{Epoch(1), 2}, {JobId(3), 0, 4}})),
            "OutputLost{attempt-1-2, job-3/0/4}");
}

}  // namespace
}  // namespace millrace
