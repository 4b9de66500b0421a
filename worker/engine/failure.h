// How the engine reports what went wrong, so that its caller can tell who is to blame.
//
//   kAborted             user code called Fail, used the wrong form of Emit, or its partitioner
//                        answered out of range. User code that throws is not caught here.
//   kInvalidArgument     the task itself makes no sense: the job cannot run.
//   kFailedPrecondition  an input file is not the one that was submitted (or is gone).
//   kDataLoss            a source of a reduce is damaged, missing or not the expected one;
//                        BadSourceOf says which.
//   kResourceExhausted   no space on this host's disk, or a record that the memory limit cannot
//                        hold; the message says which.
//   kCancelled           TaskHooks::cancelled was set.
//   others               this host could not do it (reading or writing failed).
#ifndef MILLRACE_WORKER_ENGINE_FAILURE_H_
#define MILLRACE_WORKER_ENGINE_FAILURE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

namespace millrace {

// kDataLoss with the message of `cause`, blaming the source that came from map task `map_index`.
absl::Status BadSource(uint32_t map_index, const absl::Status& cause);

// The map task whose output is to blame, if a source is to blame.
std::optional<uint32_t> BadSourceOf(const absl::Status& status);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_FAILURE_H_
