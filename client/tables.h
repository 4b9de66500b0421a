// Lists of jobs, attempts and workers for people: aligned columns under a header. Pure.
#ifndef MILLRACE_CLIENT_TABLES_H_
#define MILLRACE_CLIENT_TABLES_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

// Cells of one line. All rows of a table have as many; the first row is the header.
using TableRow = std::vector<std::string>;
// Each column as wide as its widest cell; nothing after the last one.
std::string AlignedTable(const std::vector<TableRow>& rows);

std::string JobsTable(const std::vector<JobView>& jobs);
std::string AttemptsTable(const std::vector<AttemptView>& attempts);
std::string WorkersTable(const std::vector<WorkerView>& workers);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_TABLES_H_
