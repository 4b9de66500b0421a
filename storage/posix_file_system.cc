#include "storage/posix_file_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// Deeper trees than this are not ours; also bounds the descriptors that RemoveTree holds.
constexpr int kTreeDepthMax = 128;

// Closes its descriptor when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Repeats a system call that a signal interrupted.
template <typename Call>
auto RetryOnSignal(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

Descriptor Open(const std::string& path, int flags) {
  return Descriptor(RetryOnSignal([&] { return open(path.c_str(), flags | O_CLOEXEC, 0666); }));
}

FileInfo ToFileInfo(const struct stat& s) {
  FileInfo info;
  info.kind = S_ISREG(s.st_mode)   ? FileKind::kRegular
              : S_ISDIR(s.st_mode) ? FileKind::kFolder
                                   : FileKind::kOther;
  info.size = s.st_size;
  info.mtime_ns = s.st_mtim.tv_sec * int64_t{1'000'000'000} + s.st_mtim.tv_nsec;
  info.device = s.st_dev;
  info.inode = s.st_ino;
  return info;
}

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // the kernel lets go of the lock with it
};

std::unique_ptr<FileLock> Lock(Descriptor fd) {
  if (!fd.is_open() || flock(fd.get(), LOCK_EX | LOCK_NB) < 0) return nullptr;
  return std::make_unique<PosixFileLock>(std::move(fd));
}

class PosixReadableFile : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) override {
    size_t done = 0;
    while (done < length) {
      const ssize_t n = RetryOnSignal(
          [&] { return pread(fd_.get(), buffer + done, length - done, offset + done); });
      if (n < 0) {
        return PosixError(path_, absl::StrCat("cannot read at offset ", offset + done), errno);
      }
      if (n == 0) break;
      done += n;
    }
    return done;
  }

 private:
  const std::string path_;
  const Descriptor fd_;
  const uint64_t size_;
};

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  absl::Status Append(std::string_view data) override {
    if (!fd_.is_open()) return AlreadyClosed();
    while (!data.empty()) {
      const ssize_t n = RetryOnSignal([&] { return write(fd_.get(), data.data(), data.size()); });
      if (n < 0) return WriteError("cannot write", data.size(), errno);
      data.remove_prefix(n);
      size_ += n;
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (!fd_.is_open()) return AlreadyClosed();
    // The file's length travels with fdatasync; only times may be lost.
    if (RetryOnSignal([&] { return fdatasync(fd_.get()); }) < 0) {
      return WriteError("cannot sync", size_, errno);
    }
    return absl::OkStatus();
  }

  absl::Status Close() override {
    if (!fd_.is_open()) return AlreadyClosed();
    // After EINTR Linux has closed the descriptor: trying again might close somebody else's.
    if (close(fd_.Release()) < 0 && errno != EINTR) {
      return WriteError("cannot close after writing", size_, errno);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AlreadyClosed() const {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is already closed"));
  }

  // Network file systems notice only at the sync or the close that there is no space.
  absl::Status WriteError(std::string_view what, uint64_t bytes_needed, int error) const {
    struct statvfs space;
    if (error != ENOSPC || statvfs(FolderOf(path_).c_str(), &space) < 0) {
      return PosixError(path_, what, error);
    }
    return NoSpaceError(path_, bytes_needed, uint64_t{space.f_bavail} * space.f_frsize);
  }

  const std::string path_;
  Descriptor fd_;
  uint64_t size_ = 0;  // bytes written
};

// Names in the folder behind `fd`, which is closed.
absl::StatusOr<std::vector<std::string>> ReadNames(Descriptor fd, const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(fd.get()), closedir);
  if (stream == nullptr) return PosixError(folder, "cannot list", errno);
  fd.Release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return PosixError(folder, "cannot list", errno);
  return names;
}

absl::Status RemoveEntry(const Descriptor& folder_fd, const std::string& name,
                         const std::string& path, int depth);

// Removes everything in the folder behind `folder_fd` that can be removed, and returns the first
// error. What somebody else removes meanwhile is fine. Works on descriptors, so that a folder
// swapped for a link cannot lead it elsewhere.
absl::Status RemoveContents(const Descriptor& folder_fd, const std::string& folder, int depth) {
  if (depth > kTreeDepthMax) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder, ": cannot remove: more than ", kTreeDepthMax, " folders deep; remove it by hand"));
  }
  Descriptor list_fd(openat(folder_fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!list_fd.is_open()) return PosixError(folder, "cannot list", errno);
  MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, ReadNames(std::move(list_fd), folder));
  absl::Status first;
  for (const std::string& name : names) {
    first.Update(RemoveEntry(folder_fd, name, JoinPath(folder, name), depth));
  }
  return first;
}

// `path` is for messages.
absl::Status RemoveEntry(const Descriptor& folder_fd, const std::string& name,
                         const std::string& path, int depth) {
  const int parent = folder_fd.get();
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return PosixError(path, "cannot remove", errno);
  Descriptor child(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!child.is_open()) return PosixError(path, "cannot remove", errno);
  MILLRACE_RETURN_IF_ERROR(RemoveContents(child, path, depth + 1));
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
    return PosixError(path, "cannot remove", errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReadableFile>> PosixFileSystem::OpenForReading(
    const std::string& path) {
  // Without O_NONBLOCK the open of a FIFO waits for a writer; regular files ignore it.
  Descriptor fd = Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.is_open()) {
    // A socket cannot be opened at all.
    if (errno == ENXIO) return absl::FailedPreconditionError(path + ": is not a regular file");
    return PosixError(path, "cannot open for reading", errno);
  }
  struct stat s;
  if (fstat(fd.get(), &s) < 0) return PosixError(path, "cannot stat", errno);
  if (S_ISDIR(s.st_mode)) return PosixError(path, "cannot open for reading", EISDIR);
  if (!S_ISREG(s.st_mode)) {
    return absl::FailedPreconditionError(path + ": is not a regular file");
  }
  return std::make_unique<PosixReadableFile>(path, std::move(fd), s.st_size);
}

absl::StatusOr<std::unique_ptr<WritableFile>> PosixFileSystem::OpenForWriting(
    const std::string& path) {
  Descriptor fd = Open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.is_open()) return PosixError(path, "cannot open for writing", errno);
  return std::make_unique<PosixWritableFile>(path, std::move(fd));
}

absl::StatusOr<FileInfo> PosixFileSystem::Stat(const std::string& path) {
  struct stat s;
  if (stat(path.c_str(), &s) < 0) return PosixError(path, "cannot stat", errno);
  return ToFileInfo(s);
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::List(const std::string& folder) {
  Descriptor fd = Open(folder, O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return PosixError(folder, "cannot list", errno);
  MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, ReadNames(std::move(fd), folder));
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PosixFileSystem::CreateFolders(const std::string& folder) {
  // From the top: each name that ends at a slash, then the whole.
  size_t end = 0;
  while (end < folder.size()) {
    end = std::min(folder.find('/', end + 1), folder.size());
    const std::string path = folder.substr(0, end);
    if (mkdir(path.c_str(), 0777) == 0) continue;
    const int error = errno;
    // A folder that exists may be reported as read-only or forbidden rather than existing.
    struct stat s;
    if (stat(path.c_str(), &s) < 0) return PosixError(path, "cannot create the folder", error);
    if (!S_ISDIR(s.st_mode)) return PosixError(path, "cannot create the folder", ENOTDIR);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) < 0) {
    // The kernel may call a folder that is not empty "exists".
    const int error = errno == EEXIST ? ENOTEMPTY : errno;
    return PosixError(from, "cannot rename to " + to, error);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) < 0) return PosixError(path, "cannot remove", errno);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::RemoveTree(const std::string& folder) {
  Descriptor fd = Open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd.is_open()) {
    if (errno == ENOENT) return absl::OkStatus();
    return PosixError(folder, "cannot remove", errno);
  }
  MILLRACE_RETURN_IF_ERROR(RemoveContents(fd, folder, 0));
  if (rmdir(folder.c_str()) < 0 && errno != ENOENT) {
    return PosixError(folder, "cannot remove", errno);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::RemoveEmptyFolder(const std::string& folder) {
  if (rmdir(folder.c_str()) < 0) {
    const int error = errno == EEXIST ? ENOTEMPTY : errno;
    return PosixError(folder, "cannot remove the folder", error);
  }
  return absl::OkStatus();
}

// File systems with a log (ext4, XFS, Btrfs) write the creation of the folder with its content, and
// NFS servers keep no change of names to themselves: the folders above need no sync of their own.
absl::Status PosixFileSystem::SyncFolder(const std::string& folder) {
  Descriptor fd = Open(folder, O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return PosixError(folder, "cannot sync", errno);
  // Some network file systems have no sync of folders: their folders are durable at once.
  if (RetryOnSignal([&] { return fsync(fd.get()); }) < 0 && errno != EINVAL) {
    return PosixError(folder, "cannot sync", errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> PosixFileSystem::FreeBytes(const std::string& path) {
  struct statvfs space;
  if (RetryOnSignal([&] { return statvfs(path.c_str(), &space); }) < 0) {
    return PosixError(path, "cannot ask for free space", errno);
  }
  return uint64_t{space.f_bavail} * space.f_frsize;
}

std::unique_ptr<FileLock> PosixFileSystem::CreateLocked(const std::string& path) {
  // Nobody sees it by its name before it is locked.
  const std::string temporary = TemporaryName(path);
  std::unique_ptr<FileLock> lock = Lock(Open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  if (lock == nullptr) return nullptr;
  const bool is_new = link(temporary.c_str(), path.c_str()) == 0;
  unlink(temporary.c_str());
  return is_new ? std::move(lock) : nullptr;
}

std::unique_ptr<FileLock> PosixFileSystem::LockExisting(const std::string& path) {
  return Lock(Open(path, O_WRONLY | O_NOFOLLOW));
}

absl::StatusOr<std::string> PosixFileSystem::RealPath(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), free);
  if (real == nullptr) return PosixError(path, "cannot resolve", errno);
  return std::string(real.get());
}

}  // namespace millrace
