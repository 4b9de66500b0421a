// The plain values that client, master, worker and executor exchange.
//
// No Cap'n Proto here: rpc/wire.h turns these into messages and validates what comes back.
#ifndef MILLRACE_RPC_TASK_TYPES_H_
#define MILLRACE_RPC_TASK_TYPES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapreduce/stage_kind.h"
#include "rpc/ids.h"
#include "rpc/job_types.h"
#include "storage/digest.h"
#include "storage/input_split.h"

namespace millrace {

// Why an attempt was started.
enum class Reason : uint8_t {
  kFirst = 0,
  kUserFailure = 1,   // an earlier attempt's user code failed
  kWorkerLost = 2,    // the worker of an earlier attempt was lost while it ran
  kOutputLost = 3,    // the task was done, but its output is gone, or a source could not be read
  kSpeculative = 4,   // a backup of an attempt that is still running
  kWorkerFailed = 5,  // an earlier worker could not run it (no space, cannot start the binary)
  kTimedOut = 6,      // an earlier attempt made no progress
};
constexpr int kReasonCount = 7;

// How an attempt ended.
enum class Cause : uint8_t {
  kRunning = 0,  // not ended yet
  kSucceeded = 1,
  kUserCodeFailed = 2,  // the only cause that counts against --max_attempts
  kWorkerLost = 3,
  kFetchFailed = 4,  // a source could not be read
  kSuperseded = 5,   // another attempt of the task won
  kCancelled = 6,
  kTimedOut = 7,
  kWorkerFailed = 8,  // this worker or its host could not run it now: no space, no memory
  kJobInvalid = 9,    // no attempt can succeed: input or binary changed, a record is too long
  kWorkerUnfit = 10,  // this host can never run the job: noexec scratch, other machine, no mount
};
constexpr int kCauseCount = 11;

enum class JobState : uint8_t {
  kRunning = 0,
  kPublishing = 1,
  kSucceeded = 2,
  kFailed = 3,
  kCancelled = 4,
};

// Names for people, JSON and logs: "first", "user_code_failed", "SUCCEEDED", ...
const char* Name(Reason reason);
const char* Name(Cause cause);
const char* Name(JobState state);

// "map-00012", "reduce-00003".
std::string TaskName(StageKind kind, uint32_t index);

// One registered life of a worker, in every message between it and the master.
struct WorkerSessionId {
  Epoch epoch;
  WorkerId worker;
  Incarnation incarnation;

  friend bool operator==(const WorkerSessionId& a, const WorkerSessionId& b) {
    return a.epoch == b.epoch && a.worker == b.worker && a.incarnation == b.incarnation;
  }
};

// One attempt, as the master asks a worker to run it.
struct AttemptSpec {
  AttemptId attempt;
  TaskId task;
  StageKind kind = StageKind::kMap;
  Reason reason = Reason::kFirst;
  InputSplit split;  // map attempts only
  // Hand the mapper one record at a time, so that a failure is known to be that of one record.
  bool one_by_one = false;
  std::vector<InputRecord> skip;  // records of the split that are left out; needs one_by_one
  // The reduce attempt, of the job before this one in its chain, whose part is the split.
  AttemptId part_of;
};

// Where the output of a finished map task is. A reduce attempt reads its partition of each.
struct MapSource {
  uint32_t map_index = 0;
  AttemptId attempt;  // not set: the source is lost and a new one will follow
  WorkerId worker;
  Digest digest;
  TaskId made_for;  // a map of an earlier job, whose output is used again; not set: of this job
};

// How to reach a worker's finished map outputs.
struct ShuffleAddress {
  WorkerId worker;
  std::string address;         // HOST:PORT of its shuffle server
  std::string host_id;         // equal on one host: its files may be read in place
  std::string scratch_folder;  // where its runs lie (storage/paths.h)
};

// What one attempt consumed and produced.
struct AttemptStats {
  uint64_t input_bytes = 0;
  uint64_t input_records = 0;
  uint64_t shuffled_bytes = 0;  // fetched or read in place by a reduce
  uint64_t output_bytes = 0;
  uint64_t output_records = 0;
  uint64_t spills = 0;
  uint64_t cpu_us = 0;
  uint64_t wall_us = 0;
  uint64_t peak_memory_bytes = 0;  // anonymous
};

// A key that has much of the input of a reduce.
struct HeavyKey {
  std::string key;  // its first kHeavyKeyBytesMax bytes
  bool is_cut = false;
  uint64_t records = 0;
  uint64_t bytes = 0;  // of keys and values of these records

  friend bool operator==(const HeavyKey& a, const HeavyKey& b) {
    return a.key == b.key && a.is_cut == b.is_cut && a.records == b.records && a.bytes == b.bytes;
  }
};
constexpr size_t kHeavyKeysMax = 3;  // of one reduce
constexpr size_t kHeavyKeyBytesMax = 64;

// How an attempt ended, as its worker reports it (at least once, until acknowledged).
struct AttemptOutcome {
  AttemptId attempt;
  TaskId task;
  Cause cause = Cause::kRunning;
  std::string message;   // one line: what failed, where, why
  std::string position;  // "file:offset" of the record, when user code failed in a map
  // The same, to compare: no file when unknown, and no bytes unless it is the record for certain.
  InputRecord record;
  std::string stderr_tail;  // last lines of the attempt's standard error
  Digest digest;            // of the output, when it succeeded
  AttemptStats stats;
  std::map<std::string, int64_t> counters;  // "group/name"
  std::vector<HeavyKey> heavy_keys;         // of a reduce, if it has any; the heaviest first
  // With kFetchFailed: the source that could not be read, or for a map in a chain the part.
  uint32_t failed_map_index = 0;
  AttemptId failed_source;
  // The worker that has it does not answer this one; otherwise it is gone or damaged.
  bool source_unreachable = false;
};

// What an attempt wrote to standard output and error, as far as its worker keeps it.
struct AttemptLog {
  bool is_kept = false;  // false: nothing is known of it
  std::string text;      // the end, in whole lines if there are any; whatever bytes they are
  uint64_t dropped = 0;  // how many bytes were before it
};

// What a worker says of itself when it registers.
struct WorkerInfo {
  std::string name;
  Incarnation incarnation;
  uint32_t slots = 0;
  std::string host;  // host name, for people
  std::string host_id;
  uint64_t pid = 0;
  std::string shuffle_address;  // HOST:PORT, as peers can reach it
  std::string scratch_folder;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_TASK_TYPES_H_
