// Logs of attempts, to Cap'n Proto messages and back: see rpc/wire.h for the rules.
#ifndef MILLRACE_RPC_WIRE_LOGS_H_
#define MILLRACE_RPC_WIRE_LOGS_H_

#include <capnp/list.h>

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc/task_types.h"
#include "rpc/types.capnp.h"

namespace millrace {

constexpr size_t kMaxLogBytes = 16u << 10;
// A quarter of a megabyte: the answer is what a heartbeat may have to wait behind.
constexpr size_t kMaxLogsPerCall = 16;

// The attempts whose logs are wanted.
absl::StatusOr<std::vector<AttemptId>> ReadLogRequest(
    capnp::List<capnp_types::AttemptId>::Reader in);
absl::StatusOr<std::vector<AttemptLog>> ReadAttemptLogs(
    capnp::List<capnp_types::AttemptLog>::Reader in);

// `out` has as many elements as there are values. Of a longer text the end is written.
void WriteLogRequest(const std::vector<AttemptId>& attempts,
                     capnp::List<capnp_types::AttemptId>::Builder out);
void WriteAttemptLogs(const std::vector<AttemptLog>& logs,
                      capnp::List<capnp_types::AttemptLog>::Builder out);

}  // namespace millrace

#endif  // MILLRACE_RPC_WIRE_LOGS_H_
