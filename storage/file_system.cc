#include "storage/file_system.h"

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {
namespace {

absl::Status WriteDurably(FileSystem& fs, const std::string& path, std::string_view content) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.OpenForWriting(path));
  MILLRACE_RETURN_IF_ERROR(file->Append(content));
  MILLRACE_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

}  // namespace

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
  const std::string temporary = TemporaryName(path);
  absl::Status written = WriteDurably(fs, temporary, content);
  if (written.ok()) written = fs.Rename(temporary, path);
  if (!written.ok()) {
    fs.RemoveFile(temporary).IgnoreError();  // the first error says more
    return written;
  }
  return fs.SyncFolder(FolderOf(path));
}

}  // namespace millrace
