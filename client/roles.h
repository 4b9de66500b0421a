// Binaries that can be a master or a worker besides what they are for: see client/role_process.h.
#ifndef MILLRACE_CLIENT_ROLES_H_
#define MILLRACE_CLIENT_ROLES_H_

#include <optional>

namespace millrace {

// If this process was started to play a role, plays it to its end and returns the exit code; else
// returns nothing at once. Called first thing in main.
std::optional<int> MaybeRunRole();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_ROLES_H_
