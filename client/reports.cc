#include "client/reports.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/summary.h"
#include "mapreduce/status_macros.h"
#include "rpc/view_json.h"
#include "storage/paths.h"

namespace millrace {
namespace {

absl::Status WriteText(FileSystem& fs, const std::string& path, const std::string& text) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.OpenForWriting(path));
  MILLRACE_RETURN_IF_ERROR(file->Append(text));
  return file->Close();
}

absl::Status CheckFolder(FileSystem& fs, const char* flag, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  const absl::StatusOr<FileInfo> folder = fs.Stat(FolderOf(path));
  if (folder.ok() && folder->kind == FileKind::kFolder) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, "=", path, ": there is no folder ", FolderOf(path), " to write it to"));
}

}  // namespace

absl::Status WriteReports(FileSystem& fs, const JobOptions& options, const JobView& view,
                          const std::vector<AttemptView>& attempts) {
  if (!options.summary_json.empty()) {
    MILLRACE_RETURN_IF_ERROR(WriteText(fs, options.summary_json, JobJson(view) + "\n"));
  }
  if (!options.joblog.empty()) {
    MILLRACE_RETURN_IF_ERROR(WriteText(fs, options.joblog, JobLogText(attempts)));
  }
  return absl::OkStatus();
}

absl::Status CheckReportPaths(FileSystem& fs, const JobOptions& options) {
  MILLRACE_RETURN_IF_ERROR(CheckFolder(fs, "--summary_json", options.summary_json));
  return CheckFolder(fs, "--joblog", options.joblog);
}

}  // namespace millrace
