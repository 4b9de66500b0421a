// A FileSystem in memory, for tests and simulation.
//
// It keeps the rules of POSIX, without links, permissions and special files, and it can crash.
// Every file has two contents, the one that readers see and the one that is on the (imaginary)
// disk: Sync copies the first to the second. Every folder has two lists of names likewise, and
// SyncFolder copies (and adds the folder to the lists on disk of those above). Crash goes back to
// what is on disk. So what was never synced is lost, a name whose file was not synced is an empty
// (or old) file, and a rename may be seen by one of two folders only: as much as a disk is allowed
// to lose.
//
// Times and inode numbers are counters, so that equal calls give equal results. Thread-safe.
#ifndef MILLRACE_STORAGE_MEMORY_FILE_SYSTEM_H_
#define MILLRACE_STORAGE_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

class MemoryFileSystem : public FileSystem {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  // The sum of all file contents may not exceed `capacity_bytes`: Append then fails with
  // kResourceExhausted and appends nothing.
  explicit MemoryFileSystem(uint64_t capacity_bytes = kUnlimited);
  ~MemoryFileSystem() override;

  // Loses what was not synced. Files open at that moment fail with kUnavailable from now on.
  void Crash();

  void SetCapacity(uint64_t capacity_bytes);

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
  absl::StatusOr<std::string> RealPath(const std::string& path) override;

  class Disk;  // shared with open files

 private:
  const std::shared_ptr<Disk> disk_;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_MEMORY_FILE_SYSTEM_H_
