#include "storage/file_system.h"

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"

namespace millrace {
absl::Status NoSpaceError(const std::string& path, uint64_t bytes_needed, uint64_t bytes_free) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": no space left: needs ", bytes_needed, " bytes, ", bytes_free,
                   " are free; free some space or choose a folder on another file system"));
}

absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path, uint64_t max_bytes) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForReading(path));
  if (file->size() > max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": has ", file->size(),
                                                     " bytes, more than the ", max_bytes,
                                                     " that are read at once"));
  }
  std::string content(file->size(), '\0');
  MILLRACE_ASSIGN_OR_RETURN(size_t length, file->Read(0, content.size(), content.data()));
  content.resize(length);
  return content;
}

absl::Status WriteFileAtomically(FileSystem& fs, const std::string& path,
                                 std::string_view content) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file, AtomicFile::Create(fs, path));
  MILLRACE_RETURN_IF_ERROR(file->Append(content));
  return file->Commit(AtomicFile::kDurable);
}

}  // namespace millrace
