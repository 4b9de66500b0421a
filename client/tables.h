// Lists of jobs, attempts and workers for people: aligned columns under a header. Pure.
#ifndef MILLRACE_CLIENT_TABLES_H_
#define MILLRACE_CLIENT_TABLES_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

std::string JobsTable(const std::vector<JobView>& jobs);
std::string AttemptsTable(const std::vector<AttemptView>& attempts);
std::string WorkersTable(const std::vector<WorkerView>& workers);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_TABLES_H_
