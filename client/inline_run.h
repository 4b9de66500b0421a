// --workers=inline: the whole job on the calling thread, for a debugger.
#ifndef MILLRACE_CLIENT_INLINE_RUN_H_
#define MILLRACE_CLIENT_INLINE_RUN_H_

#include <string>
#include <vector>

#include "client/job_options.h"
#include "client/job_spec.h"
#include "mapreduce/job.h"

namespace millrace {

// Runs the jobs of `chain`, first to last, the first on `draft.spec.inputs`, and publishes the
// output of the last like a cluster would; progress, reports and summary are the same. `program`
// stands in front of messages. Returns the exit code.
int RunInline(const std::string& program, const JobOptions& options,
              const std::vector<JobDescription>& chain, JobDraft draft);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_INLINE_RUN_H_
