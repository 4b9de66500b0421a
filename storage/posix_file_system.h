// The FileSystem of this host.
//
// Writes are not buffered: callers append large pieces. Every descriptor is closed on exec, so no
// job process inherits one. FIFOs, sockets and devices are refused when opened for reading instead
// of blocking. Thread-safe.
#ifndef MILLRACE_STORAGE_POSIX_FILE_SYSTEM_H_
#define MILLRACE_STORAGE_POSIX_FILE_SYSTEM_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& path) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override;
  absl::Status CreateFolders(const std::string& folder) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status RemoveTree(const std::string& folder) override;
  absl::Status RemoveEmptyFolder(const std::string& folder) override;
  absl::Status SyncFolder(const std::string& folder) override;
  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override;
  std::unique_ptr<FileLock> CreateLocked(const std::string& path) override;
  std::unique_ptr<FileLock> LockExisting(const std::string& path) override;
  absl::StatusOr<std::string> RealPath(const std::string& path) override;
};

// The status of a failed system call: `what` could not be done to `path` because of `error` (an
// errno). The message is "PATH: WHAT: errno's text" and, where there is some, advice.
absl::Status PosixError(std::string_view path, std::string_view what, int error);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_POSIX_FILE_SYSTEM_H_
