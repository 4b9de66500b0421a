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
  bool needs_job;
};

constexpr KnownVerb kVerbs[] = {
    {"jobs", Verb::kJobs, false},        {"job", Verb::kJob, true},
    {"wait", Verb::kWait, true},         {"cancel", Verb::kCancel, true},
    {"attempts", Verb::kAttempts, true}, {"workers", Verb::kWorkers, false},
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

}  // namespace

absl::StatusOr<VerbRequest> ReadVerb(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a verb is missing: one of ", absl::StrJoin(VerbNames(), ", ")));
  }
  MILLRACE_ASSIGN_OR_RETURN(const KnownVerb known, FindVerb(arguments[0]));
  VerbRequest request{known.verb, JobId()};
  const size_t wanted = known.needs_job ? 2 : 1;
  if (arguments.size() < wanted) {
    return absl::InvalidArgumentError(absl::StrCat("'", known.name, "' needs a job: millrace ",
                                                   known.name,
                                                   " job-3; `millrace jobs` lists them"));
  }
  if (arguments.size() > wanted) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", arguments[wanted], "' is one argument too many for '", known.name, "'"));
  }
  if (known.needs_job) {
    MILLRACE_ASSIGN_OR_RETURN(request.job, ReadJobId(arguments[1]));
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

}  // namespace millrace
