#include "client/job_spec.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/key_sample.h"
#include "client/own_binary.h"
#include "client/reports.h"
#include "mapreduce/status_macros.h"
#include "rpc/host_id.h"
#include "rpc/sha256.h"
#include "storage/compressed_source.h"
#include "storage/input_list.h"
#include "storage/output_check.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

std::vector<std::string> SplitPatterns(const std::string& input) {
  return absl::StrSplit(input, ',', absl::SkipEmpty());
}

// Names one submission, so that a reply that was lost does not make a second job.
std::string NewRequestId() {
  std::array<char, 16> bytes = {};
  // Cannot fail for so few bytes; were it to, equal ids would only refuse a second submission.
  (void)!getrandom(bytes.data(), bytes.size(), 0);
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

bool IsForJobs(const std::string& variable) {
  static constexpr const char* kNames[] = {
      "PATH=", "HOME=", "USER=",         "LOGNAME=",      "LANG=",         "LANGUAGE=",
      "LC_",   "TZ=",   "ASAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS=", "UBSAN_OPTIONS="};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&variable](const char* name) { return absl::StartsWith(variable, name); });
}

// Nobody means to count a file twice; whoever does should know that it is not.
std::string RemarkOn(const std::vector<std::string>& repeated) {
  if (repeated.empty()) return "";
  return absl::StrCat(
      "input files that are named more than once are read once: ", repeated[0],
      repeated.size() == 1 ? "" : absl::StrCat(" and ", repeated.size() - 1, " more"));
}

// The files of all inputs, one input after the other.
absl::StatusOr<InputList> FindInputs(FileSystem& fs, const std::vector<std::string>& inputs,
                                     const std::string& folder) {
  InputList all;
  for (size_t i = 0; i < inputs.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(InputList some, ExpandInputs(fs, SplitPatterns(inputs[i]), folder));
    for (InputFile& file : some.files) {
      file.input = static_cast<uint32_t>(i);
      all.files.push_back(std::move(file));
    }
    for (InputFile& list : some.lists) all.lists.push_back(std::move(list));
    for (std::string& path : some.folders) all.folders.push_back(std::move(path));
    for (std::string& path : some.repeated) all.repeated.push_back(std::move(path));
  }
  return all;
}

// Notes which files are compressed, and where they can be cut.
absl::Status LookAtCompression(FileSystem& fs, const JobDescription& job, const JobOptions& options,
                               std::vector<InputFile>* files) {
  const OnDamage on_damage = options.skips_bad_records() ? OnDamage::kStop : OnDamage::kRefuse;
  for (InputFile& file : *files) {
    file.compression = CompressionOf(file.path);
    if (file.compression == Compression::kNone) continue;
    if (job.input.format == InputFormat::kKeyValue) {
      return absl::InvalidArgumentError(
          absl::StrCat("--input_format=key_value does not read compressed files, as ", file.path,
                       " seems to be; decompress it, or say --input_compression=none"));
    }
    if (!job.input.terminated() || job.counts_lines) continue;
    absl::StatusOr<std::vector<uint64_t>> cuts = FindCuts(fs, file, options.split_bytes, on_damage);
    if (!cuts.ok()) return absl::InvalidArgumentError(cuts.status().message());
    file.cuts = *std::move(cuts);
  }
  return absl::OkStatus();
}

absl::StatusOr<JobBinary> Identify(const std::string& path) {
  PosixFileSystem fs;
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
  if (info.kind != FileKind::kRegular) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no file"));
  }
  JobBinary binary;
  binary.path = path;
  MILLRACE_ASSIGN_OR_RETURN(binary.sha256, Sha256HexOfFile(path));
  binary.size = info.size;
  binary.mtime_ns = info.mtime_ns;
  binary.inode = info.inode;
  binary.host_id = HostId();
  return binary;
}

absl::Status CheckRecordSizes(const RecordShape& shape, const std::vector<InputFile>& files) {
  if (shape.format != InputFormat::kFixedSize) return absl::OkStatus();
  for (const InputFile& file : files) {
    const bool is_plain = file.compression == Compression::kNone;
    if (!is_plain || file.size % shape.record_bytes == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(file.path, " has ", file.size,
                                                   " bytes, which is no whole number of records "
                                                   "of ",
                                                   shape.record_bytes,
                                                   "; see whether --record_bytes is right"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobSpec> MakeJobSpec(FileSystem& fs, const JobOptions& options,
                                    const JobDescription& job, const Invocation& invocation,
                                    std::string* remark) {
  MILLRACE_ASSIGN_OR_RETURN(InputList inputs, FindInputs(fs, options.inputs, invocation.folder));
  *remark = RemarkOn(inputs.repeated);
  MILLRACE_RETURN_IF_ERROR(CheckReportsSpareInput(fs, options, inputs));
  if (options.decompress) {
    MILLRACE_RETURN_IF_ERROR(LookAtCompression(fs, job, options, &inputs.files));
  }
  MILLRACE_RETURN_IF_ERROR(CheckRecordSizes(job.input, inputs.files));
  OutputRequest output;
  output.output = options.output;
  output.overwrite = options.overwrite;
  output.inputs = std::move(inputs.files);
  output.input_folders = std::move(inputs.folders);
  output.try_writing = !options.dry_run;
  MILLRACE_RETURN_IF_ERROR(CheckOutput(fs, output));
  const bool keeps = !options.keep_folder.empty() && options.placement != Placement::kInline;
  if (keeps) MILLRACE_RETURN_IF_ERROR(CheckKeepFolder(fs, options.keep_folder, output));
  JobSpec spec;
  spec.name = job.name;
  spec.request_id = NewRequestId();
  spec.argv = invocation.argv;
  spec.inputs = std::move(output.inputs);
  spec.input_format = job.input.format;
  if (job.output.zstd) spec.part_suffix = std::string(kZstdSuffix);
  spec.split_bytes = options.split_bytes;
  spec.reducers = options.reducers.value_or(0);
  spec.aggregated = job.aggregate != Aggregate::kNone;
  spec.output_folder = options.output;
  spec.overwrite = options.overwrite;
  spec.max_attempts = options.max_attempts;
  spec.speculation_floor_ms = options.speculation_floor_ms;
  spec.progress_timeout_ms = options.progress_timeout_ms;
  spec.skip_bad_records = options.skip_bad_records;
  spec.shuffle = options.shuffle;
  if (keeps) spec.keep_folder = options.keep_folder;
  spec.task_memory_bytes = options.task_memory_bytes;
  spec.profile = options.profile;
  return spec;
}

void JobDraft::AddChain(const std::vector<JobDescription>& chain) {
  if (chain.size() == 1) return;
  const JobDescription& last = chain.back();
  spec.name = last.name;
  spec.part_suffix = last.output.zstd ? std::string(kZstdSuffix) : "";
  fixed_reducers = last.map_only ? std::optional<uint32_t>(0) : last.reducers;
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    spec.before.push_back({chain[i].name, 1});
    fixed_before.push_back(chain[i].reducers);
  }
}

void JobDraft::SetReducers(uint32_t reducers) {
  spec.reducers = fixed_reducers.value_or(reducers);
  for (size_t i = 0; i < spec.before.size(); ++i) {
    spec.before[i].reducers = fixed_before[i].value_or(reducers);
  }
  const uint32_t first = spec.before.empty() ? spec.reducers : spec.before[0].reducers;
  // Also without a sample: keys that a hash spreads over the parts are in no order.
  if (total_order) spec.split_keys = SplitKeysFor(first, key_sample);
}

absl::StatusOr<JobBinary> IdentifyOwnBinary() {
  MILLRACE_ASSIGN_OR_RETURN(const std::string path, OwnBinaryPath());
  return Identify(path);
}

absl::StatusOr<std::vector<JobBinary>> IdentifySideFiles(const std::vector<SideFile>& files) {
  if (files.size() > kMaxSideFiles) {
    return absl::InvalidArgumentError(absl::StrCat("the job has ", files.size(),
                                                   " side files; at most ", kMaxSideFiles,
                                                   " are possible, so pack them together"));
  }
  std::vector<JobBinary> identified;
  for (const SideFile& file : files) {
    absl::StatusOr<JobBinary> one = Identify(file.path);
    if (!one.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot send the job's file: ", one.status().message()));
    }
    one->name = file.name;
    one->executable = access(file.path.c_str(), X_OK) == 0;
    identified.push_back(*std::move(one));
  }
  return identified;
}

std::vector<std::string> EnvironmentForJobs(const std::vector<std::string>& environment) {
  std::vector<std::string> chosen;
  for (const std::string& variable : environment) {
    if (IsForJobs(variable)) chosen.push_back(variable);
  }
  return chosen;
}

uint64_t TotalBytes(const std::vector<InputFile>& files) {
  uint64_t bytes = 0;
  for (const InputFile& file : files) bytes += file.size;
  return bytes;
}

}  // namespace millrace
