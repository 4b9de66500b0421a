#include "rpc/exit_codes.h"

namespace millrace {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return kExitSuccess;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kPermissionDenied: return kExitUnreachable;
    case absl::StatusCode::kUnimplemented: return kExitVersionMismatch;
    default: return kExitFailed;
  }
}

}  // namespace millrace
