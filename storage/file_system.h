// Everything that Millrace asks of a disk.
//
// One seam, several implementations with one contract suite (file_system_contract.h): POSIX, and in
// memory for tests and simulation. Paths are absolute. Calls are synchronous and may block, so the
// event loops reach them only through the I/O thread. Different objects may be used from different
// threads; a FileSystem itself is thread-safe, the files it returns are not.
//
// Errors: kNotFound (no such file or folder), kAlreadyExists, kPermissionDenied,
// kResourceExhausted (no space: the message has path, bytes needed and bytes free),
// kFailedPrecondition (a folder where a file is needed or the reverse, a FIFO, socket or device
// opened for reading, a folder not empty, two file systems), kInvalidArgument (a name too long, a
// folder moved into itself), kDataLoss (the device failed), kInternal (anything else). Messages
// begin with the path.
#ifndef MILLRACE_STORAGE_FILE_SYSTEM_H_
#define MILLRACE_STORAGE_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

enum class FileKind : uint8_t { kRegular, kFolder, kOther };  // kOther: FIFO, socket, device

struct FileInfo {
  FileKind kind = FileKind::kRegular;
  uint64_t size = 0;     // bytes
  int64_t mtime_ns = 0;  // since 1970
  uint64_t device = 0;   // with `inode`, the identity of the file on this host
  uint64_t inode = 0;
};

// Random reads from a file as it was when it was opened.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual uint64_t size() const = 0;
  // Reads up to `length` bytes at `offset` into `buffer`; returns how many were read, fewer only at
  // the end of the file.
  virtual absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) = 0;
};

// Appends to a new file. Unless Close succeeded, assume that nothing was written.
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // closes; errors are lost, so call Close
  virtual absl::Status Append(std::string_view data) = 0;
  // Returns when everything appended is on stable storage. After a failed Sync the file is
  // worthless: never try again on the same file.
  virtual absl::Status Sync() = 0;
  virtual absl::Status Close() = 0;
};

// A file that nobody else can lock until this object goes, or its process ends, however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) = 0;
  // Creates `path`, or truncates it. The folder must exist.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& path) = 0;

  // Follows symbolic links.
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  // Names (not paths) in the folder, in byte order, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& folder) = 0;

  // Creates the folder and those above it; fine when it exists.
  virtual absl::Status CreateFolders(const std::string& folder) = 0;
  // Replaces `to` if it exists, atomically. Both on one file system.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status RemoveFile(const std::string& path) = 0;
  // Removes the folder with all it holds; fine when it does not exist. Never follows links. After
  // an error everything is gone that could be removed.
  virtual absl::Status RemoveTree(const std::string& folder) = 0;
  virtual absl::Status RemoveEmptyFolder(const std::string& folder) = 0;
  // Makes renames, creations and removals in `folder` durable, and the folder itself.
  virtual absl::Status SyncFolder(const std::string& folder) = 0;
  // Bytes free for us on the file system that holds `path`.
  virtual absl::StatusOr<uint64_t> FreeBytes(const std::string& path) = 0;

  // Makes a file that is locked from its beginning, or locks one that is there. Null when that
  // cannot be: somebody holds it, it is (not) there, or this file system has no locks.
  virtual std::unique_ptr<FileLock> CreateLocked(const std::string& path) { return nullptr; }
  virtual std::unique_ptr<FileLock> LockExisting(const std::string& path) { return nullptr; }

  // The path with all symbolic links resolved, to recognise containment. It must exist.
  virtual absl::StatusOr<std::string> RealPath(const std::string& path) = 0;
};

// The kResourceExhausted that Append returns when `bytes_needed` do not fit into `bytes_free`.
absl::Status NoSpaceError(const std::string& path, uint64_t bytes_needed, uint64_t bytes_free);

// Reads a whole file of at most `max_bytes`; larger is kResourceExhausted.
absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path, uint64_t max_bytes);

// Atomic output: writes a temporary file in the same folder, syncs it, renames it to `path`, syncs
// the folder. Readers see the old content or the new, never half of it. Not for two writers of one
// path at a time. For content that arrives in pieces see atomic_file.h.
absl::Status WriteFileAtomically(FileSystem& fs, const std::string& path, std::string_view content);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FILE_SYSTEM_H_
