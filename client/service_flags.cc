#include "client/service_flags.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cluster_access.h"
#include "client/flag_parser.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

DEFINE_string(
    ready_file, "",
    "File to write, by rename, when listening, and to remove at the end: JSON with the real "
    "address and the pid.");
DEFINE_string(cluster_key_file, "",
              "File with the key that both ends hold, mode 0600; needed beyond this machine.");
DEFINE_bool(insecure, false, "Go without a key beyond this machine.");

namespace millrace {
namespace {

std::string InWorkingFolder(const std::string& path) {
  return path.empty() ? "" : AbsolutePath(WorkingFolder(), path);
}

}  // namespace

FlagGroup ReadyGroup() { return {"When it serves", {"ready_file"}}; }

FlagGroup AccessGroup() { return {"Access", {"cluster_key_file", "insecure"}}; }

absl::StatusOr<ConnectionOptions> ReadServiceOptions(const std::string& flag,
                                                     const std::string& address,
                                                     PortZero port_zero) {
  if (address.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " is missing: give it as --", flag, "=HOST:PORT"));
  }
  if (absl::Status read = ParseHostPort(address, port_zero).status(); !read.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", read.message()));
  }
  ConnectionOptions options;
  MILLRACE_ASSIGN_OR_RETURN(
      options.key,
      ReadClusterKey(address, InWorkingFolder(FLAGS_cluster_key_file), FLAGS_insecure));
  return options;
}

std::string ReadyFilePath() { return InWorkingFolder(FLAGS_ready_file); }

}  // namespace millrace
