// What a job that has not ended waits for, in one line. Pure.
#ifndef MILLRACE_CLIENT_WAITING_H_
#define MILLRACE_CLIENT_WAITING_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

struct Waiting {
  const char* kind = "";  // a stable name for programs
  std::string line;
  std::string next;  // what to do; empty when time will do
};

// `attempts` and `workers` as they are now, like `job`.
Waiting WaitingOf(const JobView& job, const std::vector<AttemptView>& attempts,
                  const std::vector<WorkerView>& workers);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_WAITING_H_
