// What a worker may be called. Names stand in tables, in logs, in messages and in the environment
// of user code, so there must be something to see, on one line.
#ifndef MILLRACE_RPC_WORKER_NAME_H_
#define MILLRACE_RPC_WORKER_NAME_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace millrace {

constexpr size_t kMaxWorkerNameBytes = 100;

// kInvalidArgument says the rule, and what is wrong with `name`.
absl::Status CheckWorkerName(std::string_view name);

// A valid name for a worker whose person has chosen none: from the host's name, which may be
// anything, and the process id.
std::string DefaultWorkerName(std::string_view host, int pid);

}  // namespace millrace

#endif  // MILLRACE_RPC_WORKER_NAME_H_
