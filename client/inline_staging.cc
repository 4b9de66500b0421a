#include "client/inline_staging.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <vector>

#include "absl/status/statusor.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// The descriptor of the locked file, or -1.
int OpenLocked(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

std::unique_ptr<InlineStagingLock> InlineStagingLock::Take(const std::string& output,
                                                           const std::string& job_key) {
  const int fd = OpenLocked(InlineLockPath(output, job_key), O_CREAT | O_EXCL);
  if (fd < 0) return nullptr;
  return std::unique_ptr<InlineStagingLock>(new InlineStagingLock(fd));
}

InlineStagingLock::~InlineStagingLock() { close(fd_); }

void RemoveAbandonedStaging(FileSystem& fs, const std::string& output) {
  const absl::StatusOr<std::vector<std::string>> jobs = fs.List(StagingRoot(output));
  if (!jobs.ok()) return;  // mostly because there is none
  for (const std::string& job_key : *jobs) {
    const int fd = OpenLocked(InlineLockPath(output, job_key), 0);
    if (fd < 0) continue;  // not of an inline job, or of one that lives
    fs.RemoveTree(StagingFolder(output, job_key)).IgnoreError();
    close(fd);
  }
}

}  // namespace millrace
