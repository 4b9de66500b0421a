#include "client/job_options.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/command_line.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kSplitMbMax = 1 << 20;  // 1 TiB
constexpr uint64_t kTaskMemoryMbMin = 64;  // below it a task would spill all the time
constexpr uint64_t kTaskMemoryMbMax = 1 << 20;
constexpr uint64_t kSkippedRecordsMax = 1000;
constexpr uint64_t kRecordBytesMax = 1 << 20;
constexpr uint64_t kFieldsMax = 1000;

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(message); }

absl::Status ReadPaths(const JobFlags& flags, std::string_view folder, const JobDescription& job,
                       JobOptions* options) {
  options->inputs = job.inputs;
  if (job.inputs.empty()) options->inputs.push_back(flags.input);
  if (!job.inputs.empty() && !flags.input.empty()) {
    return Invalid(absl::StrCat("--input=", flags.input, ": ", job.name,
                                " has flags of its own for its inputs; see --help"));
  }
  if (job.inputs.empty() && flags.input.empty()) {
    return Invalid("--input is missing: name files, folders or patterns, --input=P[,P...]");
  }
  if (flags.output.empty()) {
    return Invalid("--output is missing: name a new or empty folder, --output=DIR");
  }
  const auto absolute = [folder](const std::string& path) {
    return path.empty() ? "" : AbsolutePath(folder, path);
  };
  options->output = absolute(flags.output);
  options->keep_folder = absolute(flags.keep_intermediate);
  options->scratch_folder = absolute(flags.scratch_dir);
  options->cluster_key_file = absolute(flags.cluster_key_file);
  options->output_merged = absolute(flags.output_merged);
  options->summary_json = absolute(flags.summary_json);
  options->joblog = absolute(flags.joblog);
  return absl::OkStatus();
}

absl::Status ReadReducers(const JobFlags& flags, const JobDescription& job, JobOptions* options) {
  options->reducers = job.map_only ? std::optional<uint32_t>(0) : job.reducers;
  if (flags.reducers == "auto") return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t reducers,
                            ReadCount("reducers", flags.reducers, 0, kReducersMax));
  if (reducers > 0 && job.map_only) {
    return Invalid(absl::StrCat("--reducers=", reducers, ": ", job.name,
                                " is map-only, with a part for each map; leave the flag out"));
  }
  if (reducers == 0 && !job.map_only && !job.allows_map_only) {
    return Invalid(absl::StrCat("--reducers=0: ", job.name,
                                " has no map-only meaning; give it at least one part"));
  }
  if (reducers == 0 && job.is_ordered()) {
    return Invalid(
        "--reducers=0: --sort_values and --key_fields need at least one part, for only what is "
        "reduced is sorted; drop one of the two");
  }
  if (job.reducers.has_value() && reducers != *job.reducers) {
    return Invalid(absl::StrCat("--reducers=", reducers, ": ", job.name, " always has ",
                                CountText(*job.reducers, "part"), "; leave the flag out"));
  }
  options->reducers = static_cast<uint32_t>(reducers);
  return absl::OkStatus();
}

absl::Status ReadPlacement(const JobFlags& flags, JobOptions* options) {
  if (!flags.master.empty()) {
    if (!flags.workers.empty()) {
      return Invalid(absl::StrCat("--workers=", flags.workers, " and --master=", flags.master,
                                  " exclude each other: a local cluster or a running one"));
    }
    const absl::StatusOr<HostPort> address = ParseHostPort(flags.master, PortZero::kRefused);
    if (!address.ok()) {
      return Invalid(absl::StrCat("--master=", flags.master, ": ", address.status().message()));
    }
    options->placement = Placement::kCluster;
    options->master = flags.master;
  } else if (flags.workers == "inline") {
    options->placement = Placement::kInline;
  } else if (!flags.workers.empty()) {
    absl::StatusOr<uint64_t> workers = ReadCount("workers", flags.workers, 1, kLocalWorkersMax);
    if (!workers.ok()) {
      return Invalid(absl::StrCat(workers.status().message(), ", or 'inline'"));
    }
    options->local_workers = static_cast<uint32_t>(*workers);
  }
  if (flags.detach && options->placement != Placement::kCluster) {
    return Invalid("--detach needs --master=HOST:PORT: a local cluster ends with its client");
  }
  if (flags.detach && !(flags.summary_json.empty() && flags.joblog.empty())) {
    return Invalid(absl::StrCat(
        "--detach and --", flags.summary_json.empty() ? "joblog" : "summary_json",
        " exclude each other: the client is gone when the job ends; ask later with `millrace wait "
        "ID`, `millrace job ID --json` and `millrace attempts ID`"));
  }
  if (flags.detach && !flags.output_merged.empty()) {
    return Invalid(absl::StrCat(
        "--detach and --output_merged exclude each other: the client is gone when the job ends; "
        "`millrace cat ID > ",
        flags.output_merged, "` makes such a file later, never a compressed one"));
  }
  options->detach = flags.detach;
  options->dry_run = flags.dry_run;
  return absl::OkStatus();
}

absl::Status ReadLimits(const JobFlags& flags, JobOptions* options) {
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t split_mb,
                            ReadCount("split_mb", flags.split_mb, 1, kSplitMbMax));
  MILLRACE_ASSIGN_OR_RETURN(
      const uint64_t memory_mb,
      ReadCount("task_memory_mb", flags.task_memory_mb, kTaskMemoryMbMin, kTaskMemoryMbMax));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t attempts,
                            ReadCount("max_attempts", flags.max_attempts, 1, 1000));
  MILLRACE_ASSIGN_OR_RETURN(
      const uint64_t skipped,
      ReadCount("skip_bad_records", flags.skip_bad_records, 0, kSkippedRecordsMax));
  MILLRACE_ASSIGN_OR_RETURN(options->connect_timeout_ms,
                            ReadMilliseconds("connect_timeout", flags.connect_timeout));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t floor_ms,
                            ReadMilliseconds("speculation_floor", flags.speculation_floor));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t timeout_ms,
                            ReadMilliseconds("progress_timeout", flags.progress_timeout));
  options->speculation_floor_ms = static_cast<uint32_t>(floor_ms);  // both at most 24 hours
  options->progress_timeout_ms = static_cast<uint32_t>(timeout_ms);
  options->split_bytes = split_mb * kMiB;
  options->task_memory_bytes = memory_mb * kMiB;
  options->max_attempts = static_cast<uint32_t>(attempts);
  options->skip_bad_records = static_cast<uint32_t>(skipped);
  options->overwrite = flags.overwrite;
  return absl::OkStatus();
}

absl::Status ReadChoices(const JobFlags& flags, JobOptions* options) {
  MILLRACE_ASSIGN_OR_RETURN(
      const size_t compression,
      ReadChoice("input_compression", flags.input_compression, {"none", "auto"}));
  MILLRACE_ASSIGN_OR_RETURN(const size_t shuffle,
                            ReadChoice("shuffle", flags.shuffle, {"auto", "network"}));
  MILLRACE_ASSIGN_OR_RETURN(const size_t speculation,
                            ReadChoice("speculation", flags.speculation, {"auto", "off"}));
  if (speculation == 1) options->speculation_floor_ms = 0;
  MILLRACE_ASSIGN_OR_RETURN(
      const size_t progress,
      ReadChoice("progress", flags.progress, {"bar", "plain", "json", "none", "auto"}));
  MILLRACE_ASSIGN_OR_RETURN(const size_t reuse, ReadChoice("reuse", flags.reuse, {"auto", "off"}));
  options->reuse = reuse == 0;
  options->profile = flags.profile;
  options->decompress = compression == 1;
  options->shuffle = static_cast<ShuffleMode>(shuffle);
  if (flags.progress != "auto") options->progress = static_cast<ProgressMode>(progress);
  return absl::OkStatus();
}

absl::Status ReadInputFormat(const JobFlags& flags, RecordShape* shape) {
  if (!flags.record_bytes.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t bytes,
                              ReadCount("record_bytes", flags.record_bytes, 1, kRecordBytesMax));
    if (flags.input_format != "auto" && flags.input_format != "fixed") {
      return Invalid(absl::StrCat("--record_bytes=", bytes, " and --input_format=",
                                  flags.input_format, " exclude each other"));
    }
    *shape = {InputFormat::kFixedSize, static_cast<uint32_t>(bytes)};
    return absl::OkStatus();
  }
  if (flags.input_format == "auto") return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(const size_t format, ReadChoice("input_format", flags.input_format,
                                                            {"lines", "whole_file", "nul", "fixed",
                                                             "key_value", "auto"}));
  if (static_cast<InputFormat>(format) == InputFormat::kFixedSize) {
    return Invalid("--input_format=fixed needs --record_bytes=N: how long is a record?");
  }
  *shape = {static_cast<InputFormat>(format), 0};
  return absl::OkStatus();
}

OutputFormat FormatLike(InputFormat input) {
  switch (input) {
    case InputFormat::kLines: return OutputFormat::kText;
    case InputFormat::kNulSeparated: return OutputFormat::kNulSeparated;
    case InputFormat::kKeyValue: return OutputFormat::kKeyValue;
    case InputFormat::kWholeFile:
    case InputFormat::kFixedSize: break;
  }
  return OutputFormat::kRecords;
}

absl::Status ReadOutputFormat(const JobFlags& flags, const RecordShape& input, OutputShape* shape) {
  if (shape->format == OutputFormat::kLikeInput) {
    shape->keys = input.format == InputFormat::kFixedSize;
  }
  if (flags.output_format != "auto") {
    MILLRACE_ASSIGN_OR_RETURN(const size_t format,
                              ReadChoice("output_format", flags.output_format,
                                         {"text", "nul", "key_value", "records", "auto"}));
    shape->format = static_cast<OutputFormat>(format);
  }
  if (shape->format == OutputFormat::kLikeInput) shape->format = FormatLike(input.format);
  MILLRACE_ASSIGN_OR_RETURN(
      const size_t compression,
      ReadChoice("output_compression", flags.output_compression, {"none", "zstd"}));
  shape->zstd = compression == 1;
  shape->escape = flags.escape_output;
  const bool is_terminated =
      shape->format == OutputFormat::kText || shape->format == OutputFormat::kNulSeparated;
  if (shape->escape && !is_terminated) {
    return Invalid(
        "--escape_output is for --output_format=text and nul; the output of this job "
        "holds any bytes as they are");
  }
  if (shape->zstd && shape->format == OutputFormat::kKeyValue) {
    return Invalid(
        "--output_compression=zstd is not for --output_format=key_value, whose readers "
        "need its blocks as they are; choose one of the two");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadFormats(const JobFlags& flags, JobDescription* job) {
  MILLRACE_RETURN_IF_ERROR(ReadInputFormat(flags, &job->input));
  return ReadOutputFormat(flags, job->input, &job->output);
}

absl::Status ReadFormats(const JobFlags& flags, std::vector<JobDescription>* chain) {
  JobDescription& first = chain->front();
  JobDescription& last = chain->back();
  if (chain->size() == 1) return ReadFormats(flags, &last);
  MILLRACE_RETURN_IF_ERROR(ReadInputFormat(flags, &first.input));
  // Text, unless somebody says otherwise: what people read.
  MILLRACE_RETURN_IF_ERROR(ReadOutputFormat(flags, RecordShape(), &last.output));
  for (size_t i = 0; i + 1 < chain->size(); ++i) {
    (*chain)[i].output = OutputShape();
    (*chain)[i].output.format = OutputFormat::kKeyValue;
    (*chain)[i].allows_map_only = false;
    (*chain)[i + 1].input = {InputFormat::kKeyValue, 0};
  }
  return absl::OkStatus();
}

absl::Status ReadValueOrder(const JobFlags& flags, std::vector<JobDescription>* chain) {
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t key_fields,
                            ReadCount("key_fields", flags.key_fields, 0, kFieldsMax));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t sort_fields,
                            ReadCount("sort_fields", flags.sort_fields, 0, kFieldsMax));
  if (!flags.sort_values && key_fields == 0 && sort_fields == 0) return absl::OkStatus();
  JobDescription& job = chain->back();
  if (chain->size() > 1) {
    const char* const flag = flags.sort_values ? "sort_values"
                             : key_fields > 0  ? "key_fields"
                                               : "sort_fields";
    return Invalid(absl::StrCat("--", flag, ": ", job.name, " is a chain of ", chain->size(),
                                " jobs, whose program says how each orders its values; leave the "
                                "flag out"));
  }
  if (flags.sort_values) job.sort_values = true;
  if (key_fields > 0) job.key_fields = static_cast<uint32_t>(key_fields);
  if (sort_fields > 0) job.sort_fields = static_cast<uint32_t>(sort_fields);
  return absl::OkStatus();
}

absl::StatusOr<JobOptions> ReadJobOptions(const JobFlags& flags, std::string_view folder,
                                          const JobDescription& job) {
  JobOptions options;
  MILLRACE_RETURN_IF_ERROR(ReadPaths(flags, folder, job, &options));
  MILLRACE_RETURN_IF_ERROR(ReadReducers(flags, job, &options));
  MILLRACE_RETURN_IF_ERROR(ReadPlacement(flags, &options));
  MILLRACE_RETURN_IF_ERROR(ReadLimits(flags, &options));
  MILLRACE_RETURN_IF_ERROR(ReadChoices(flags, &options));
  return options;
}

uint32_t DefaultReducers(uint64_t slots, uint64_t input_bytes) {
  constexpr uint64_t kBytesPerPart = 16 * kMiB;
  const uint64_t by_input = (input_bytes + kBytesPerPart - 1) / kBytesPerPart;
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(std::min(8 * slots, by_input), 1, kReducersMax));
}

}  // namespace millrace
