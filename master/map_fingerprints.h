// What the output of each map of a job depends on, in 128 bits: two maps with the same fingerprint,
// of whatever jobs, give the same output. Pure; any thread.
#ifndef MILLRACE_MASTER_MAP_FINGERPRINTS_H_
#define MILLRACE_MASTER_MAP_FINGERPRINTS_H_

#include <vector>

#include "rpc/task_types.h"
#include "storage/digest.h"
#include "storage/input_split.h"

namespace millrace {

// One for each of `splits`; none when the job says that its maps are not to be compared. `spec`
// need not have its input files any more.
std::vector<Digest> MapFingerprints(const JobSpec& spec, const std::vector<InputSplit>& splits);

}  // namespace millrace

#endif  // MILLRACE_MASTER_MAP_FINGERPRINTS_H_
