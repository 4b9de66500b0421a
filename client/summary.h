// What happened in a job, told at its end: to people, and line by line for --joblog. Pure.
#ifndef MILLRACE_CLIENT_SUMMARY_H_
#define MILLRACE_CLIENT_SUMMARY_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

// Several lines: what, where, how long, how many bytes, attempts, workers; what to do next.
std::string SummaryText(const JobView& view);

// Why the job failed. The first line says it all; then the last lines of standard error of the
// attempt that failed, then what to try. `attempts` may be empty when it could not be had.
std::string FailureText(const JobView& view, const std::vector<AttemptView>& attempts);

// A header line and one tab-separated line per attempt, in the order in which they started. Tabs,
// line ends and backslashes in a message are written as \t, \n and \\.
std::string JobLogText(const std::vector<AttemptView>& attempts);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_SUMMARY_H_
