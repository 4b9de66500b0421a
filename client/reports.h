// The files that a job leaves for programs beside its output: --summary_json, --joblog and
// --output_merged.
#ifndef MILLRACE_CLIENT_REPORTS_H_
#define MILLRACE_CLIENT_REPORTS_H_

#include <vector>

#include "absl/status/status.h"
#include "client/job_options.h"
#include "rpc/job_views.h"
#include "storage/file_system.h"
#include "storage/input_list.h"

namespace millrace {

// Writes what `options` ask for, each whatever becomes of the others; the first error is returned.
// Summary and log are not written atomically: their paths may be devices such as /dev/stdout.
absl::Status WriteReports(FileSystem& fs, const JobOptions& options, const JobView& view,
                          const std::vector<AttemptView>& attempts);

// Whether the reports can be written where `options` say, asked before anything is done. Leaves
// nothing behind; kInvalidArgument names the flag.
absl::Status CheckReportPaths(FileSystem& fs, const JobOptions& options);

// Whether a report would overwrite what the job reads, under whatever name. kInvalidArgument names
// flag and file.
absl::Status CheckReportsSpareInput(FileSystem& fs, const JobOptions& options,
                                    const InputList& inputs);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_REPORTS_H_
