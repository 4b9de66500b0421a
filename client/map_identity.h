// What, beside its input, the output of a job's maps depends on, in 128 bits: what the master
// compares to use map outputs of an earlier job again. Pure; any thread.
#ifndef MILLRACE_CLIENT_MAP_IDENTITY_H_
#define MILLRACE_CLIENT_MAP_IDENTITY_H_

#include <string>
#include <vector>

#include "mapreduce/job.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

// `flags`: the job's own flags, "name=value" each, for a job that does not say what its mapper
// sees. `spec` is complete but for the number of parts, which is compared beside this.
Digest MapIdentity(const JobDescription& job, const JobSpec& spec,
                   const std::vector<std::string>& flags);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_MAP_IDENTITY_H_
