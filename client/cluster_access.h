// Which key opens a cluster, and when none is needed.
#ifndef MILLRACE_CLIENT_CLUSTER_ACCESS_H_
#define MILLRACE_CLIENT_CLUSTER_ACCESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "rpc/preamble.h"

namespace millrace {

// Reads `key_file` (empty: no key). To an `address` beyond this machine a key is required, unless
// the person said --insecure. Errors name the flag.
absl::StatusOr<ClusterKey> ReadClusterKey(const std::string& address, const std::string& key_file,
                                          bool insecure);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_CLUSTER_ACCESS_H_
