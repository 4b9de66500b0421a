#include "worker/attempt_cause.h"

#include <optional>
#include <string>

#include "worker/engine/failure.h"

namespace millrace {

Cause CauseOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return Cause::kSucceeded;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInvalidArgument: return Cause::kUserCodeFailed;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange: return Cause::kJobInvalid;
    case absl::StatusCode::kDataLoss: return Cause::kFetchFailed;
    case absl::StatusCode::kCancelled: return Cause::kCancelled;
    default: return Cause::kWorkerFailed;
  }
}

void SetFailure(const absl::Status& status, const std::vector<ReduceSource>& sources,
                AttemptOutcome* outcome) {
  outcome->cause = CauseOf(status);
  outcome->message = std::string(status.message());
  if (outcome->cause != Cause::kFetchFailed) return;
  const std::optional<uint32_t> map_index = BadSourceOf(status);
  for (const ReduceSource& source : sources) {
    if (source.map_index != map_index) continue;
    outcome->failed_map_index = source.map_index;
    outcome->failed_source = source.attempt;
    return;
  }
  // Data was lost, but no source is to blame: a disk of this host.
  outcome->cause = Cause::kWorkerFailed;
}

}  // namespace millrace
