// The flags of a job binary as typed values, and what is wrong with them.
//
// Pure: no file is looked at here, no network, no flag library.
#ifndef MILLRACE_CLIENT_JOB_OPTIONS_H_
#define MILLRACE_CLIENT_JOB_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/progress.h"
#include "mapreduce/job.h"
#include "rpc/task_types.h"

namespace millrace {

constexpr uint64_t kReducersMax = 99'999;  // part names have five digits
constexpr uint64_t kLocalWorkersMax = 256;

// As the person wrote them (or left them).
struct JobFlags {
  std::string input;
  std::string output;
  bool overwrite = false;
  std::string reducers = "auto";
  std::string split_mb = "64";
  std::string input_format = "auto";
  std::string record_bytes;  // empty: not given
  std::string input_compression = "auto";
  std::string output_format = "auto";
  bool escape_output = false;
  std::string output_compression = "none";
  bool sort_values = false;
  std::string key_fields = "0";
  std::string sort_fields = "0";
  std::string workers;  // empty: not given
  std::string master;   // empty: not given
  std::string connect_timeout = "10s";
  bool detach = false;
  bool dry_run = false;
  std::string max_attempts = "4";
  std::string speculation = "auto";
  std::string speculation_floor = "10s";
  std::string progress_timeout = "10m";
  std::string skip_bad_records = "0";
  std::string shuffle = "auto";
  std::string keep_intermediate;
  std::string reuse = "auto";
  std::string task_memory_mb = "512";
  std::string scratch_dir;
  std::string cluster_key_file;
  std::string progress = "auto";
  bool profile = false;
  std::string output_merged;
  std::string summary_json;
  std::string joblog;
};

enum class Placement : uint8_t {
  kLocalCluster,  // worker processes of our own
  kCluster,       // one that is running
  kInline,        // this process
};

struct JobOptions {
  std::vector<std::string> inputs;  // patterns, as written, of each input
  std::string output;               // absolute, like all paths below; empty when not asked for
  bool overwrite = false;
  std::optional<uint32_t> reducers;  // not set: chosen from slots and input
  uint64_t split_bytes = 0;
  bool decompress = true;  // files whose names say that they are compressed
  Placement placement = Placement::kLocalCluster;
  uint32_t local_workers = 0;  // 0: one per core
  std::string master;
  uint64_t connect_timeout_ms = 0;
  bool detach = false;
  bool dry_run = false;
  uint32_t max_attempts = 0;
  uint32_t speculation_floor_ms = 0;  // 0: no backups
  uint32_t progress_timeout_ms = 0;
  uint32_t skip_bad_records = 0;
  ShuffleMode shuffle = ShuffleMode::kAuto;
  std::string keep_folder;  // empty: map outputs stay with their workers
  bool reuse = true;        // take map outputs of earlier jobs, and leave them
  uint64_t task_memory_bytes = 0;
  std::string scratch_folder;
  std::string cluster_key_file;
  std::optional<ProgressMode> progress;  // not set: what suits standard error
  bool profile = false;                  // say at the end where the CPU time went
  std::string output_merged;             // all parts as one file; empty: none
  std::string summary_json;
  std::string joblog;

  // In this process the first failure ends the job, so that a debugger stops there.
  bool skips_bad_records() const { return skip_bad_records > 0 && placement != Placement::kInline; }
};

// Puts what the flags say of input and output formats into `job`; formats that depend on others are
// chosen. Client and executor both call it, and so agree.
absl::Status ReadFormats(const JobFlags& flags, JobDescription* job);
// Likewise for a chain, whose jobs hand each other key/value files.
absl::Status ReadFormats(const JobFlags& flags, std::vector<JobDescription>* chain);

// Puts what the flags say of the order of values into the job, in client and executor likewise. The
// jobs of a chain differ, so only their author can say it of them.
absl::Status ReadValueOrder(const JobFlags& flags, std::vector<JobDescription>* chain);

// Of a job with its formats. Relative paths are seen from `folder`. Errors name the flag, the value
// and what is allowed.
absl::StatusOr<JobOptions> ReadJobOptions(const JobFlags& flags, std::string_view folder,
                                          const JobDescription& job);

// How many parts an output gets when nobody says: enough that every slot has work until the end
// (8 for each), but none for less than 16 MiB of input.
uint32_t DefaultReducers(uint64_t slots, uint64_t input_bytes);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_OPTIONS_H_
