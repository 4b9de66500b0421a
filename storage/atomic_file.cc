#include "storage/atomic_file.h"

#include <utility>

#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {

AtomicFile::AtomicFile(FileSystem& fs, const std::string& path)
    : fs_(fs), path_(path), temporary_path_(TemporaryName(path)) {}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(FileSystem& fs,
                                                               const std::string& path) {
  std::unique_ptr<AtomicFile> file(new AtomicFile(fs, path));  // the constructor is private
  MILLRACE_ASSIGN_OR_RETURN(file->file_, fs.OpenForWriting(file->temporary_path_));
  return file;
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;  // never created, or complete
  file_.reset();
  fs_.RemoveFile(temporary_path_).IgnoreError();  // the error that led here says more
}

absl::Status AtomicFile::Append(std::string_view data) {
  if (file_ == nullptr) return absl::FailedPreconditionError(path_ + ": is already complete");
  MILLRACE_RETURN_IF_ERROR(file_->Append(data));
  size_ += data.size();
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit(Durability durability) {
  if (file_ == nullptr) return absl::FailedPreconditionError(path_ + ": is already complete");
  if (durability == kDurable) MILLRACE_RETURN_IF_ERROR(file_->Sync());
  MILLRACE_RETURN_IF_ERROR(file_->Close());
  MILLRACE_RETURN_IF_ERROR(fs_.Rename(temporary_path_, path_));
  file_.reset();
  if (durability == kDurable) return fs_.SyncFolder(FolderOf(path_));
  return absl::OkStatus();
}

}  // namespace millrace
