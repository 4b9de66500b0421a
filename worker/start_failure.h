// Why a program cannot be started here, in words that say what to do about it.
//
// Looks at the file after the fact (its header, its mode, how its file system is mounted). Any
// thread.
#ifndef MILLRACE_WORKER_START_FAILURE_H_
#define MILLRACE_WORKER_START_FAILURE_H_

#include <string>

#include "absl/status/status.h"

namespace millrace {

// What exec's error number `error` means for the program `path`; the codes are those of
// ChildProcess::Start.
absl::Status StartFailure(const std::string& path, int error);

// OK when `path` begins with the header of a program that this machine runs (x86-64, 64 bit), or is
// a script; else kFailedPrecondition, naming what it is.
absl::Status CheckMachineType(const std::string& path);

// OK when programs in `folder` may be started; else kPermissionDenied.
absl::Status CheckFolderAllowsExec(const std::string& folder);

}  // namespace millrace

#endif  // MILLRACE_WORKER_START_FAILURE_H_
