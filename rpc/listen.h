// Listening on an address that a person has chosen.
#ifndef MILLRACE_RPC_LISTEN_H_
#define MILLRACE_RPC_LISTEN_H_

#include <kj/async-io.h>

#include <string>

#include "absl/status/statusor.h"

namespace millrace {

// Waits on the event loop for the name to be looked up, so this is for the start of a process, when
// nothing runs yet. kUnavailable names the address, why not, and what to do.
absl::StatusOr<kj::Own<kj::ConnectionReceiver>> ListenOn(kj::AsyncIoContext& io,
                                                         const std::string& address);

}  // namespace millrace

#endif  // MILLRACE_RPC_LISTEN_H_
