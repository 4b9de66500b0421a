// The files that one process sees: a disk of its host's and a shared one, both in memory, as long
// as the process lives.
//
// Everything below /shared lies on the shared disk, all else on the host's. Each change counts as a
// step of the process's life, so a process can be made to die at any of them, and a dead process
// changes nothing any more. Final names in output folders are watched (see OutputWatcher).
#ifndef MILLRACE_TESTS_SIM_PROCESS_FILE_SYSTEM_H_
#define MILLRACE_TESTS_SIM_PROCESS_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "tests/sim/world.h"

namespace millrace::sim {

constexpr char kSharedFolder[] = "/shared";

// Told of what becomes visible or vanishes under a name.
class OutputWatcher {
 public:
  virtual ~OutputWatcher() = default;
  virtual void OnRenamed(const std::string& process, const std::string& to) = 0;
  virtual void OnRemoved(const std::string& process, const std::string& path) = 0;
  virtual void OnOpenedForWriting(const std::string& process, const std::string& path) = 0;
};

class ProcessFileSystem final : public FileSystem {
 public:
  // All must outlive it; `watcher` may be null.
  ProcessFileSystem(Life& life, FileSystem& host_disk, FileSystem& shared_disk,
                    OutputWatcher* watcher)
      : life_(life), host_disk_(host_disk), shared_disk_(shared_disk), watcher_(watcher) {}

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

 private:
  class WatchedFile;

  FileSystem& DiskOf(const std::string& path);
  absl::Status MayLook() const;
  absl::Status MayChange();

  Life& life_;
  FileSystem& host_disk_;
  FileSystem& shared_disk_;
  OutputWatcher* const watcher_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_PROCESS_FILE_SYSTEM_H_
