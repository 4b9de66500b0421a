#include "client/verb_request.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/command_line.h"
#include "mapreduce/status_macros.h"
#include "storage/nearest_name.h"

namespace millrace {
namespace {

struct KnownVerb {
  const char* name;
  Verb verb;
  size_t needs;  // arguments: a job, then a task
  size_t takes;  // the most of them
};

constexpr KnownVerb kVerbs[] = {
    {"jobs", Verb::kJobs, 0, 0},         {"job", Verb::kJob, 1, 1},
    {"wait", Verb::kWait, 1, 1},         {"cancel", Verb::kCancel, 1, 1},
    {"attempts", Verb::kAttempts, 1, 1}, {"logs", Verb::kLogs, 1, 2},
    {"workers", Verb::kWorkers, 0, 0},   {"lineage", Verb::kLineage, 2, 2},
    {"diagnose", Verb::kDiagnose, 1, 1}, {"cat", Verb::kCat, 1, 1},
};

std::vector<std::string> VerbNames() {
  std::vector<std::string> names;
  for (const KnownVerb& known : kVerbs) names.emplace_back(known.name);
  return names;
}

absl::StatusOr<KnownVerb> FindVerb(const std::string& name) {
  for (const KnownVerb& known : kVerbs) {
    if (name == known.name) return known;
  }
  const std::string nearest = NearestName(name, VerbNames());
  return absl::InvalidArgumentError(
      absl::StrCat("unknown verb '", name, "'; ",
                   nearest.empty() ? absl::StrCat("known are ", absl::StrJoin(VerbNames(), ", "))
                                   : absl::StrCat("did you mean '", nearest, "'?")));
}

absl::Status MissingArgument(const KnownVerb& verb) {
  const bool task = verb.needs > 1;
  return absl::InvalidArgumentError(
      absl::StrCat("'", verb.name, "' needs a job", task ? " and a task" : "", ": millrace ",
                   verb.name, " job-3",
                   task ? " map-00012; `millrace attempts job-3` lists its tasks"
                        : "; `millrace jobs` lists them"));
}

}  // namespace

absl::StatusOr<VerbRequest> ReadVerb(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a verb is missing: one of ", absl::StrJoin(VerbNames(), ", ")));
  }
  MILLRACE_ASSIGN_OR_RETURN(const KnownVerb known, FindVerb(arguments[0]));
  VerbRequest request{known.verb, JobId(), TaskId()};
  const size_t given = arguments.size() - 1;
  if (given < known.needs) return MissingArgument(known);
  if (given > known.takes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", arguments[1 + known.takes], "' is one argument too many for '", known.name, "'"));
  }
  if (given > 0) {
    MILLRACE_ASSIGN_OR_RETURN(request.job, ReadJobId(arguments[1]));
  }
  if (given > 1) {
    MILLRACE_ASSIGN_OR_RETURN(request.task, ReadTaskName(request.job, arguments[2]));
  }
  return request;
}

absl::StatusOr<JobId> ReadJobId(const std::string& text) {
  uint64_t number = 0;
  if (absl::SimpleAtoi(absl::StripPrefix(text, "job-"), &number) && number > 0) {
    return JobId(number);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is no job; jobs look like job-3 or 3, and `millrace jobs` lists them"));
}

absl::StatusOr<TaskId> ReadTaskName(JobId job, const std::string& text) {
  for (const uint32_t stage : {0u, 1u}) {
    const absl::string_view prefix = stage == 0 ? "map-" : "reduce-";
    absl::string_view number = text;
    uint32_t index = 0;
    if (absl::ConsumePrefix(&number, prefix) && absl::SimpleAtoi(number, &index)) {
      return TaskId{job, stage, index};
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no task; tasks look like map-00012 or reduce-00003"));
}

}  // namespace millrace
