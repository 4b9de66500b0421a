#include "storage/output_check.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr uint64_t kNonceBytesMax = 4096;

// What is there of the way to the output folder.
struct Place {
  std::string existing;  // the output folder, or the nearest folder above it that exists
  std::string real;      // the output folder without links
  bool exists = false;   // the output folder itself
};

absl::StatusOr<Place> FindPlace(FileSystem& fs, const std::string& output) {
  Place place;
  place.existing = output;
  while (true) {
    absl::StatusOr<FileInfo> info = fs.Stat(place.existing);
    if (info.ok() && info->kind != FileKind::kFolder) {
      return absl::FailedPreconditionError(place.existing +
                                           " is not a folder; choose another name");
    }
    if (info.ok()) break;
    if (!absl::IsNotFound(info.status()) || place.existing == "/") return info.status();
    place.existing = FolderOf(place.existing);
  }
  place.exists = place.existing == output;
  MILLRACE_ASSIGN_OR_RETURN(place.real, fs.RealPath(place.existing));
  if (!place.exists) {
    place.real = AbsolutePath(place.real, "./" + output.substr(place.existing.size()));
  }
  return place;
}

absl::Status CheckNotInsideInput(FileSystem& fs, const OutputRequest& request,
                                 const std::string& real_output) {
  for (const std::string& folder : request.input_folders) {
    MILLRACE_ASSIGN_OR_RETURN(std::string real, fs.RealPath(folder));
    if (!IsInside(real_output, real)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("lies inside the input folder ", folder,
                     ", so that the next run would read it; choose a folder elsewhere"));
  }
  return absl::OkStatus();
}

absl::Status CheckHoldsNoInput(FileSystem& fs, const OutputRequest& request,
                               const std::string& real_output) {
  std::set<std::string> folders;  // input files are many, their folders few
  for (const InputFile& file : request.inputs) {
    std::string folder = FolderOf(file.path);
    if (!folders.insert(folder).second) continue;
    MILLRACE_ASSIGN_OR_RETURN(std::string real, fs.RealPath(folder));
    if (!IsInside(real, real_output)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("holds the input file ", file.path, "; choose another folder"));
  }
  return absl::OkStatus();
}

absl::Status NotEmptyError(const std::vector<std::string>& names) {
  const std::string others =
      names.size() == 1 ? "" : absl::StrCat(" and ", names.size() - 1, " more");
  return absl::AlreadyExistsError(
      absl::StrCat("is not empty (it holds ", names[0], others,
                   "); choose another folder, or pass --overwrite to replace the parts of an "
                   "earlier job when this one succeeds"));
}

// The names in the folder, as far as they keep a job from writing there. Staging is for
// OutputCommitter to judge: it may be of a job that was killed.
absl::StatusOr<std::vector<std::string>> NamesInTheWay(FileSystem& fs, const std::string& output) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(output));
  if (names.size() == 1 && names[0] == BaseName(StagingRoot(output))) names.clear();
  return names;
}

absl::Status CheckWritable(FileSystem& fs, const std::string& folder) {
  const std::string probe = ProbePath(folder);
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs.OpenForWriting(probe);
  if (!file.ok()) {
    return absl::Status(file.status().code(),
                        absl::StrCat("cannot be written: ", file.status().message()));
  }
  file->reset();
  fs.RemoveFile(probe).IgnoreError();  // somebody who asked at the same time was faster
  return absl::OkStatus();
}

absl::Status Check(FileSystem& fs, const OutputRequest& request) {
  MILLRACE_ASSIGN_OR_RETURN(Place place, FindPlace(fs, request.output));
  MILLRACE_RETURN_IF_ERROR(CheckNotInsideInput(fs, request, place.real));
  if (place.exists) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, NamesInTheWay(fs, request.output));
    if (!names.empty() && !request.overwrite) return NotEmptyError(names);
    if (!names.empty()) MILLRACE_RETURN_IF_ERROR(CheckHoldsNoInput(fs, request, place.real));
  }
  return request.try_writing ? CheckWritable(fs, place.existing) : absl::OkStatus();
}

absl::Status CheckKeep(FileSystem& fs, const std::string& keep, const OutputRequest& request) {
  MILLRACE_ASSIGN_OR_RETURN(const Place place, FindPlace(fs, keep));
  MILLRACE_RETURN_IF_ERROR(CheckNotInsideInput(fs, request, place.real));
  MILLRACE_ASSIGN_OR_RETURN(const Place output, FindPlace(fs, request.output));
  if (IsInside(place.real, output.real)) {
    return absl::InvalidArgumentError(absl::StrCat("lies inside the output folder ", request.output,
                                                   "; choose a folder elsewhere"));
  }
  return CheckWritable(fs, place.existing);
}

}  // namespace

absl::Status CheckOutput(FileSystem& fs, const OutputRequest& request) {
  absl::Status status = Check(fs, request);
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("output \"", request.output, "\" ", status.message()));
}

absl::Status CheckKeepFolder(FileSystem& fs, const std::string& keep,
                             const OutputRequest& request) {
  absl::Status status = CheckKeep(fs, keep, request);
  if (status.ok()) return status;
  // What the file system says begins with the path.
  const std::string subject = absl::StartsWith(status.message(), keep) ? "" : keep + " ";
  return absl::Status(status.code(),
                      absl::StrCat("--keep_intermediate=", subject, status.message()));
}

absl::Status CheckOutputVisible(FileSystem& fs, const std::string& nonce_path,
                                const std::string& nonce) {
  absl::StatusOr<std::string> found = ReadFile(fs, nonce_path, kNonceBytesMax);
  if (found.ok() && *found == nonce) return absl::OkStatus();
  const std::string what =
      found.ok() ? "another file lies there" : std::string(found.status().message());
  return absl::FailedPreconditionError(
      absl::StrCat("this host does not see the output folder of the job (", nonce_path, ": ", what,
                   "); put the output on a file system that all hosts share"));
}

}  // namespace millrace
