// The file of the program that runs.
#ifndef MILLRACE_CLIENT_OWN_BINARY_H_
#define MILLRACE_CLIENT_OWN_BINARY_H_

#include <string>

#include "absl/status/statusor.h"

namespace millrace {

// Its absolute path. Where /proc is not mounted, the path by which it was started. An error when
// the file was replaced meanwhile: what would be started or sent is then another program.
absl::StatusOr<std::string> OwnBinaryPath();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_OWN_BINARY_H_
