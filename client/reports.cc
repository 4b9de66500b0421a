#include "client/reports.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/output_parts.h"
#include "client/summary.h"
#include "mapreduce/status_macros.h"
#include "rpc/view_json.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr char kMergedFlag[] = "--output_merged";

absl::Status WriteText(FileSystem& fs, const std::string& path, const std::string& text) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.OpenForWriting(path));
  MILLRACE_RETURN_IF_ERROR(file->Append(text));
  return file->Close();
}

absl::Status WriteMerged(FileSystem& fs, const std::string& path, const JobView& view) {
  const PublishedOutput output{view.output_folder, view.output_key};
  const absl::Status merged = MergeParts(fs, output, path);
  if (merged.ok()) return absl::OkStatus();
  return absl::Status(merged.code(), absl::StrCat("the job has succeeded, but ", kMergedFlag, "=",
                                                  path, " cannot be made: ", merged.message()));
}

absl::Status Unusable(const char* flag, const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(flag, "=", path, ": ", why));
}

absl::Status CheckFolderOf(FileSystem& fs, const char* flag, const std::string& path) {
  const absl::StatusOr<FileInfo> folder = fs.Stat(FolderOf(path));
  if (folder.ok() && folder->kind == FileKind::kFolder) return absl::OkStatus();
  return Unusable(flag, path,
                  absl::StrCat("there is no folder ", FolderOf(path), " to write it to"));
}

// `present`: what is there.
absl::Status CheckPresent(const char* flag, const std::string& path, const FileInfo& present) {
  if (present.kind == FileKind::kFolder) return Unusable(flag, path, "is a folder; name a file");
  const bool refused = access(path.c_str(), W_OK) != 0 && errno != ENOENT;
  return refused ? Unusable(flag, path, "this file cannot be written; name another")
                 : absl::OkStatus();
}

// An older report stays as it is until the new one is written, and no empty one is left.
absl::Status CheckPath(FileSystem& fs, const char* flag, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(CheckFolderOf(fs, flag, path));
  const absl::StatusOr<FileInfo> present = fs.Stat(path);
  if (present.ok()) return CheckPresent(flag, path, *present);
  const absl::Status made = fs.OpenForWriting(path).status();
  if (!made.ok()) return absl::InvalidArgumentError(absl::StrCat(flag, ": ", made.message()));
  return fs.RemoveFile(path);
}

bool IsLink(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

// Unlike the others it is not written where it is, but beside that, and then gets the name.
absl::Status CheckMergedPath(FileSystem& fs, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(CheckFolderOf(fs, kMergedFlag, path));
  const absl::StatusOr<FileInfo> present = fs.Stat(path);
  if (present.ok()) MILLRACE_RETURN_IF_ERROR(CheckPresent(kMergedFlag, path, *present));
  if (present.ok() && present->kind != FileKind::kRegular) {
    return Unusable(kMergedFlag, path,
                    "is no regular file, and would be replaced by one; `millrace cat ID` prints "
                    "the output of a job, and so does cat with its parts");
  }
  if (!present.ok() && IsLink(path)) {
    return Unusable(kMergedFlag, path, "is a link to a file that is not there; name that file");
  }
  const absl::Status tried = TryMerging(fs, path);
  if (tried.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(kMergedFlag, ": ", tried.message()));
}

bool IsSameFile(FileSystem& fs, const FileInfo& file, const InputFile& input) {
  // Links to one file agree in both: most inputs need no further look.
  if (input.size != file.size || input.mtime_ns != file.mtime_ns) return false;
  const absl::StatusOr<FileInfo> info = fs.Stat(input.path);
  return info.ok() && info->device == file.device && info->inode == file.inode;
}

absl::Status CheckSparesInput(FileSystem& fs, const char* flag, const std::string& path,
                              const InputList& inputs) {
  if (path.empty()) return absl::OkStatus();
  const absl::StatusOr<FileInfo> present = fs.Stat(path);
  if (!present.ok()) return absl::OkStatus();  // a new file
  for (const std::vector<InputFile>* files : {&inputs.files, &inputs.lists}) {
    for (const InputFile& input : *files) {
      if (!IsSameFile(fs, *present, input)) continue;
      return Unusable(flag, path,
                      absl::StrCat("is an input file of this job",
                                   input.path == path ? "" : absl::StrCat(" (", input.path, ")"),
                                   ", which the report would replace; name another"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteReports(FileSystem& fs, const JobOptions& options, const JobView& view,
                          const std::vector<AttemptView>& attempts) {
  absl::Status first;
  if (!options.summary_json.empty()) {
    first.Update(WriteText(fs, options.summary_json, JobJson(view) + "\n"));
  }
  if (!options.joblog.empty()) {
    first.Update(WriteText(fs, options.joblog, JobLogText(attempts)));
  }
  if (!options.output_merged.empty() && view.state == JobState::kSucceeded) {
    first.Update(WriteMerged(fs, options.output_merged, view));
  }
  return first;
}

absl::Status CheckReportPaths(FileSystem& fs, const JobOptions& options) {
  MILLRACE_RETURN_IF_ERROR(CheckMergedPath(fs, options.output_merged));
  MILLRACE_RETURN_IF_ERROR(CheckPath(fs, "--summary_json", options.summary_json));
  return CheckPath(fs, "--joblog", options.joblog);
}

absl::Status CheckReportsSpareInput(FileSystem& fs, const JobOptions& options,
                                    const InputList& inputs) {
  MILLRACE_RETURN_IF_ERROR(CheckSparesInput(fs, kMergedFlag, options.output_merged, inputs));
  MILLRACE_RETURN_IF_ERROR(CheckSparesInput(fs, "--summary_json", options.summary_json, inputs));
  return CheckSparesInput(fs, "--joblog", options.joblog, inputs);
}

}  // namespace millrace
