// A job as it is submitted, and as its workers are told about it. Plain values, as in task_types.h.
#ifndef MILLRACE_RPC_JOB_TYPES_H_
#define MILLRACE_RPC_JOB_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rpc/ids.h"
#include "rpc/job_files.h"
#include "storage/digest.h"
#include "storage/input_split.h"

namespace millrace {

enum class ShuffleMode : uint8_t {
  kAuto = 0,     // sources on the same host are read in place
  kNetwork = 1,  // always through the shuffle server
};

// A job of a chain, as far as it differs from the last.
struct StepSpec {
  std::string name;
  uint32_t reducers = 1;

  friend bool operator==(const StepSpec& a, const StepSpec& b) {
    return a.name == b.name && a.reducers == b.reducers;
  }
};

// What a client submits.
struct JobSpec {
  std::string name;
  // Drawn by the client; the same submit sent twice gives one job.
  std::string request_id;

  // What the executor is started with.
  JobBinary binary;
  std::vector<JobBinary> side_files;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"

  std::vector<InputFile> inputs;  // in input order
  InputFormat input_format = InputFormat::kLines;
  uint64_t split_bytes = 64 << 20;
  uint32_t reducers = 0;  // 0: map only
  // In a job with a total order: reducers - 1 keys, ascending, of which each begins a part.
  std::vector<std::string> split_keys;
  std::string part_suffix;  // ends the names of parts: empty, or ".zst"
  bool aggregated = false;
  std::string output_folder;  // absolute
  bool overwrite = false;

  uint32_t max_attempts = 4;
  uint32_t speculation_floor_ms = 10'000;  // no backup before; 0: none at all
  uint32_t progress_timeout_ms = 600'000;  // an attempt that gets nothing done; 0: never
  uint32_t skip_bad_records = 0;           // how many records of the input may be left out
  ShuffleMode shuffle = ShuffleMode::kAuto;
  uint64_t task_memory_bytes = 512u << 20;
  std::string keep_folder;  // absolute; where map outputs outlive their workers; empty: they do not
  // Of all that the output of a map depends on beside its input, its format and the number of
  // parts; not set: the job neither takes map outputs of earlier jobs nor leaves any.
  std::optional<Digest> map_identity;
  // The jobs before it in a chain, first to last: `inputs`, `split_keys` and `map_identity` are the
  // first one's, and each other reads the parts of the one before it.
  std::vector<StepSpec> before;
  bool profile = false;  // whether attempts say where their CPU time goes (rpc/profile.h)

  bool map_only() const { return reducers == 0; }
};

// What a worker needs to run attempts of a job; sent once to each worker that gets one.
struct JobContext {
  JobId job;
  std::string name;
  JobBinary binary;
  std::vector<JobBinary> side_files;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  uint32_t map_count = 0;
  uint32_t reducers = 0;
  std::vector<std::string> split_keys;  // as in JobSpec
  std::string output_folder;
  std::string staging_key;  // names the job's staging folder (storage/paths.h)
  ShuffleMode shuffle = ShuffleMode::kAuto;
  uint64_t task_memory_bytes = 0;
  // A file under the staging folder and what it holds: the proof that a host sees the output.
  std::string nonce_path;
  std::string nonce;
  // One of the input files, if there are any: likewise for the input.
  std::optional<InputFile> probe;
  // Map outputs are kept in KeptFolder of it, which every host sees, instead of with their workers;
  // empty: they are not. Never set for a map-only job.
  std::string keep_folder;
  uint32_t step = 0;     // how many jobs are before it in its chain
  bool profile = false;  // as in JobSpec

  bool keeps_outputs() const { return !keep_folder.empty(); }
};

}  // namespace millrace

#endif  // MILLRACE_RPC_JOB_TYPES_H_
