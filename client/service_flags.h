// The flags that every service in apps/ has, next to its own.
//
//   program.groups = {{"Chat", {"listen", "server", "name"}}, ReadyGroup(), AccessGroup()};
//   ...
//   MILLRACE_ASSIGN_OR_RETURN(options,
//                             ReadServiceOptions("listen", FLAGS_listen, PortZero::kAllowed));
//   ServiceProcess process(program.name, options);
//   ... process.Serve(FLAGS_listen, welcome, ReadyFilePath())
//
// Called from main, after ParseFlags (client/flag_parser.h).
#ifndef MILLRACE_CLIENT_SERVICE_FLAGS_H_
#define MILLRACE_CLIENT_SERVICE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/command_line.h"
#include "rpc/address.h"
#include "rpc/connection.h"

namespace millrace {

// --ready_file, of a process that serves.
FlagGroup ReadyGroup();
// --cluster_key_file and --insecure.
FlagGroup AccessGroup();

// For serving at or dialling `address`, HOST:PORT, which the flag `flag` gave; only who serves may
// have any free port. kInvalidArgument names the flag when it was not given or cannot be read, or
// when a key is needed and not there.
absl::StatusOr<ConnectionOptions> ReadServiceOptions(const std::string& flag,
                                                     const std::string& address,
                                                     PortZero port_zero = PortZero::kAllowed);

// Absolute; empty: none.
std::string ReadyFilePath();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_SERVICE_FLAGS_H_
