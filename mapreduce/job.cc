#include "mapreduce/job.h"

#include <cctype>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

// Names appear in messages, file names and tables.
constexpr size_t kMaxNameBytes = 100;

absl::Status ValidateName(const std::string& name) {
  if (name.empty())
    return absl::InvalidArgumentError("JobDescription::name is empty: name the job");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("JobDescription::name has ", name.size(), " bytes; at most ", kMaxNameBytes));
  }
  for (const char c : name) {
    const bool allowed =
        std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
    if (!allowed) {
      return absl::InvalidArgumentError(absl::StrCat(
          "JobDescription::name '", name, "' may have letters, digits, '_', '-' and '.' only"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<StageDescription> StagesOf(const JobDescription& job, uint32_t reducers) {
  std::vector<StageDescription> stages = {{StageKind::kMap}};
  if (reducers > 0) stages.push_back({StageKind::kReduce});
  return stages;
}

absl::Status Validate(const JobDescription& job) {
  if (absl::Status status = ValidateName(job.name); !status.ok()) return status;
  const auto wrong = [&job](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("job '", job.name, "': ", what));
  };
  if (job.mapper == nullptr) {
    return wrong("JobDescription::mapper is missing: set it to a function that makes the mapper");
  }
  if (job.map_only) {
    const bool reduces = job.reducer != nullptr || job.combiner != nullptr ||
                         job.partitioner != nullptr || job.aggregate != Aggregate::kNone;
    return reduces ? wrong("is map_only, and has a reducer, combiner, partitioner or aggregate")
                   : absl::OkStatus();
  }
  const bool aggregated = job.aggregate != Aggregate::kNone;
  if (aggregated && job.combiner != nullptr) {
    return wrong("has both an aggregate and a combiner: the aggregate already combines; drop one");
  }
  if (!aggregated && job.reducer == nullptr && !job.allows_map_only) {
    return wrong(
        "JobDescription::reducer is missing: set it, declare an aggregate, or set allows_map_only");
  }
  return absl::OkStatus();
}

}  // namespace millrace
