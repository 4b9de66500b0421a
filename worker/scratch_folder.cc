#include "worker/scratch_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

constexpr char kPrefix[] = "millrace-worker-";
constexpr char kLockName[] = "lock";

bool IsWorkerFolder(const std::string& name) {
  return name.compare(0, sizeof(kPrefix) - 1, kPrefix) == 0;
}

// Holds the lock file at `path`, or -1 when somebody else does (or there is none to hold).
int TryLock(const std::string& path, int flags) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

// Puts a lock file in a new folder. It gets its name when it is locked: with the name but without
// the lock, for a moment, it would tell others that its worker is dead.
int LockNew(const std::string& folder) {
  const std::string path = JoinPath(folder, kLockName);
  const int fd = TryLock(TemporaryName(path), O_CREAT);
  if (fd < 0 || rename(TemporaryName(path).c_str(), path.c_str()) == 0) return fd;
  close(fd);
  return -1;
}

// The lock goes with its process, however it ended. A folder without a lock file is one that is
// being made.
void RemoveLeftovers(FileSystem& file_system, const std::string& parent) {
  const absl::StatusOr<std::vector<std::string>> names = file_system.List(parent);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!IsWorkerFolder(name)) continue;
    const std::string folder = JoinPath(parent, name);
    const int lock = TryLock(JoinPath(folder, kLockName), 0);
    if (lock < 0) continue;
    LOG(INFO) << "removing " << folder << ", which a dead worker has left behind";
    const absl::Status removed = file_system.RemoveTree(folder);
    if (!removed.ok()) LOG(WARNING) << removed.message();
    close(lock);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFolder>> ScratchFolder::Make(FileSystem& file_system,
                                                                   const std::string& parent) {
  MILLRACE_RETURN_IF_ERROR(file_system.CreateFolders(parent));
  RemoveLeftovers(file_system, parent);
  std::string path = JoinPath(parent, absl::StrCat(kPrefix, getpid(), "-XXXXXX"));
  if (mkdtemp(path.data()) == nullptr) {
    return PosixError(parent, "cannot make a scratch folder in it", errno);
  }
  const int lock = LockNew(path);
  if (lock < 0) return PosixError(path, "cannot be locked", errno);
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(file_system, std::move(path), lock));
}

ScratchFolder::~ScratchFolder() {
  const absl::Status removed = file_system_.RemoveTree(path_);
  if (!removed.ok()) LOG(WARNING) << "removing the scratch folder: " << removed.message();
  close(lock_fd_);
}

}  // namespace millrace
