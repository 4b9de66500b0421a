// What attempts wrote to standard error, as far as the master has it: the last lines of those that
// failed, which came with their reports. Pure.
#ifndef MILLRACE_CLIENT_LOGS_TEXT_H_
#define MILLRACE_CLIENT_LOGS_TEXT_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

// Those of `attempts` of which there is something to show, in their order. `task`: of that one
// alone; not set: of all.
std::vector<AttemptView> LogsOf(const std::vector<AttemptView>& attempts, const TaskId& task);

// For people: of each a line that says which attempt it is and how it ended, then what it wrote.
std::string LogsText(const std::vector<AttemptView>& logs);

// For scripts: an array of objects.
std::string LogsJson(const std::vector<AttemptView>& logs);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LOGS_TEXT_H_
