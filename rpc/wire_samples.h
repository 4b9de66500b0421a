// One good value of each kind, with every field set to something of its own. For tests.
#ifndef MILLRACE_RPC_WIRE_SAMPLES_H_
#define MILLRACE_RPC_WIRE_SAMPLES_H_

#include <string>

#include "rpc/job_views.h"
#include "rpc/lineage_view.h"
#include "rpc/task_types.h"

namespace millrace {

inline TaskId SampleTask() { return {JobId(3), 1, 12}; }
inline AttemptId SampleAttempt() { return {Epoch(2), 17}; }
inline Digest SampleDigest() { return {0x0123456789abcdef, 0xfedcba9876543210}; }
inline WorkerSessionId SampleSession() { return {Epoch(2), WorkerId(5), Incarnation(6)}; }
inline InputFile SampleFile() { return {"/in/a", 1000, -7}; }
inline FileRange SampleRange() { return {SampleFile(), 100, 900}; }
inline AttemptStats SampleStats() { return {1, 2, 3, 4, 5, 6, 7, 8, 9}; }

inline JobBinary SampleBinary() {
  JobBinary binary;
  binary.path = "/bin/wordcount";
  binary.sha256 = std::string(32, 'a') + std::string(32, '0');
  binary.size = 42;
  binary.mtime_ns = 43;
  binary.inode = 44;
  binary.host_id = "host-1";
  return binary;
}

inline std::vector<JobBinary> SampleSideFiles() {
  JobBinary script = SampleBinary();
  script.name = "map.py";
  JobBinary empty = SampleBinary();
  empty.name = "list";
  empty.size = 0;
  empty.executable = false;
  return {script, empty};
}

inline JobSpec SampleJobSpec() {
  JobSpec spec;
  spec.name = "wordcount";
  spec.request_id = "request-1";
  spec.binary = SampleBinary();
  spec.side_files = SampleSideFiles();
  spec.argv = {"/bin/wordcount", "--tokens=letters", ""};
  spec.environment = {"LANG=C", "EMPTY="};
  spec.input_format = InputFormat::kWholeFile;
  spec.split_bytes = 77;
  spec.reducers = 3;
  spec.split_keys = {std::string("\0b", 2), "c"};
  spec.part_suffix = ".zst";
  spec.aggregated = true;
  spec.output_folder = "/out";
  spec.overwrite = true;
  spec.max_attempts = 5;
  spec.speculation_floor_ms = 79;
  spec.progress_timeout_ms = 80;
  spec.skip_bad_records = 6;
  spec.shuffle = ShuffleMode::kNetwork;
  spec.task_memory_bytes = 78;
  spec.keep_folder = "/keep";
  spec.map_identity = SampleDigest();
  spec.before = {{"count", 3}, {"sort", 7}};
  spec.profile = true;
  return spec;
}

inline JobContext SampleJobContext() {
  JobContext context;
  context.job = JobId(3);
  context.name = "wordcount";
  context.binary = SampleBinary();
  context.side_files = SampleSideFiles();
  context.argv = {"/bin/wordcount", "--tokens=letters", ""};
  context.environment = {"LANG=C", "EMPTY="};
  context.map_count = 9;
  context.reducers = 3;
  context.split_keys = {std::string("\0b", 2), "c"};
  context.output_folder = "/out";
  context.staging_key = "job-3-0123";
  context.shuffle = ShuffleMode::kNetwork;
  context.task_memory_bytes = 79;
  context.nonce_path = "/out/_millrace/job-3-0123/nonce";
  context.nonce = "n0nce";
  context.probe = InputFile{"/in/a.txt", 17, 1700000000000000000};
  context.keep_folder = "/keep";
  context.step = 2;
  context.profile = true;
  return context;
}

inline AttemptSpec SampleAttemptSpec() {
  AttemptSpec spec;
  spec.attempt = SampleAttempt();
  spec.task = SampleTask();
  spec.kind = StageKind::kMap;
  spec.reason = Reason::kSpeculative;
  spec.split = {SampleRange(), FileRange{{"/in/b", 5, 6}, 0, 5}};
  spec.one_by_one = true;
  spec.skip = {InputRecord{"/in/a", 120, 7}, InputRecord{"/in/b", 0, 2}};
  spec.part_of = AttemptId{Epoch(1), 8};
  return spec;
}

inline MapSource SampleSource() {
  MapSource source;
  source.map_index = 4;
  source.attempt = SampleAttempt();
  source.worker = WorkerId(5);
  source.digest = SampleDigest();
  source.made_for = {JobId(2), 0, 7};
  return source;
}

inline ShuffleAddress SampleShuffleAddress() {
  ShuffleAddress address;
  address.worker = WorkerId(5);
  address.address = "red:7071";
  address.host_id = "host-1";
  address.scratch_folder = "/scratch/red";
  return address;
}

inline AttemptOutcome SampleOutcome() {
  AttemptOutcome outcome;
  outcome.attempt = SampleAttempt();
  outcome.task = SampleTask();
  outcome.cause = Cause::kFetchFailed;
  outcome.message = "cannot read map 3";
  outcome.position = "/in/a:17";
  outcome.stderr_tail = "oh\nno\n";
  outcome.digest = SampleDigest();
  outcome.stats = SampleStats();
  outcome.counters = {{"words/long", -2}, {"a/b", 3}};
  outcome.heavy_keys = {{std::string("\0the", 4), true, 40, 41}, {"a", false, 42, 43}};
  outcome.failed_map_index = 3;
  outcome.failed_source = AttemptId{Epoch(1), 9};
  outcome.source_unreachable = true;
  outcome.record = InputRecord{"/in/a", 17, 5};
  return outcome;
}

inline WorkerInfo SampleWorkerInfo() {
  WorkerInfo info;
  info.name = "red";
  info.incarnation = Incarnation(6);
  info.slots = 4;
  info.host = "build-7";
  info.host_id = "host-1";
  info.pid = 4711;
  info.shuffle_address = "[::1]:7071";
  info.scratch_folder = "/scratch/red";
  return info;
}

inline JobView SampleJobView() {
  JobView job;
  job.job = JobId(3);
  job.name = "wordcount";
  job.state = JobState::kPublishing;
  job.version = 11;
  job.error = "no error, really";
  job.stages = {{StageKind::kMap, 10, 9, 1}, {StageKind::kReduce, 8, 0, 2}};
  for (int i = 0; i < kReasonCount; ++i) job.attempts_by_reason[i] = 100 + i;
  for (int i = 0; i < kCauseCount; ++i) job.attempts_by_cause[i] = 200 + i;
  job.stale_reports = 12;
  job.workers_joined = 13;
  job.workers_lost = 14;
  job.input_bytes = 15;
  job.mapped_bytes = 16;
  job.shuffled_bytes = 17;
  job.output_bytes = 18;
  job.counters = {{"words/long", -2}};
  job.output_folder = "/out";
  job.output_key = "job-3-0123abcd";
  job.submitted_unix_ms = 19;
  job.wall_ms = 20;
  job.waiting_on = "workers: none has joined";
  job.map_outputs_reused = 3;
  job.skew = {51, 52, {{4, 53, {{"the", true, 54, 55}}}, {5, 56, {}}}, 57};
  job.skipped_records = {{"/in/a", 17, 5}, {"/in/b", 0, 2}};
  return job;
}

inline RecoveryEntry SampleRecoveryEntry() {
  RecoveryEntry entry;
  entry.what = LossKind::kOutputLost;
  entry.noticed_by = NoticedBy::kChecksumMismatch;
  entry.wall_us = 31;
  entry.subject = "map-00007 on red";
  entry.attempts_lost = 32;
  entry.outputs_lost = 33;
  entry.cpu_us_again = 34;
  entry.bytes_again = 35;
  return entry;
}

inline AttemptView SampleAttemptView() {
  AttemptView attempt;
  attempt.attempt = SampleAttempt();
  attempt.task = SampleTask();
  attempt.kind = StageKind::kReduce;
  attempt.reason = Reason::kOutputLost;
  attempt.cause = Cause::kSuperseded;
  attempt.worker = WorkerId(5);
  attempt.worker_name = "red";
  attempt.worker_pid = 4711;
  attempt.started_ms = 21;
  attempt.ended_ms = 22;
  attempt.message = "another attempt won";
  attempt.stats = SampleStats();
  return attempt;
}

inline WorkerView SampleWorkerView() {
  WorkerView worker;
  worker.worker = WorkerId(5);
  worker.name = "red";
  worker.host = "build-7";
  worker.pid = 4711;
  worker.state = "draining";
  worker.slots = 4;
  worker.busy = 3;
  worker.attempts = 23;
  worker.heartbeat_age_ms = 24;
  return worker;
}

inline LineageView SampleLineageView() {
  LineageView lineage;
  lineage.task = SampleTask();
  lineage.kind = StageKind::kReduce;
  lineage.state = "running";
  lineage.split = {SampleRange()};
  lineage.winner = SampleAttempt();
  lineage.digest = SampleDigest();
  lineage.sources = 25;
  lineage.forgotten = "nothing of this";
  lineage.attempts = {SampleAttemptView()};
  lineage.read = {
      {4, SourceState::kBeingMadeAgain, SampleAttempt(), WorkerId(5), "red", SampleDigest()}};
  return lineage;
}

}  // namespace millrace

#endif  // MILLRACE_RPC_WIRE_SAMPLES_H_
