// Plain values to Cap'n Proto messages and back. All that arrives is checked here, once: shells and
// cores may trust what a Read function returned.
//
// Read gives kInvalidArgument, naming the field, for whatever no sender of ours writes: values out
// of range, ids that are missing, texts and lists beyond their bounds, ranges outside their file,
// and messages that Cap'n Proto itself cannot follow. Text written for people (messages, tails of
// output) is cut to its bound when written. Pure; any thread.
#ifndef MILLRACE_RPC_WIRE_H_
#define MILLRACE_RPC_WIRE_H_

#include <capnp/blob.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "rpc/task_types.h"
#include "rpc/types.capnp.h"

namespace millrace {

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxMessageTextBytes = 64u << 10;
constexpr size_t kMaxArguments = 4096;  // also environment variables
constexpr size_t kMaxArgumentBytes = 1u << 20;
constexpr size_t kMaxCounterNames = 1100;  // CounterSet::kMaxCounters, and what is counted for it
constexpr size_t kMaxCounterNameBytes = 1024;
constexpr size_t kMaxStages = 16;
constexpr uint32_t kMaxTasksPerStage = 10'000'000;
constexpr uint32_t kMaxReducers = 99'999;
constexpr uint32_t kMaxSlots = 4096;
constexpr uint32_t kMaxMaxAttempts = 1000;
constexpr uint32_t kMaxSkippedRecords = 1000;
constexpr uint32_t kMaxStepsBefore = 15;  // a chain has one more
constexpr size_t kMaxInputFiles = 10'000'000;

absl::StatusOr<TaskId> ReadTaskId(capnp_types::TaskId::Reader in);
absl::StatusOr<AttemptId> ReadAttemptId(capnp_types::AttemptId::Reader in);
absl::StatusOr<Digest> ReadDigest(capnp_types::Digest::Reader in);
absl::StatusOr<WorkerSessionId> ReadSession(capnp_types::Session::Reader in);
absl::StatusOr<InputFile> ReadInputFile(capnp_types::InputFile::Reader in);
absl::StatusOr<FileRange> ReadFileRange(capnp_types::FileRange::Reader in);
absl::StatusOr<InputRecord> ReadInputRecord(capnp_types::InputRecord::Reader in);
// What a client asks for. Without the input files: they follow in messages of their own.
absl::StatusOr<JobSpec> ReadJobSpec(capnp_types::JobSpec::Reader in);
absl::StatusOr<JobContext> ReadJobContext(capnp_types::JobContext::Reader in);
absl::StatusOr<AttemptSpec> ReadAttemptSpec(capnp_types::AttemptSpec::Reader in);
absl::StatusOr<MapSource> ReadMapSource(capnp_types::MapSource::Reader in);
absl::StatusOr<ShuffleAddress> ReadShuffleAddress(capnp_types::ShuffleAddress::Reader in);
absl::StatusOr<HeavyKey> ReadHeavyKey(capnp_types::HeavyKey::Reader in);
absl::StatusOr<AttemptStats> ReadAttemptStats(capnp_types::AttemptStats::Reader in);
absl::StatusOr<AttemptOutcome> ReadAttemptOutcome(capnp_types::AttemptOutcome::Reader in);
absl::StatusOr<WorkerInfo> ReadWorkerInfo(capnp_types::WorkerInfo::Reader in);

void Write(const TaskId& value, capnp_types::TaskId::Builder out);
void Write(const AttemptId& value, capnp_types::AttemptId::Builder out);
void Write(const Digest& value, capnp_types::Digest::Builder out);
void Write(const WorkerSessionId& value, capnp_types::Session::Builder out);
void Write(const InputFile& value, capnp_types::InputFile::Builder out);
void Write(const FileRange& value, capnp_types::FileRange::Builder out);
void Write(const InputRecord& value, capnp_types::InputRecord::Builder out);
// Without the input files, except for their number.
void Write(const JobSpec& value, capnp_types::JobSpec::Builder out);
void Write(const JobContext& value, capnp_types::JobContext::Builder out);
void Write(const AttemptSpec& value, capnp_types::AttemptSpec::Builder out);
void Write(const MapSource& value, capnp_types::MapSource::Builder out);
void Write(const ShuffleAddress& value, capnp_types::ShuffleAddress::Builder out);
void Write(const HeavyKey& value, capnp_types::HeavyKey::Builder out);
void Write(const AttemptStats& value, capnp_types::AttemptStats::Builder out);
void Write(const AttemptOutcome& value, capnp_types::AttemptOutcome::Builder out);
void Write(const WorkerInfo& value, capnp_types::WorkerInfo::Builder out);

// A job specification with its input files as one string of bytes, for a journal.
std::string EncodeJobSpec(const JobSpec& spec);
// kDataLoss when the bytes are damaged.
absl::StatusOr<JobSpec> DecodeJobSpec(std::string_view bytes);

// Byte strings that are no text; `out` has as many elements as `values`.
std::string ReadBytes(capnp::Data::Reader in);
void WriteBytes(const std::vector<std::string>& values, capnp::List<capnp::Data>::Builder out);

// Text for people: cut to kMaxMessageTextBytes.
std::string ReadMessageText(capnp::Text::Reader in);

}  // namespace millrace

#endif  // MILLRACE_RPC_WIRE_H_
