#include "client/local_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/role_options.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

// A master listens within milliseconds; a machine that swaps may need longer.
constexpr int kReadyMs = 30'000;
constexpr size_t kAddressBytesMax = 256;

// A fresh key that only this user can read.
absl::Status WriteKey(const std::string& path) {
  std::array<char, 32> secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return PosixError(path, "cannot draw a key", errno);
  }
  const std::string text = absl::BytesToHexString(absl::string_view(secret.data(), secret.size()));
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return PosixError(path, "cannot create", errno);
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  return written == static_cast<ssize_t>(text.size()) ? absl::OkStatus()
                                                      : PosixError(path, "cannot write", error);
}

// The line that the role sends when it is ready. An early end of the pipe is the role's end.
absl::StatusOr<std::string> ReadLine(int fd, int timeout_ms) {
  std::string line;
  while (line.size() < kAddressBytesMax) {
    pollfd ready{fd, POLLIN, 0};
    const int polled = poll(&ready, 1, timeout_ms);
    if (polled < 0 && errno == EINTR) continue;
    if (polled <= 0) return absl::DeadlineExceededError("it did not get ready in time");
    char c = 0;
    if (read(fd, &c, 1) <= 0) return absl::UnavailableError("it ended before it was ready");
    if (c == '\n') return line;
    line += c;
  }
  return absl::InternalError("it sent too long an address");
}

absl::StatusOr<std::string> StartMaster(const std::string& folder, const std::string& key_file,
                                        std::unique_ptr<RoleProcess>* master) {
  RoleOptions options;
  options.Set("listen", "127.0.0.1:0");
  options.Set("cluster_folder", folder);
  options.Set("cluster_key_file", key_file);
  MILLRACE_ASSIGN_OR_RETURN(Pipe ready, Pipe::Make());
  MILLRACE_ASSIGN_OR_RETURN(*master, RoleProcess::Start(kMasterRole, options, ready.write_fd()));
  ready.CloseWriter();
  absl::StatusOr<std::string> address = ReadLine(ready.read_fd(), kReadyMs);
  if (address.ok()) return address;
  return absl::UnavailableError(
      absl::StrCat("the master of the local cluster did not start: ", address.status().message(),
                   "; what it said, if anything, is above"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Make(const std::string& parent) {
  const char* const variable = getenv("TMPDIR");
  const bool is_chosen = !parent.empty();
  std::string folder = parent;
  if (folder.empty()) folder = variable == nullptr || *variable == 0 ? "/tmp" : variable;
  // Only a folder chosen for this is made: a $TMPDIR that is not there is a mistake.
  absl::Status usable = is_chosen ? PosixFileSystem().CreateFolders(folder) : absl::OkStatus();
  std::string path = JoinPath(folder, "millrace-XXXXXX");
  if (usable.ok() && mkdtemp(path.data()) == nullptr) {
    usable = PosixError(folder, "cannot make a folder for temporary files in it", errno);
  }
  if (!usable.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(is_chosen ? "--scratch_dir: " : "$TMPDIR: ", usable.message(),
                     is_chosen ? "; name another" : "; make it, or pass --scratch_dir=DIR"));
  }
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(path));
}

TemporaryFolder::~TemporaryFolder() {
  if (absl::Status removed = PosixFileSystem().RemoveTree(path_); !removed.ok()) {
    fprintf(stderr, "could not remove the local cluster's files: %s\n",
            std::string(removed.message()).c_str());
  }
}

absl::StatusOr<std::unique_ptr<LocalWorkers>> LocalWorkers::Start(
    const LocalWorkersOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(HostPort master, ParseHostPort(options.master, PortZero::kRefused));
  // Where the master can be reached, its workers can be reached by others, for map outputs.
  const HostPort listen{master.host, 0};
  if (IsWildcard(master.host)) master.host = "127.0.0.1";
  std::unique_ptr<LocalWorkers> workers(new LocalWorkers);
  for (uint32_t i = 1; i <= options.count; ++i) {
    RoleOptions worker;
    worker.Set("master", ToString(master));
    worker.Set("listen", ToString(listen));
    worker.Set("slots", 1);
    worker.Set("name", absl::StrCat("w", i));
    worker.Set("scratch_folder", options.folder);
    worker.Set("cluster_folder", options.folder);
    worker.Set("cluster_key_file", options.cluster_key_file);
    worker.Set("insecure", options.insecure ? 1 : 0);
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<RoleProcess> process,
                              RoleProcess::Start(kWorkerRole, worker));
    workers->processes_.push_back(std::move(process));
  }
  return workers;
}

LocalWorkers::~LocalWorkers() {
  for (const auto& process : processes_) process->LetGo();
}

absl::StatusOr<std::unique_ptr<LocalCluster>> LocalCluster::Start(
    uint32_t workers, const std::string& parent_folder) {
  std::unique_ptr<LocalCluster> cluster(new LocalCluster);
  MILLRACE_ASSIGN_OR_RETURN(cluster->folder_, TemporaryFolder::Make(parent_folder));
  cluster->key_file_ = JoinPath(cluster->folder_->path(), "key");
  MILLRACE_RETURN_IF_ERROR(WriteKey(cluster->key_file_));
  MILLRACE_ASSIGN_OR_RETURN(cluster->address_, StartMaster(cluster->folder_->path(),
                                                           cluster->key_file_, &cluster->master_));
  LocalWorkersOptions options;
  options.master = cluster->address_;
  options.count = workers;
  options.folder = cluster->folder_->path();
  options.cluster_key_file = cluster->key_file_;
  MILLRACE_ASSIGN_OR_RETURN(cluster->workers_, LocalWorkers::Start(options));
  return cluster;
}

LocalCluster::~LocalCluster() = default;

uint32_t CoreCount() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

}  // namespace millrace
