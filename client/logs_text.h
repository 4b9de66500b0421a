// What attempts wrote to standard error, as their workers tell it; of those that failed the master
// has the last lines, too, which are shown where the worker has nothing. Pure.
#ifndef MILLRACE_CLIENT_LOGS_TEXT_H_
#define MILLRACE_CLIENT_LOGS_TEXT_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

struct LoggedAttempt {
  AttemptView attempt;
  AttemptLog log;
  std::string unavailable;  // why there is no log; empty: there is one, or the worker keeps none
};

// Those of `attempts` that are of `task`; it is not set: all.
std::vector<AttemptView> AttemptsOf(const std::vector<AttemptView>& attempts, const TaskId& task);

// For people: of each attempt that wrote something a line that says which it is and how it ended,
// then what it wrote; and at last of how many nothing can be told, and why.
std::string LogsText(const std::vector<LoggedAttempt>& logs);

// For scripts: an array of objects, without attempts that wrote nothing.
std::string LogsJson(const std::vector<LoggedAttempt>& logs);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LOGS_TEXT_H_
