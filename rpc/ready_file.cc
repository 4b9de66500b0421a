#include "rpc/ready_file.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// How every ready file begins.
constexpr char kFront[] = "{\"pid\": ";

// Whether it may be replaced.
bool IsEmptyOrReadyFile(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs.OpenForReading(path);
  if (!file.ok()) return false;
  std::string front(sizeof(kFront) - 1, '\0');
  const absl::StatusOr<size_t> length = (*file)->Read(0, front.size(), front.data());
  return length.ok() && (*length == 0 || front == kFront);
}

// Whether a file could be put at `path`; a message begins with the path that is wrong.
absl::Status CheckPlace(FileSystem& fs, const std::string& path) {
  const std::string folder = FolderOf(path);
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(folder));
  if (info.kind != FileKind::kFolder) {
    return absl::FailedPreconditionError(absl::StrCat(folder, ": is no folder"));
  }
  const absl::StatusOr<FileInfo> in_the_way = fs.Stat(path);
  if (in_the_way.ok() && in_the_way->kind != FileKind::kRegular) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": is there, and no regular file"));
  }
  if (in_the_way.ok() && !IsEmptyOrReadyFile(fs, path)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": is there, and not the ready file of an earlier start, so it is not replaced"));
  }
  return AtomicFile::Create(fs, path).status();  // which leaves nothing
}

}  // namespace

ReadyFile::~ReadyFile() {
  if (written_.empty()) return;
  const absl::StatusOr<std::string> found = ReadFile(fs_, path_, written_.size());
  if (found.ok() && *found == written_) fs_.RemoveFile(path_).IgnoreError();
}

absl::Status ReadyFile::Check() {
  if (path_.empty()) return absl::OkStatus();
  absl::Status place = CheckPlace(fs_, path_);
  if (place.ok()) return place;
  return absl::InvalidArgumentError(
      absl::StrCat("--ready_file: ", place.message(),
                   "; name a file in a folder that exists and that this user may write to"));
}

absl::Status ReadyFile::RemoveStale() {
  if (path_.empty()) return absl::OkStatus();
  const absl::Status removed = fs_.RemoveFile(path_);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::Status ReadyFile::Write(std::string_view json) {
  if (path_.empty()) return absl::OkStatus();
  const std::string line = std::string(json) + "\n";
  MILLRACE_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(fs_, path_));
  MILLRACE_RETURN_IF_ERROR(file->Append(line));
  MILLRACE_RETURN_IF_ERROR(file->Commit(AtomicFile::kNotDurable));
  written_ = line;
  return absl::OkStatus();
}

}  // namespace millrace
