// A FileSystem that fails when a test says so, in front of one that works.
//
//   FaultyFileSystem fs(&memory);
//   fs.FailNth(FileOperation::kSync, 2, absl::DataLossError("the device failed"));
//   fs.StopAfter(5);   // the process dies after its fifth change to the disk
//
// Thread-safe. Files that it opened must not outlive it.
#ifndef MILLRACE_STORAGE_FAULTY_FILE_SYSTEM_H_
#define MILLRACE_STORAGE_FAULTY_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

enum class FileOperation : uint8_t {
  kOpenForReading,
  kRead,
  kOpenForWriting,
  kWrite,  // Append
  kSync,
  kClose,
  kCreateFolders,
  kRename,
  kRemove,  // of a file, a tree or an empty folder
  kSyncFolder,
  kLook,  // Stat, List, FreeBytes, RealPath
};

class FaultyFileSystem : public FileSystem {
 public:
  // `base` must outlive this.
  explicit FaultyFileSystem(FileSystem* base) : base_(base) {}

  // The n-th `operation` from now (1: the next one) fails with `status`, and does nothing.
  void FailNth(FileOperation operation, int n, absl::Status status);
  // Every `operation` fails from now on.
  void FailEvery(FileOperation operation, absl::Status status);
  // Lets `changes` more operations that change the disk happen (including syncs and closes); then
  // everything fails with kUnavailable, as if the process were dead. A write that is cut off leaves
  // its first half.
  void StopAfter(int changes);
  // Takes back all of the above.
  void Heal();

  // Operations so far that changed the disk, or would have.
  int changes() const;
  // Whether StopAfter has struck.
  bool stopped() const;

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
  class FaultyReadableFile;
  class FaultyWritableFile;

  struct Fault {
    FileOperation operation;
    int countdown;  // strikes when it reaches zero
    bool every;     // and then goes on striking
    absl::Status status;
  };

  // Counts the operation, and says whether it may happen.
  absl::Status Admit(FileOperation operation, const std::string& path);

  FileSystem* const base_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Fault> faults_;
  int changes_ = 0;
  int stop_at_ = -1;  // value of changes_ from which nothing happens any more; -1: never
  bool stopped_ = false;
};

// Flips one bit of a file: bit 0 is the lowest of the first byte. The length stays.
absl::Status FlipBit(FileSystem& fs, const std::string& path, uint64_t bit);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FAULTY_FILE_SYSTEM_H_
