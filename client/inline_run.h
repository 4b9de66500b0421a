// --workers=inline: the whole job on the calling thread, for a debugger.
#ifndef MILLRACE_CLIENT_INLINE_RUN_H_
#define MILLRACE_CLIENT_INLINE_RUN_H_

#include <string>

#include "client/job_options.h"
#include "client/job_spec.h"
#include "mapreduce/job.h"

namespace millrace {

// Runs `job` on `draft.spec.inputs` and publishes its output like a cluster would; progress,
// reports and summary are the same. `program` stands in front of messages. Returns the exit code.
int RunInline(const std::string& program, const JobOptions& options, const JobDescription& job,
              JobDraft draft);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_INLINE_RUN_H_
