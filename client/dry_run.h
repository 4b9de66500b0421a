// --dry_run: what a job would do, for the person who is about to start it.
//
// Pure, but for the space on the disk, which the caller looks up.
#ifndef MILLRACE_CLIENT_DRY_RUN_H_
#define MILLRACE_CLIENT_DRY_RUN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/job_options.h"
#include "rpc/task_types.h"

namespace millrace {

struct DryRun {
  const JobSpec* spec = nullptr;
  const JobOptions* options = nullptr;
  // Of the cluster that would run it, as far as that is known.
  std::optional<uint64_t> slots;
  // Where the output goes.
  std::optional<uint64_t> free_bytes;
  // Whether parts are chosen by a sample of the input (client/key_sample.h).
  bool total_order = false;
};

// Lines about input, tasks and output; what cannot be cut, with its size; then warnings, each a
// line that begins with "warning: " and says what to do.
std::string DryRunText(const DryRun& run);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_DRY_RUN_H_
