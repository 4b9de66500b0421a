#include "tests/sim/process_file_system.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace::sim {
namespace {

absl::Status Dead() { return absl::UnavailableError("the process has been killed"); }

}  // namespace

// Writes as long as its process lives; a write in which it dies leaves the first half.
class ProcessFileSystem::WatchedFile final : public WritableFile {
 public:
  WatchedFile(Life& life, std::unique_ptr<WritableFile> file)
      : life_(life), file_(std::move(file)) {}

  absl::Status Append(std::string_view data) override {
    if (!life_.alive()) return Dead();
    if (life_.Step()) return file_->Append(data);
    return file_->Append(data.substr(0, data.size() / 2)).ok() ? Dead() : Dead();
  }
  absl::Status Sync() override { return life_.Step() ? file_->Sync() : Dead(); }
  absl::Status Close() override { return life_.alive() ? file_->Close() : Dead(); }

 private:
  Life& life_;
  std::unique_ptr<WritableFile> file_;
};

FileSystem& ProcessFileSystem::DiskOf(const std::string& path) {
  return IsInside(path, kSharedFolder) ? shared_disk_ : host_disk_;
}

absl::Status ProcessFileSystem::MayLook() const {
  return life_.alive() ? absl::OkStatus() : Dead();
}

absl::Status ProcessFileSystem::MayChange() { return life_.Step() ? absl::OkStatus() : Dead(); }

absl::StatusOr<std::unique_ptr<ReadableFile>> ProcessFileSystem::OpenForReading(
    const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayLook());
  return DiskOf(path).OpenForReading(path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> ProcessFileSystem::OpenForWriting(
    const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  if (watcher_ != nullptr) watcher_->OnOpenedForWriting(life_.name(), path);
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, DiskOf(path).OpenForWriting(path));
  return std::unique_ptr<WritableFile>(std::make_unique<WatchedFile>(life_, std::move(file)));
}

absl::StatusOr<FileInfo> ProcessFileSystem::Stat(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayLook());
  return DiskOf(path).Stat(path);
}

absl::StatusOr<std::vector<std::string>> ProcessFileSystem::List(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(MayLook());
  return DiskOf(folder).List(folder);
}

absl::Status ProcessFileSystem::CreateFolders(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  return DiskOf(folder).CreateFolders(folder);
}

absl::Status ProcessFileSystem::Rename(const std::string& from, const std::string& to) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  if (&DiskOf(from) != &DiskOf(to)) {
    return absl::FailedPreconditionError(absl::StrCat(from, " and ", to, " are on two disks"));
  }
  absl::Status renamed = DiskOf(to).Rename(from, to);
  if (renamed.ok() && watcher_ != nullptr) watcher_->OnRenamed(life_.name(), to);
  return renamed;
}

absl::Status ProcessFileSystem::RemoveFile(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  if (watcher_ != nullptr) watcher_->OnRemoved(life_.name(), path);
  return DiskOf(path).RemoveFile(path);
}

absl::Status ProcessFileSystem::RemoveTree(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  if (watcher_ != nullptr) watcher_->OnRemoved(life_.name(), folder);
  return DiskOf(folder).RemoveTree(folder);
}

absl::Status ProcessFileSystem::RemoveEmptyFolder(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  return DiskOf(folder).RemoveEmptyFolder(folder);
}

absl::Status ProcessFileSystem::SyncFolder(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(MayChange());
  return DiskOf(folder).SyncFolder(folder);
}

absl::StatusOr<uint64_t> ProcessFileSystem::FreeBytes(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayLook());
  return DiskOf(path).FreeBytes(path);
}

absl::StatusOr<std::string> ProcessFileSystem::RealPath(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(MayLook());
  return DiskOf(path).RealPath(path);
}

}  // namespace millrace::sim
