#include "rpc/view_json.h"

#include <utility>

#include "rpc/json_writer.h"
#include "rpc/profile.h"
#include "rpc/view_json_parts.h"

namespace millrace {
namespace {

uint64_t EndedWith(const JobView& job, Cause cause) {
  return job.attempts_by_cause[static_cast<size_t>(cause)];
}

uint64_t TasksOf(const JobView& job, StageKind kind) {
  uint64_t tasks = 0;
  for (const StageProgress& stage : job.stages) {
    if (stage.kind == kind) tasks += stage.total;
  }
  return tasks;
}

void WriteTasks(const JobView& job, JsonWriter* json) {
  json->Key("tasks").OpenObject();
  json->Key("map").Number(TasksOf(job, StageKind::kMap));
  json->Key("reduce").Number(TasksOf(job, StageKind::kReduce));
  json->CloseObject();
}

// How attempts ended, in few words; "causes" has every cause by itself.
void WriteAttempts(const JobView& job, JsonWriter* json) {
  uint64_t total = 0;
  for (uint64_t count : job.attempts_by_reason) total += count;
  const uint64_t failed = EndedWith(job, Cause::kUserCodeFailed) +
                          EndedWith(job, Cause::kFetchFailed) + EndedWith(job, Cause::kTimedOut) +
                          EndedWith(job, Cause::kWorkerFailed) +
                          EndedWith(job, Cause::kWorkerUnfit) + EndedWith(job, Cause::kJobInvalid);

  json->Key("attempts").OpenObject();
  json->Key("total").Number(total);
  json->Key("succeeded").Number(EndedWith(job, Cause::kSucceeded));
  json->Key("failed").Number(failed);
  json->Key("lost").Number(EndedWith(job, Cause::kWorkerLost));
  json->Key("superseded").Number(EndedWith(job, Cause::kSuperseded));
  json->Key("speculative")
      .Number(job.attempts_by_reason[static_cast<size_t>(Reason::kSpeculative)]);
  json->Key("cancelled").Number(EndedWith(job, Cause::kCancelled));
  json->CloseObject();
}

// {"NAME OF KIND": count, ...}, from `first` on.
template <typename Kind, typename Counts>
void WriteCounts(const char* key, Kind first, const Counts& counts, JsonWriter* json) {
  json->Key(key).OpenObject();
  for (size_t i = static_cast<size_t>(first); i < counts.size(); ++i) {
    json->Key(Name(static_cast<Kind>(i))).Number(counts[i]);
  }
  json->CloseObject();
}

void WriteStage(const StageProgress& stage, JsonWriter* json) {
  json->OpenObject();
  json->Key("kind").String(stage.kind == StageKind::kMap ? "map" : "reduce");
  json->Key("total").Number(stage.total);
  json->Key("done").Number(stage.done);
  json->Key("running").Number(stage.running);
  json->CloseObject();
}

void WriteCounters(const JobView& job, JsonWriter* json) {
  json->Key("counters").OpenObject();
  for (const auto& [name, value] : job.counters) {
    if (!IsOfProfile(name)) json->Key(name).SignedNumber(value);
  }
  json->CloseObject();
}

void WriteProfile(const JobView& job, JsonWriter* json) {
  if (!HasProfile(job.counters)) return;
  const Profile profile = ProfileIn(job.counters);
  json->Key("profile").OpenObject();
  json->Key("cpu_us").Number(profile.cpu_us());
  json->Key("phases").OpenObject();
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    json->Key(Name(static_cast<WorkPhase>(i))).OpenObject();
    json->Key("cpu_us").Number(profile.shares[i].cpu_us);
    json->Key("bytes").Number(profile.shares[i].bytes);
    json->CloseObject();
  }
  json->Key("wait").OpenObject();
  json->Key("cpu_us").Number(0);
  json->Key("bytes").Number(0);
  json->Key("wall_us").Number(profile.wait_us);
  json->CloseObject();
  json->CloseObject();
  json->CloseObject();
}

void WriteHeavyKey(const HeavyKey& key, JsonWriter* json) {
  json->OpenObject();
  json->Key("key").String(ShownKey(key));
  json->Key("is_cut").Number(key.is_cut ? 1 : 0);
  json->Key("records").Number(key.records);
  json->Key("bytes").Number(key.bytes);
  json->CloseObject();
}

void WriteSkewedPart(const SkewedPart& part, JsonWriter* json) {
  json->OpenObject();
  json->Key("part").Number(part.part);
  json->Key("bytes").Number(part.bytes);
  json->Key("keys");
  WriteArray(part.keys, WriteHeavyKey, json);
  json->CloseObject();
}

void WriteSkew(const JobView& job, JsonWriter* json) {
  if (!job.HasSkewToTell()) return;
  json->Key("skew").OpenObject();
  json->Key("reduce_input_bytes").Number(job.skew.total_bytes);
  json->Key("median_bytes").Number(job.skew.median_bytes);
  json->Key("parts");
  WriteArray(job.skew.parts, WriteSkewedPart, json);
  json->Key("more_parts").Number(job.skew.more_parts);
  json->CloseObject();
}

void WriteRecord(const InputRecord& record, JsonWriter* json) {
  json->OpenObject();
  json->Key("file").String(record.file);
  json->Key("offset").Number(record.offset);
  json->Key("bytes").Number(record.bytes);
  json->CloseObject();
}

void WriteTotals(const JobView& job, JsonWriter* json) {
  json->Key("map_outputs_reused").Number(job.map_outputs_reused);
  json->Key("stale_reports").Number(job.stale_reports);
  json->Key("workers").OpenObject();
  json->Key("joined").Number(job.workers_joined);
  json->Key("lost").Number(job.workers_lost);
  json->CloseObject();
  json->Key("bytes").OpenObject();
  json->Key("input").Number(job.input_bytes);
  json->Key("mapped").Number(job.mapped_bytes);
  json->Key("shuffled").Number(job.shuffled_bytes);
  json->Key("output").Number(job.output_bytes);
  json->CloseObject();
}

void WriteJob(const JobView& job, JsonWriter* json) {
  json->OpenObject();
  json->Key("job").String(ToString(job.job));
  json->Key("name").String(job.name);
  json->Key("state").String(Name(job.state));
  json->Key("wall_s").Seconds(job.wall_ms);
  WriteTasks(job, json);
  WriteAttempts(job, json);
  WriteCounts("reasons", Reason::kFirst, job.attempts_by_reason, json);
  WriteCounts("causes", Cause::kSucceeded, job.attempts_by_cause, json);
  WriteTotals(job, json);
  WriteRecovery(job, json);
  json->Key("skipped_records");
  WriteArray(job.skipped_records, WriteRecord, json);
  WriteCounters(job, json);
  WriteProfile(job, json);
  WriteSkew(job, json);
  json->Key("error");
  WriteOptionalText(job.error, json);
  json->Key("output").String(job.output_folder);
  json->Key("submitted_unix_ms").SignedNumber(job.submitted_unix_ms);
  json->Key("stages");
  WriteArray(job.stages, WriteStage, json);
  json->Key("waiting_on");
  WriteOptionalText(job.waiting_on, json);
  json->CloseObject();
}

void WriteStats(const AttemptStats& stats, JsonWriter* json) {
  json->Key("stats").OpenObject();
  json->Key("input_bytes").Number(stats.input_bytes);
  json->Key("input_records").Number(stats.input_records);
  json->Key("shuffled_bytes").Number(stats.shuffled_bytes);
  json->Key("output_bytes").Number(stats.output_bytes);
  json->Key("output_records").Number(stats.output_records);
  json->Key("spills").Number(stats.spills);
  json->Key("cpu_us").Number(stats.cpu_us);
  json->Key("wall_us").Number(stats.wall_us);
  json->Key("peak_memory_bytes").Number(stats.peak_memory_bytes);
  json->CloseObject();
}

void WriteWorker(const WorkerView& worker, JsonWriter* json) {
  json->OpenObject();
  json->Key("worker").String(ToString(worker.worker));
  json->Key("name").String(worker.name);
  json->Key("host").String(worker.host);
  json->Key("pid").Number(worker.pid);
  json->Key("state").String(worker.state);
  json->Key("slots").Number(worker.slots);
  json->Key("busy").Number(worker.busy);
  json->Key("attempts").Number(worker.attempts);
  json->Key("heartbeat_age_s").Seconds(worker.heartbeat_age_ms);
  json->CloseObject();
}

template <typename T>
std::string ArrayJson(const std::vector<T>& values, void (*write)(const T&, JsonWriter*)) {
  JsonWriter json;
  WriteArray(values, write, &json);
  return std::move(json).Take();
}

}  // namespace

void WriteOptionalText(const std::string& text, JsonWriter* json) {
  if (text.empty()) {
    json->Null();
  } else {
    json->String(text);
  }
}

void WriteAttempt(const AttemptView& attempt, JsonWriter* json) {
  json->OpenObject();
  json->Key("attempt").String(ToString(attempt.attempt));
  json->Key("task").String(TaskName(attempt.kind, attempt.task.index));
  json->Key("reason").String(Name(attempt.reason));
  json->Key("cause").String(Name(attempt.cause));
  json->Key("worker").String(ToString(attempt.worker));
  json->Key("worker_name").String(attempt.worker_name);
  json->Key("worker_pid").Number(attempt.worker_pid);
  json->Key("started_s").Seconds(attempt.started_ms);
  json->Key("ended_s");
  if (attempt.cause == Cause::kRunning) {
    json->Null();
  } else {
    json->Seconds(attempt.ended_ms);
  }
  json->Key("message");
  WriteOptionalText(attempt.message, json);
  json->Key("status");
  WriteOptionalText(attempt.status, json);
  WriteStats(attempt.stats, json);
  json->CloseObject();
}

std::string JobJson(const JobView& job) {
  JsonWriter json;
  WriteJob(job, &json);
  return std::move(json).Take();
}

std::string JobsJson(const std::vector<JobView>& jobs) { return ArrayJson(jobs, WriteJob); }

std::string AttemptsJson(const std::vector<AttemptView>& attempts) {
  return ArrayJson(attempts, WriteAttempt);
}

std::string WorkersJson(const std::vector<WorkerView>& workers) {
  return ArrayJson(workers, WriteWorker);
}

}  // namespace millrace
