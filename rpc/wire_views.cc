#include "rpc/wire_views.h"

#include <algorithm>

#include "rpc/wire.h"
#include "rpc/wire_fields.h"

namespace millrace {
namespace {

using capnp::uint;

// A later version may count more kinds than we know.
constexpr size_t kMaxKinds = 64;
// A later master may remember more of them than ours.
constexpr size_t kMaxRecoveryEntries = 1000;
// Each job of a chain may skip as many as one alone, and the last tells of them all.
constexpr size_t kMaxSkippedInChain = kMaxSkippedRecords * (kMaxStepsBefore + 1);

template <size_t kCount>
std::array<uint64_t, kCount> Counts(const char* field, capnp::List<uint64_t>::Reader in,
                                    FieldReader& fields) {
  std::array<uint64_t, kCount> counts = {};
  fields.Require(in.size() <= kMaxKinds, field, "too many elements");
  for (uint i = 0; i < std::min<uint>(kCount, in.size()); ++i) counts[i] = in[i];
  return counts;
}

template <size_t kCount>
void WriteCounts(const std::array<uint64_t, kCount>& counts, capnp::List<uint64_t>::Builder out) {
  for (uint i = 0; i < kCount; ++i) out.set(i, counts[i]);
}

StageProgress StageProgressFrom(capnp_master::StageProgress::Reader in, FieldReader& fields) {
  StageProgress stage;
  stage.kind = fields.Enum<StageKind>("kind", in.getKind());
  stage.total = in.getTotal();
  stage.done = in.getDone();
  stage.running = in.getRunning();
  return stage;
}

absl::StatusOr<StageProgress> ReadStageProgress(capnp_master::StageProgress::Reader in) {
  return ReadMessage("StageProgress", in, StageProgressFrom);
}

RecoveryEntry RecoveryEntryFrom(capnp_master::RecoveryEntry::Reader in, FieldReader& fields) {
  RecoveryEntry entry;
  entry.what = fields.Enum<LossKind>("what", in.getWhat());
  entry.noticed_by = fields.Enum<NoticedBy>("noticedBy", in.getNoticedBy());
  entry.wall_us = in.getWallUs();
  entry.subject = fields.Text("subject", in.getSubject(), kMaxMessageTextBytes);
  entry.attempts_lost = in.getAttemptsLost();
  entry.outputs_lost = in.getOutputsLost();
  entry.cpu_us_again = in.getCpuUsAgain();
  entry.bytes_again = in.getBytesAgain();
  return entry;
}

absl::StatusOr<RecoveryEntry> ReadRecoveryEntry(capnp_master::RecoveryEntry::Reader in) {
  return ReadMessage("RecoveryEntry", in, RecoveryEntryFrom);
}

SkewedPart SkewedPartFrom(capnp_master::SkewedPart::Reader in, FieldReader& fields) {
  SkewedPart part;
  part.part = in.getPart();
  part.bytes = in.getBytes();
  part.keys = fields.NestedList<HeavyKey, capnp_types::HeavyKey>("keys", in.getKeys(),
                                                                 kHeavyKeysMax, ReadHeavyKey);
  return part;
}

absl::StatusOr<SkewedPart> ReadSkewedPart(capnp_master::SkewedPart::Reader in) {
  return ReadMessage("SkewedPart", in, SkewedPartFrom);
}

Skew SkewFrom(capnp_master::Skew::Reader in, FieldReader& fields) {
  Skew skew;
  skew.total_bytes = in.getTotalBytes();
  skew.median_bytes = in.getMedianBytes();
  skew.parts = fields.NestedList<SkewedPart, capnp_master::SkewedPart>(
      "parts", in.getParts(), Skew::kPartsMax, ReadSkewedPart);
  skew.more_parts = in.getMoreParts();
  return skew;
}

absl::StatusOr<Skew> ReadSkew(capnp_master::Skew::Reader in) {
  return ReadMessage("Skew", in, SkewFrom);
}

JobView JobViewFrom(capnp_master::JobView::Reader in, FieldReader& fields) {
  JobView job;
  job.job = fields.SomeId<JobId>("job", in.getJob());
  job.name = fields.Text("name", in.getName(), kMaxNameBytes);
  job.state = fields.Enum<JobState>("state", in.getState());
  job.version = in.getVersion();
  job.error = fields.Text("error", in.getError(), kMaxMessageTextBytes);
  job.stages = fields.NestedList<StageProgress, capnp_master::StageProgress>(
      "stages", in.getStages(), kMaxStages, ReadStageProgress);
  job.attempts_by_reason =
      Counts<kReasonCount>("attemptsByReason", in.getAttemptsByReason(), fields);
  job.attempts_by_cause = Counts<kCauseCount>("attemptsByCause", in.getAttemptsByCause(), fields);
  job.stale_reports = in.getStaleReports();
  job.workers_joined = in.getWorkersJoined();
  job.workers_lost = in.getWorkersLost();
  job.input_bytes = in.getInputBytes();
  job.mapped_bytes = in.getMappedBytes();
  job.shuffled_bytes = in.getShuffledBytes();
  job.output_bytes = in.getOutputBytes();
  job.counters = fields.Counters("counters", in.getCounters());
  job.output_folder = fields.Text("outputFolder", in.getOutputFolder(), kMaxPathBytes);
  job.output_key = fields.Text("outputKey", in.getOutputKey(), kMaxNameBytes);
  job.submitted_unix_ms = in.getSubmittedUnixMs();
  job.wall_ms = in.getWallMs();
  job.waiting_on = fields.Text("waitingOn", in.getWaitingOn(), kMaxMessageTextBytes);
  job.recovery = fields.NestedList<RecoveryEntry, capnp_master::RecoveryEntry>(
      "recovery", in.getRecovery(), kMaxRecoveryEntries, ReadRecoveryEntry);
  job.recovery_dropped = in.getRecoveryDropped();
  job.map_outputs_reused = in.getMapOutputsReused();
  job.skew = fields.Nested("skew", ReadSkew(in.getSkew()));
  job.skipped_records = fields.NestedList<InputRecord, capnp_types::InputRecord>(
      "skippedRecords", in.getSkippedRecords(), kMaxSkippedInChain, ReadInputRecord);
  return job;
}

AttemptView AttemptViewFrom(capnp_master::AttemptView::Reader in, FieldReader& fields) {
  AttemptView attempt;
  attempt.attempt = fields.Nested("attempt", ReadAttemptId(in.getAttempt()));
  attempt.task = fields.Nested("task", ReadTaskId(in.getTask()));
  attempt.kind = fields.Enum<StageKind>("kind", in.getKind());
  attempt.reason = fields.Enum<Reason>("reason", in.getReason());
  attempt.cause = fields.Enum<Cause>("cause", in.getCause());
  attempt.worker = WorkerId(in.getWorker());
  attempt.worker_name = fields.Text("workerName", in.getWorkerName(), kMaxNameBytes);
  attempt.worker_pid = in.getWorkerPid();
  attempt.started_ms = in.getStartedMs();
  attempt.ended_ms = in.getEndedMs();
  attempt.message = fields.Text("message", in.getMessage(), kMaxMessageTextBytes);
  attempt.status = fields.Line("status", in.getStatus(), kMaxNameBytes);
  attempt.stats = fields.Nested("stats", ReadAttemptStats(in.getStats()));
  return attempt;
}

WorkerView WorkerViewFrom(capnp_master::WorkerView::Reader in, FieldReader& fields) {
  WorkerView worker;
  worker.worker = fields.SomeId<WorkerId>("worker", in.getWorker());
  worker.name = fields.Text("name", in.getName(), kMaxNameBytes);
  worker.host = fields.Text("host", in.getHost(), kMaxNameBytes);
  worker.pid = in.getPid();
  worker.state = fields.Text("state", in.getState(), kMaxNameBytes);
  worker.slots = in.getSlots();
  worker.busy = in.getBusy();
  worker.attempts = in.getAttempts();
  worker.heartbeat_age_ms = in.getHeartbeatAgeMs();
  return worker;
}

void Write(const StageProgress& value, capnp_master::StageProgress::Builder out) {
  out.setKind(static_cast<uint8_t>(value.kind));
  out.setTotal(value.total);
  out.setDone(value.done);
  out.setRunning(value.running);
}

void Write(const RecoveryEntry& value, capnp_master::RecoveryEntry::Builder out) {
  out.setWhat(static_cast<uint8_t>(value.what));
  out.setNoticedBy(static_cast<uint8_t>(value.noticed_by));
  out.setWallUs(value.wall_us);
  out.setSubject(ToText(ClipMessage(value.subject)));
  out.setAttemptsLost(value.attempts_lost);
  out.setOutputsLost(value.outputs_lost);
  out.setCpuUsAgain(value.cpu_us_again);
  out.setBytesAgain(value.bytes_again);
}

void Write(const Skew& value, capnp_master::Skew::Builder out) {
  out.setTotalBytes(value.total_bytes);
  out.setMedianBytes(value.median_bytes);
  auto parts = out.initParts(static_cast<uint>(value.parts.size()));
  for (uint i = 0; i < value.parts.size(); ++i) {
    const SkewedPart& part = value.parts[i];
    parts[i].setPart(part.part);
    parts[i].setBytes(part.bytes);
    auto keys = parts[i].initKeys(static_cast<uint>(part.keys.size()));
    for (uint k = 0; k < part.keys.size(); ++k) millrace::Write(part.keys[k], keys[k]);
  }
  out.setMoreParts(value.more_parts);
}

}  // namespace

absl::StatusOr<JobView> ReadJobView(capnp_master::JobView::Reader in) {
  return ReadMessage("JobView", in, JobViewFrom);
}
absl::StatusOr<AttemptView> ReadAttemptView(capnp_master::AttemptView::Reader in) {
  return ReadMessage("AttemptView", in, AttemptViewFrom);
}
absl::StatusOr<WorkerView> ReadWorkerView(capnp_master::WorkerView::Reader in) {
  return ReadMessage("WorkerView", in, WorkerViewFrom);
}

void Write(const JobView& value, capnp_master::JobView::Builder out) {
  out.setJob(value.job.value());
  out.setName(ToText(value.name));
  out.setState(static_cast<uint8_t>(value.state));
  out.setVersion(value.version);
  out.setError(ToText(ClipMessage(value.error)));
  auto stages = out.initStages(static_cast<uint>(value.stages.size()));
  for (size_t i = 0; i < value.stages.size(); ++i) Write(value.stages[i], stages[i]);
  WriteCounts(value.attempts_by_reason, out.initAttemptsByReason(kReasonCount));
  WriteCounts(value.attempts_by_cause, out.initAttemptsByCause(kCauseCount));
  out.setStaleReports(value.stale_reports);
  out.setWorkersJoined(value.workers_joined);
  out.setWorkersLost(value.workers_lost);
  out.setInputBytes(value.input_bytes);
  out.setMappedBytes(value.mapped_bytes);
  out.setShuffledBytes(value.shuffled_bytes);
  out.setOutputBytes(value.output_bytes);
  WriteCounters(value.counters,
                out.initCounters(static_cast<uint>(CountersToWrite(value.counters))));
  out.setOutputFolder(ToText(value.output_folder));
  out.setOutputKey(ToText(value.output_key));
  out.setSubmittedUnixMs(value.submitted_unix_ms);
  out.setWallMs(value.wall_ms);
  out.setWaitingOn(ToText(ClipMessage(value.waiting_on)));
  auto recovery = out.initRecovery(static_cast<uint>(value.recovery.size()));
  for (uint i = 0; i < value.recovery.size(); ++i) Write(value.recovery[i], recovery[i]);
  out.setRecoveryDropped(value.recovery_dropped);
  out.setMapOutputsReused(value.map_outputs_reused);
  Write(value.skew, out.initSkew());
  auto skipped = out.initSkippedRecords(static_cast<uint>(value.skipped_records.size()));
  for (size_t i = 0; i < value.skipped_records.size(); ++i) {
    millrace::Write(value.skipped_records[i], skipped[i]);
  }
}

void Write(const AttemptView& value, capnp_master::AttemptView::Builder out) {
  millrace::Write(value.attempt, out.initAttempt());
  millrace::Write(value.task, out.initTask());
  out.setKind(static_cast<uint8_t>(value.kind));
  out.setReason(static_cast<uint8_t>(value.reason));
  out.setCause(static_cast<uint8_t>(value.cause));
  out.setWorker(value.worker.value());
  out.setWorkerName(ToText(value.worker_name));
  out.setWorkerPid(value.worker_pid);
  out.setStartedMs(value.started_ms);
  out.setEndedMs(value.ended_ms);
  out.setMessage(ToText(ClipMessage(value.message)));
  out.setStatus(ToText(value.status));
  millrace::Write(value.stats, out.initStats());
}

void Write(const WorkerView& value, capnp_master::WorkerView::Builder out) {
  out.setWorker(value.worker.value());
  out.setName(ToText(value.name));
  out.setHost(ToText(value.host));
  out.setPid(value.pid);
  out.setState(ToText(value.state));
  out.setSlots(value.slots);
  out.setBusy(value.busy);
  out.setAttempts(value.attempts);
  out.setHeartbeatAgeMs(value.heartbeat_age_ms);
}

}  // namespace millrace
