// Jobs, attempts and workers as JSON, for scripts. Pure functions; any thread.
//
// A key once written here stays, with its meaning: scripts rely on it. Ids are printed as people
// see them ("job-3"); times ending in _s are seconds.
#ifndef MILLRACE_RPC_VIEW_JSON_H_
#define MILLRACE_RPC_VIEW_JSON_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"
#include "rpc/lineage_view.h"

namespace millrace {

// One object: what happened in the job so far, or altogether when it has ended.
std::string JobJson(const JobView& job);
// An array of such objects, in the order given.
std::string JobsJson(const std::vector<JobView>& jobs);

std::string AttemptsJson(const std::vector<AttemptView>& attempts);
std::string WorkersJson(const std::vector<WorkerView>& workers);
std::string LineageJson(const LineageView& lineage);

}  // namespace millrace

#endif  // MILLRACE_RPC_VIEW_JSON_H_
