#include "client/cluster_access.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"

namespace millrace {

absl::StatusOr<ClusterKey> ReadClusterKey(const std::string& address, const std::string& key_file,
                                          bool insecure) {
  if (!key_file.empty()) return ClusterKey::Load(key_file);
  MILLRACE_ASSIGN_OR_RETURN(const HostPort host, ParseHostPort(address, PortZero::kAllowed));
  if (insecure || IsLoopback(host.host)) return ClusterKey::None();
  return absl::InvalidArgumentError(
      absl::StrCat(address,
                   " is beyond this machine: give --cluster_key_file=FILE, or --insecure "
                   "where everybody on the network may use the cluster"));
}

}  // namespace millrace
