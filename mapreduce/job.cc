#include "mapreduce/job.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

absl::Status ValidateName(const std::string& name) {
  if (name.empty())
    return absl::InvalidArgumentError("JobDescription::name is empty: name the job");
  if (name.size() > kJobNameMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("JobDescription::name has ", name.size(), " bytes; at most ", kJobNameMax));
  }
  if (NameFor(name) != name) {
    return absl::InvalidArgumentError(absl::StrCat(
        "JobDescription::name '", name, "' may have letters, digits, '_', '-' and '.' only"));
  }
  return absl::OkStatus();
}

absl::Status ValidateFields(const JobDescription& job) {
  const auto wrong = [&job](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat("job '", job.name, "': ", what));
  };
  if (job.sort_fields == 0) return absl::OkStatus();
  const std::string fields = absl::StrCat("sort_fields=", job.sort_fields);
  if (job.sort_values) {
    return wrong(absl::StrCat("has both sort_values and ", fields,
                              ": one orders by whole values, the other by fields; drop one"));
  }
  if (job.key_fields == 0) {
    return wrong(absl::StrCat(fields, " needs key_fields: say how many of them are the key"));
  }
  if (job.sort_fields < job.key_fields) {
    return wrong(absl::StrCat(fields, " is less than key_fields=", job.key_fields,
                              ": the fields to sort by begin with those of the key; raise it, or "
                              "drop it"));
  }
  return absl::OkStatus();
}

// An order of values needs a sort that sees every value.
absl::Status ValidateOrder(const JobDescription& job) {
  if (!job.is_ordered()) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(ValidateFields(job));
  const char* const order = job.sort_values ? "sort_values" : "key_fields";
  const auto both = [&](const char* other) {
    return absl::InvalidArgumentError(
        absl::StrCat("job '", job.name, "': has both ", order, " and ", other, "; drop one"));
  };
  if (job.aggregate != Aggregate::kNone) {
    return both("an aggregate, which folds values as they are emitted");
  }
  if (job.combiner != nullptr)
    return both("a combiner, which folds values before the sort is done");
  if (job.total_order) return both("total_order, which has an order of its own");
  if (job.map_only) return both("map_only, where nothing is sorted");
  if (job.reducers == 0u) return both("no parts (reducers=0), where nothing is sorted");
  return absl::OkStatus();
}

absl::Status ValidateSideFiles(const std::vector<JobDescription>& chain) {
  std::map<std::string, std::string> paths;  // by name
  for (const JobDescription& job : chain) {
    for (const SideFile& file : job.side_files) {
      const auto [known, is_new] = paths.emplace(file.name, file.path);
      if (is_new || known->second == file.path) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "job '", job.name, "': has ", file.path, " as the side file '", file.name, "', which is ",
          known->second, " already, and all side files lie in one folder; name one otherwise"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string NameFor(std::string_view title) {
  std::string name(title.substr(0, kJobNameMax));
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  return name;
}

absl::Status Validate(const JobDescription& job) {
  if (absl::Status status = ValidateName(job.name); !status.ok()) return status;
  const auto wrong = [&job](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("job '", job.name, "': ", what));
  };
  if (job.mapper == nullptr) {
    return wrong("JobDescription::mapper is missing: set it to a function that makes the mapper");
  }
  MILLRACE_RETURN_IF_ERROR(ValidateOrder(job));
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
  if (job.totals_become_values && (!aggregated || job.reducer == nullptr)) {
    return wrong("totals_become_values needs an aggregate and a reducer: set both, or drop it");
  }
  if (job.total_order && job.partitioner != nullptr) {
    return wrong("has both total_order and a partitioner: the order chooses the parts; drop one");
  }
  if (job.input.format == InputFormat::kFixedSize && job.input.record_bytes == 0) {
    return wrong("JobDescription::input has records of 0 bytes; set record_bytes");
  }
  return absl::OkStatus();
}

std::vector<JobDescription> ChainOf(const JobDescription& job) {
  std::vector<JobDescription> chain;
  for (const JobDescription* step = &job; step != nullptr; step = step->after.get()) {
    chain.push_back(*step);
    chain.back().after = nullptr;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<SideFile> SideFilesOf(const std::vector<JobDescription>& chain) {
  std::vector<SideFile> files;
  for (const JobDescription& job : chain) {
    for (const SideFile& file : job.side_files) {
      const bool is_known = std::any_of(files.begin(), files.end(), [&file](const SideFile& known) {
        return known.path == file.path && known.name == file.name;
      });
      if (!is_known) files.push_back(file);
    }
  }
  return files;
}

absl::Status Validate(const std::vector<JobDescription>& chain) {
  const std::string& name = chain.back().name;
  const auto wrong = [](const std::string& job, const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("job '", job, "': ", what));
  };
  if (chain.size() > kChainMax) return wrong(name, "its chain has more than 16 jobs");
  for (size_t i = 0; i < chain.size(); ++i) {
    const JobDescription& job = chain[i];
    MILLRACE_RETURN_IF_ERROR(Validate(job));
    if (i > 0 && !job.inputs.empty()) {
      return wrong(job.name, "has both inputs and a job that it comes after; drop one");
    }
    if (i > 0 && job.total_order) {
      return wrong(job.name,
                   "total_order needs a sample of the input, which is not there when a "
                   "job that comes after another is submitted; have one part instead");
    }
    if (i + 1 < chain.size() && (job.map_only || job.reducers == 0u)) {
      return wrong(job.name, "is map-only: a job that another comes after needs a reducer");
    }
  }
  return ValidateSideFiles(chain);
}

}  // namespace millrace
