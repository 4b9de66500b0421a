// What the exit code of every Millrace binary means.
#ifndef MILLRACE_RPC_EXIT_CODES_H_
#define MILLRACE_RPC_EXIT_CODES_H_

#include "absl/status/status.h"

namespace millrace {

enum ExitCode : int {
  kExitSuccess = 0,
  kExitFailed = 1,       // the job failed, or the service itself
  kExitUsage = 2,        // usage or validation error; nothing was done
  kExitUnreachable = 3,  // nobody there, or it refused us
  kExitCancelled = 4,
  kExitTimedOut = 5,  // waiting timed out; the job goes on
  kExitVersionMismatch = 6,
};

inline constexpr char kExitCodesHelp[] =
    "Exit codes\n"
    "  0  success\n"
    "  1  the job failed (or the service itself)\n"
    "  2  usage or validation error; nothing was done\n"
    "  3  cannot reach the master or the server, or it refused\n"
    "  4  cancelled\n"
    "  5  waiting timed out; the job goes on\n"
    "  6  version mismatch\n";

// Of a client whose call has failed with `status`: nobody is there, or is too busy or too late, or
// refuses us; another version is there; or it failed at its work.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace millrace

#endif  // MILLRACE_RPC_EXIT_CODES_H_
