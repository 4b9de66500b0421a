// What a person asks of a running cluster: `millrace VERB [JOB [TASK]]`. Pure.
#ifndef MILLRACE_CLIENT_VERB_REQUEST_H_
#define MILLRACE_CLIENT_VERB_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc/ids.h"

namespace millrace {

enum class Verb : uint8_t {
  kJobs,
  kJob,
  kWait,
  kCancel,
  kAttempts,
  kLogs,
  kWorkers,
  kLineage,
  kDiagnose,
  kCat,
};

struct VerbRequest {
  Verb verb = Verb::kJobs;
  JobId job;    // not set for verbs about the whole cluster
  TaskId task;  // of that job, for verbs about a task; its own job is not set where none was given
};

// Reads the arguments that are no flags. Errors list the verbs or say what the verb needs.
absl::StatusOr<VerbRequest> ReadVerb(const std::vector<std::string>& arguments);

// "job-3" or "3".
absl::StatusOr<JobId> ReadJobId(const std::string& text);

// "map-00012", "reduce-3".
absl::StatusOr<TaskId> ReadTaskName(JobId job, const std::string& text);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_VERB_REQUEST_H_
