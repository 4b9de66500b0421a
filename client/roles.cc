#include "client/roles.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/flag_parser.h"
#include "client/role_options.h"
#include "client/role_process.h"
#include "master/master_process.h"
#include "rpc/exit_codes.h"
#include "storage/failpoint.h"
#include "worker/worker_process.h"

namespace millrace {
namespace {

// Removes what a local cluster leaves when its client was killed. Each role removes what is its
// own; the last one finds the folder empty.
void LeaveClusterFolder(const RoleOptions& options) {
  const std::string folder = options.Get("cluster_folder");
  if (!folder.empty()) rmdir(folder.c_str());
}

int RunWorkerRole(const RoleOptions& options) {
  WorkerOptions worker;
  worker.master = options.Get("master");
  worker.listen = options.Get("listen");
  worker.slots = static_cast<uint32_t>(options.GetNumber("slots", 1));
  worker.scratch_folder = options.Get("scratch_folder");
  worker.name = options.Get("name");
  worker.cluster_key_file = options.Get("cluster_key_file");
  worker.insecure = options.GetNumber("insecure", 0) != 0;
  worker.lifeline_fd = static_cast<int>(options.GetNumber("lifeline_fd", -1));
  const int exit_code = RunWorker(worker);
  LeaveClusterFolder(options);
  return exit_code;
}

// Tells the parent the address; a short message to a pipe is written whole.
absl::Status Announce(int fd, const std::string& address) {
  const std::string line = address + "\n";
  const ssize_t written = write(fd, line.data(), line.size());
  close(fd);
  if (written == static_cast<ssize_t>(line.size())) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot tell the parent process the address: ", strerror(errno)));
}

int RunMasterRole(const RoleOptions& options) {
  MasterOptions master;
  master.listen = options.Get("listen");
  master.cluster_key_file = options.Get("cluster_key_file");
  master.insecure = options.GetNumber("insecure", 0) != 0;
  master.lifeline_fd = static_cast<int>(options.GetNumber("lifeline_fd", -1));
  const int ready_fd = static_cast<int>(options.GetNumber("ready_fd", -1));
  master.on_ready = [ready_fd](const std::string& address) { return Announce(ready_fd, address); };
  const int exit_code = RunMaster(master);
  unlink(master.cluster_key_file.c_str());  // made for this cluster alone
  LeaveClusterFolder(options);
  return exit_code;
}

}  // namespace

std::optional<int> MaybeRunRole() {
  const char* const variable = std::getenv(kRoleVariable);
  if (variable == nullptr) return std::nullopt;
  const std::string role = variable;
  const char* const text = std::getenv(kRoleOptionsVariable);
  const absl::StatusOr<RoleOptions> options = RoleOptions::Decode(text == nullptr ? "" : text);
  // Children must not take the role for theirs.
  unsetenv(kRoleVariable);
  unsetenv(kRoleOptionsVariable);
  if (absl::Status armed = ArmFailpointsFromEnvironment(); !armed.ok()) {
    std::fprintf(stderr, "%s\n", std::string(armed.message()).c_str());
    return kExitUsage;
  }
  if (options.ok() && role == kWorkerRole) {
    StartLogging("millrace-worker", LogLevel::kErrors);
    return RunWorkerRole(*options);
  }
  if (options.ok() && role == kMasterRole) {
    StartLogging("millrace-master", LogLevel::kErrors);
    return RunMasterRole(*options);
  }
  std::fprintf(stderr, "%s=%s: no such role, or damaged %s; unset both\n", kRoleVariable,
               role.c_str(), kRoleOptionsVariable);
  return kExitUsage;
}

}  // namespace millrace
