#include "rpc/wire.h"

#include <algorithm>

#include "rpc/data_bytes.h"
#include "rpc/wire_fields.h"

namespace millrace {
namespace {

using capnp::uint;

// --- Ids ---

TaskId TaskIdFrom(capnp_types::TaskId::Reader in, FieldReader& fields) {
  TaskId id;
  id.job = fields.SomeId<JobId>("job", in.getJob());
  id.stage = fields.Number("stage", in.getStage(), 0, kMaxStages - 1);
  id.index = fields.Number("index", in.getIndex(), 0, kMaxTasksPerStage - 1);
  return id;
}

AttemptId AttemptIdFrom(capnp_types::AttemptId::Reader in, FieldReader& fields) {
  return AttemptId{fields.SomeId<Epoch>("epoch", in.getEpoch()), in.getSequence()};
}

// One that may be missing.
AttemptId AttemptIdIfSet(capnp_types::AttemptId::Reader in) {
  if (in.getEpoch() == 0) return AttemptId();
  return AttemptId{Epoch(in.getEpoch()), in.getSequence()};
}

Digest DigestFrom(capnp_types::Digest::Reader in, FieldReader& fields) {
  return Digest{in.getHigh(), in.getLow()};
}

WorkerSessionId SessionFrom(capnp_types::Session::Reader in, FieldReader& fields) {
  WorkerSessionId session;
  session.epoch = fields.SomeId<Epoch>("epoch", in.getEpoch());
  session.worker = fields.SomeId<WorkerId>("worker", in.getWorker());
  session.incarnation = fields.SomeId<Incarnation>("incarnation", in.getIncarnation());
  return session;
}

// --- Input ---

InputFile InputFileFrom(capnp_types::InputFile::Reader in, FieldReader& fields) {
  InputFile file{fields.Path("path", in.getPath()), in.getSize(), in.getMtimeNs()};
  file.compression = fields.Enum<Compression>("compression", in.getCompression());
  for (const uint64_t cut : in.getCuts()) {
    const uint64_t before = file.cuts.empty() ? 0 : file.cuts.back();
    fields.Require(cut > before && cut < file.size, "cuts", "not ascending within the file");
    file.cuts.push_back(cut);
  }
  file.input = in.getInput();
  return file;
}

FileRange FileRangeFrom(capnp_types::FileRange::Reader in, FieldReader& fields) {
  FileRange range;
  range.file = fields.Nested("file", ReadInputFile(in.getFile()));
  range.offset = in.getOffset();
  range.length = in.getLength();
  const uint64_t size = range.file.size;
  fields.Require(range.length > 0, "length", "zero");
  fields.Require(range.offset <= size && range.length <= size - range.offset, "length",
                 "the range ends behind the file's end");
  return range;
}

InputRecord InputRecordFrom(capnp_types::InputRecord::Reader in, FieldReader& fields) {
  return InputRecord{fields.Path("file", in.getFile()), in.getOffset(), in.getBytes()};
}

// --- Attempts ---

AttemptSpec AttemptSpecFrom(capnp_types::AttemptSpec::Reader in, FieldReader& fields) {
  AttemptSpec spec;
  spec.attempt = fields.Nested("attempt", ReadAttemptId(in.getAttempt()));
  spec.task = fields.Nested("task", ReadTaskId(in.getTask()));
  spec.kind = fields.Enum<StageKind>("kind", in.getKind());
  spec.reason = fields.Enum<Reason>("reason", in.getReason());
  spec.split = fields.NestedList<FileRange, capnp_types::FileRange>(
      "split", in.getSplit(), kMaxRangesPerSplit, ReadFileRange);
  const bool is_map = spec.kind == StageKind::kMap;
  fields.Require(is_map || in.getSplit().size() == 0, "split", "a reduce attempt has none");
  // A part may be empty.
  fields.Require(!is_map || in.getSplit().size() > 0 || in.hasPartOf(), "split", "missing");
  spec.one_by_one = in.getOneByOne();
  spec.skip = fields.NestedList<InputRecord, capnp_types::InputRecord>(
      "skip", in.getSkip(), kMaxSkippedRecords, ReadInputRecord);
  fields.Require(is_map || !spec.one_by_one, "oneByOne", "a reduce attempt reads no records");
  fields.Require(spec.one_by_one || spec.skip.empty(), "skip",
                 "records can only be left out one by one");
  if (in.hasPartOf()) spec.part_of = fields.Nested("partOf", ReadAttemptId(in.getPartOf()));
  return spec;
}

AttemptStats AttemptStatsFrom(capnp_types::AttemptStats::Reader in, FieldReader& fields) {
  AttemptStats stats;
  stats.input_bytes = in.getInputBytes();
  stats.input_records = in.getInputRecords();
  stats.shuffled_bytes = in.getShuffledBytes();
  stats.output_bytes = in.getOutputBytes();
  stats.output_records = in.getOutputRecords();
  stats.spills = in.getSpills();
  stats.cpu_us = in.getCpuUs();
  stats.wall_us = in.getWallUs();
  stats.peak_memory_bytes = in.getPeakMemoryBytes();
  return stats;
}

HeavyKey HeavyKeyFrom(capnp_types::HeavyKey::Reader in, FieldReader& fields) {
  HeavyKey heavy;
  if (fields.Require(in.getKey().size() <= kHeavyKeyBytesMax, "key", "too long")) {
    heavy.key = ReadBytes(in.getKey());
  }
  heavy.is_cut = in.getIsCut();
  heavy.records = in.getRecords();
  heavy.bytes = in.getBytes();
  return heavy;
}

AttemptOutcome AttemptOutcomeFrom(capnp_types::AttemptOutcome::Reader in, FieldReader& fields) {
  AttemptOutcome outcome;
  outcome.attempt = fields.Nested("attempt", ReadAttemptId(in.getAttempt()));
  outcome.task = fields.Nested("task", ReadTaskId(in.getTask()));
  outcome.cause = fields.Enum<Cause>("cause", in.getCause());
  fields.Require(outcome.cause != Cause::kRunning, "cause", "it has not ended");
  outcome.message = fields.Text("message", in.getMessage(), kMaxMessageTextBytes);
  outcome.position = fields.Text("position", in.getPosition(), kMaxMessageTextBytes);
  outcome.stderr_tail = fields.Text("stderrTail", in.getStderrTail(), kMaxMessageTextBytes);
  outcome.digest = fields.Nested("digest", ReadDigest(in.getDigest()));
  outcome.stats = fields.Nested("stats", ReadAttemptStats(in.getStats()));
  outcome.counters = fields.Counters("counters", in.getCounters());
  outcome.heavy_keys = fields.NestedList<HeavyKey, capnp_types::HeavyKey>(
      "heavyKeys", in.getHeavyKeys(), kHeavyKeysMax, ReadHeavyKey);
  outcome.failed_map_index =
      fields.Number("failedMapIndex", in.getFailedMapIndex(), 0, kMaxTasksPerStage - 1);
  outcome.failed_source = AttemptIdIfSet(in.getFailedSource());
  outcome.source_unreachable = in.getSourceUnreachable();
  if (in.hasRecord()) outcome.record = fields.Nested("record", ReadInputRecord(in.getRecord()));
  return outcome;
}

// --- Workers and sources ---

MapSource MapSourceFrom(capnp_types::MapSource::Reader in, FieldReader& fields) {
  MapSource source;
  source.map_index = fields.Number("mapIndex", in.getMapIndex(), 0, kMaxTasksPerStage - 1);
  source.attempt = AttemptIdIfSet(in.getAttempt());
  source.worker = WorkerId(in.getWorker());
  fields.Require(source.worker.is_set() || !source.attempt.is_set(), "worker", "missing");
  source.digest = fields.Nested("digest", ReadDigest(in.getDigest()));
  if (in.hasMadeFor()) source.made_for = fields.Nested("madeFor", ReadTaskId(in.getMadeFor()));
  return source;
}

ShuffleAddress ShuffleAddressFrom(capnp_types::ShuffleAddress::Reader in, FieldReader& fields) {
  ShuffleAddress address;
  address.worker = fields.SomeId<WorkerId>("worker", in.getWorker());
  address.address = fields.Address("address", in.getAddress());
  address.host_id = fields.SomeText("hostId", in.getHostId(), kMaxNameBytes);
  address.scratch_folder = fields.Path("scratchFolder", in.getScratchFolder());
  return address;
}

WorkerInfo WorkerInfoFrom(capnp_types::WorkerInfo::Reader in, FieldReader& fields) {
  WorkerInfo info;
  info.name = fields.WorkerName("name", in.getName());
  info.incarnation = fields.SomeId<Incarnation>("incarnation", in.getIncarnation());
  info.slots = fields.Number("slots", in.getSlots(), 1, kMaxSlots);
  info.host = fields.Line("host", in.getHost(), kMaxNameBytes);
  info.host_id = fields.SomeText("hostId", in.getHostId(), kMaxNameBytes);
  info.pid = in.getPid();
  info.shuffle_address = fields.Address("shuffleAddress", in.getShuffleAddress());
  info.scratch_folder = fields.Path("scratchFolder", in.getScratchFolder());
  return info;
}

}  // namespace

absl::StatusOr<TaskId> ReadTaskId(capnp_types::TaskId::Reader in) {
  return ReadMessage("TaskId", in, TaskIdFrom);
}
absl::StatusOr<AttemptId> ReadAttemptId(capnp_types::AttemptId::Reader in) {
  return ReadMessage("AttemptId", in, AttemptIdFrom);
}
absl::StatusOr<Digest> ReadDigest(capnp_types::Digest::Reader in) {
  return ReadMessage("Digest", in, DigestFrom);
}
absl::StatusOr<WorkerSessionId> ReadSession(capnp_types::Session::Reader in) {
  return ReadMessage("Session", in, SessionFrom);
}
absl::StatusOr<InputFile> ReadInputFile(capnp_types::InputFile::Reader in) {
  return ReadMessage("InputFile", in, InputFileFrom);
}
absl::StatusOr<FileRange> ReadFileRange(capnp_types::FileRange::Reader in) {
  return ReadMessage("FileRange", in, FileRangeFrom);
}
absl::StatusOr<InputRecord> ReadInputRecord(capnp_types::InputRecord::Reader in) {
  return ReadMessage("InputRecord", in, InputRecordFrom);
}
absl::StatusOr<AttemptSpec> ReadAttemptSpec(capnp_types::AttemptSpec::Reader in) {
  return ReadMessage("AttemptSpec", in, AttemptSpecFrom);
}
absl::StatusOr<AttemptStats> ReadAttemptStats(capnp_types::AttemptStats::Reader in) {
  return ReadMessage("AttemptStats", in, AttemptStatsFrom);
}
absl::StatusOr<HeavyKey> ReadHeavyKey(capnp_types::HeavyKey::Reader in) {
  return ReadMessage("HeavyKey", in, HeavyKeyFrom);
}
absl::StatusOr<AttemptOutcome> ReadAttemptOutcome(capnp_types::AttemptOutcome::Reader in) {
  return ReadMessage("AttemptOutcome", in, AttemptOutcomeFrom);
}
absl::StatusOr<MapSource> ReadMapSource(capnp_types::MapSource::Reader in) {
  return ReadMessage("MapSource", in, MapSourceFrom);
}
absl::StatusOr<ShuffleAddress> ReadShuffleAddress(capnp_types::ShuffleAddress::Reader in) {
  return ReadMessage("ShuffleAddress", in, ShuffleAddressFrom);
}
absl::StatusOr<WorkerInfo> ReadWorkerInfo(capnp_types::WorkerInfo::Reader in) {
  return ReadMessage("WorkerInfo", in, WorkerInfoFrom);
}

void Write(const TaskId& value, capnp_types::TaskId::Builder out) {
  out.setJob(value.job.value());
  out.setStage(value.stage);
  out.setIndex(value.index);
}

void Write(const AttemptId& value, capnp_types::AttemptId::Builder out) {
  out.setEpoch(value.epoch.value());
  out.setSequence(value.sequence);
}

void Write(const Digest& value, capnp_types::Digest::Builder out) {
  out.setHigh(value.high);
  out.setLow(value.low);
}

void Write(const WorkerSessionId& value, capnp_types::Session::Builder out) {
  out.setEpoch(value.epoch.value());
  out.setWorker(value.worker.value());
  out.setIncarnation(value.incarnation.value());
}

void Write(const InputFile& value, capnp_types::InputFile::Builder out) {
  out.setPath(ToText(value.path));
  out.setSize(value.size);
  out.setMtimeNs(value.mtime_ns);
  out.setCompression(static_cast<uint8_t>(value.compression));
  out.setInput(value.input);
  auto cuts = out.initCuts(static_cast<capnp::uint>(value.cuts.size()));
  for (size_t i = 0; i < value.cuts.size(); ++i) cuts.set(i, value.cuts[i]);
}

std::string ReadBytes(capnp::Data::Reader in) { return std::string(ToBytes(in)); }

void WriteBytes(const std::vector<std::string>& values, capnp::List<capnp::Data>::Builder out) {
  for (size_t i = 0; i < values.size(); ++i) out.set(i, ToData(values[i]));
}

void Write(const FileRange& value, capnp_types::FileRange::Builder out) {
  Write(value.file, out.initFile());
  out.setOffset(value.offset);
  out.setLength(value.length);
}

void Write(const InputRecord& value, capnp_types::InputRecord::Builder out) {
  out.setFile(ToText(value.file));
  out.setOffset(value.offset);
  out.setBytes(value.bytes);
}

void Write(const AttemptSpec& value, capnp_types::AttemptSpec::Builder out) {
  Write(value.attempt, out.initAttempt());
  Write(value.task, out.initTask());
  out.setKind(static_cast<uint8_t>(value.kind));
  out.setReason(static_cast<uint8_t>(value.reason));
  auto split = out.initSplit(static_cast<uint>(value.split.size()));
  for (size_t i = 0; i < value.split.size(); ++i) Write(value.split[i], split[i]);
  out.setOneByOne(value.one_by_one);
  auto skip = out.initSkip(static_cast<uint>(value.skip.size()));
  for (size_t i = 0; i < value.skip.size(); ++i) Write(value.skip[i], skip[i]);
  if (value.part_of.is_set()) Write(value.part_of, out.initPartOf());
}

void Write(const AttemptStats& value, capnp_types::AttemptStats::Builder out) {
  out.setInputBytes(value.input_bytes);
  out.setInputRecords(value.input_records);
  out.setShuffledBytes(value.shuffled_bytes);
  out.setOutputBytes(value.output_bytes);
  out.setOutputRecords(value.output_records);
  out.setSpills(value.spills);
  out.setCpuUs(value.cpu_us);
  out.setWallUs(value.wall_us);
  out.setPeakMemoryBytes(value.peak_memory_bytes);
}

void Write(const HeavyKey& value, capnp_types::HeavyKey::Builder out) {
  const auto* const bytes = reinterpret_cast<const capnp::byte*>(value.key.data());
  out.setKey(capnp::Data::Reader(bytes, value.key.size()));
  out.setIsCut(value.is_cut);
  out.setRecords(value.records);
  out.setBytes(value.bytes);
}

void Write(const AttemptOutcome& value, capnp_types::AttemptOutcome::Builder out) {
  Write(value.attempt, out.initAttempt());
  Write(value.task, out.initTask());
  out.setCause(static_cast<uint8_t>(value.cause));
  out.setMessage(ToText(ClipMessage(value.message)));
  out.setPosition(ToText(ClipMessage(value.position)));
  out.setStderrTail(ToText(ClipMessage(value.stderr_tail)));
  Write(value.digest, out.initDigest());
  Write(value.stats, out.initStats());
  WriteCounters(value.counters,
                out.initCounters(static_cast<uint>(CountersToWrite(value.counters))));
  auto heavy = out.initHeavyKeys(static_cast<uint>(value.heavy_keys.size()));
  for (size_t i = 0; i < value.heavy_keys.size(); ++i) Write(value.heavy_keys[i], heavy[i]);
  out.setFailedMapIndex(value.failed_map_index);
  Write(value.failed_source, out.initFailedSource());
  out.setSourceUnreachable(value.source_unreachable);
  if (!value.record.file.empty()) Write(value.record, out.initRecord());
}

void Write(const MapSource& value, capnp_types::MapSource::Builder out) {
  out.setMapIndex(value.map_index);
  Write(value.attempt, out.initAttempt());
  out.setWorker(value.worker.value());
  Write(value.digest, out.initDigest());
  if (value.made_for.job.is_set()) Write(value.made_for, out.initMadeFor());
}

void Write(const ShuffleAddress& value, capnp_types::ShuffleAddress::Builder out) {
  out.setWorker(value.worker.value());
  out.setAddress(ToText(value.address));
  out.setHostId(ToText(value.host_id));
  out.setScratchFolder(ToText(value.scratch_folder));
}

void Write(const WorkerInfo& value, capnp_types::WorkerInfo::Builder out) {
  out.setName(ToText(value.name));
  out.setIncarnation(value.incarnation.value());
  out.setSlots(value.slots);
  out.setHost(ToText(value.host));
  out.setHostId(ToText(value.host_id));
  out.setPid(value.pid);
  out.setShuffleAddress(ToText(value.shuffle_address));
  out.setScratchFolder(ToText(value.scratch_folder));
}

std::string ReadMessageText(capnp::Text::Reader in) {
  return ClipMessage(std::string_view(in.begin(), in.size()));
}

}  // namespace millrace
