#include "storage/paths.h"

#include <cctype>

namespace millrace {
namespace {

constexpr char kStagingName[] = "_millrace";
constexpr char kManifestName[] = "_SUCCESS";
constexpr char kBinariesName[] = "binaries";
constexpr char kPartPrefix[] = "part-";
constexpr char kPartInfix[] = "-of-";
// Enough for the most parts that a job may have, and byte order of names is order of parts.
constexpr size_t kIndexDigits = 5;

std::string FiveDigits(uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() >= kIndexDigits) return digits;
  return std::string(kIndexDigits - digits.size(), '0') + digits;
}

// Takes `prefix` off the front of `text`, if it is there.
bool Consume(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Takes the digits off the front of `text`; a part's number has five or more.
bool ConsumeIndex(std::string_view* text) {
  size_t digits = 0;
  while (digits < text->size() && std::isdigit(static_cast<unsigned char>((*text)[digits]))) {
    ++digits;
  }
  text->remove_prefix(digits);
  return digits >= kIndexDigits;
}

std::string RunName(const TaskId& task, const AttemptId& attempt) {
  return "stage-" + std::to_string(task.stage) + "-task-" + FiveDigits(task.index) + "-" +
         ToString(attempt) + ".run";
}

}  // namespace

std::string JoinPath(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (path.empty() || path.back() != '/') path += '/';
  return path.append(name);
}

std::string FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string AbsolutePath(std::string_view base, std::string_view path) {
  const std::string joined =
      !path.empty() && path[0] == '/' ? std::string(path) : JoinPath(base, path);
  std::string clean;
  size_t begin = 0;
  while (begin < joined.size()) {
    size_t end = joined.find('/', begin);
    if (end == std::string::npos) end = joined.size();
    const std::string_view name = std::string_view(joined).substr(begin, end - begin);
    if (!name.empty() && name != ".") clean.append("/").append(name);
    begin = end + 1;
  }
  return clean.empty() ? "/" : clean;
}

bool IsInside(std::string_view path, std::string_view folder) {
  if (!Consume(folder, &path)) return false;
  return path.empty() || path[0] == '/' || (!folder.empty() && folder.back() == '/');
}

std::string TemporaryName(std::string_view path) {
  return JoinPath(FolderOf(path), "." + std::string(BaseName(path)) + ".tmp");
}

bool IsHiddenName(std::string_view name) {
  return !name.empty() && (name[0] == '_' || name[0] == '.');
}

std::string ScratchJobFolder(std::string_view scratch, JobId job) {
  return JoinPath(scratch, ToString(job));
}

std::string SideFilesFolder(std::string_view scratch, JobId job) {
  return JoinPath(ScratchJobFolder(scratch, job), "files");
}

std::string MapOutputPath(std::string_view scratch, const TaskId& task, const AttemptId& attempt) {
  return JoinPath(ScratchJobFolder(scratch, task.job), RunName(task, attempt));
}

std::string AttemptsFolder(std::string_view scratch) { return JoinPath(scratch, "attempts"); }

std::string AttemptFolder(std::string_view scratch, const AttemptId& attempt) {
  return JoinPath(AttemptsFolder(scratch), ToString(attempt));
}

std::string BinaryCacheFolder(std::string_view scratch) { return JoinPath(scratch, kBinariesName); }

std::string CachedBinaryPath(std::string_view scratch, std::string_view name) {
  return JoinPath(BinaryCacheFolder(scratch), name);
}

std::string JobKey(JobId job, std::string_view cluster_id) {
  return (ToString(job) + "-").append(cluster_id.substr(0, 8));
}

bool IsJobKeyOf(std::string_view name, std::string_view cluster_id) {
  const size_t dash = name.rfind('-');
  return name.substr(0, 4) == "job-" && dash > 4 && dash != std::string_view::npos &&
         name.substr(dash + 1) == cluster_id.substr(0, 8);
}

std::string StagingRoot(std::string_view output) { return JoinPath(output, kStagingName); }

std::string StagingFolder(std::string_view output, std::string_view job_key) {
  return JoinPath(StagingRoot(output), job_key);
}

std::string StagedPartPath(std::string_view output, std::string_view job_key, uint32_t part,
                           const AttemptId& attempt) {
  return JoinPath(StagingFolder(output, job_key),
                  kPartPrefix + FiveDigits(part) + "-" + ToString(attempt));
}

std::string StepPartName(JobId job, uint32_t part) {
  return JoinPath("/" + ToString(job), kPartPrefix + FiveDigits(part));
}

std::string NoncePath(std::string_view output, std::string_view job_key) {
  return JoinPath(StagingFolder(output, job_key), "nonce");
}

std::string MadeFolderPath(std::string_view output, std::string_view job_key) {
  return JoinPath(StagingFolder(output, job_key), "made");
}

std::string StagingLockPath(std::string_view output, std::string_view job_key) {
  return JoinPath(StagingFolder(output, job_key), "alive");
}

std::string KeepNotePath(std::string_view output, std::string_view job_key) {
  return JoinPath(StagingFolder(output, job_key), "keep");
}

std::string PartName(uint32_t index, uint32_t count, std::string_view suffix) {
  return (kPartPrefix + FiveDigits(index) + kPartInfix + FiveDigits(count)).append(suffix);
}

std::string PartPath(std::string_view output, uint32_t index, uint32_t count,
                     std::string_view suffix) {
  return JoinPath(output, PartName(index, count, suffix));
}

bool IsPartName(std::string_view name) {
  return Consume(kPartPrefix, &name) && ConsumeIndex(&name) && Consume(kPartInfix, &name) &&
         ConsumeIndex(&name) && (name.empty() || name == kZstdSuffix);
}

std::string ProbePath(std::string_view folder) { return JoinPath(folder, ".millrace-probe"); }

std::string ManifestPath(std::string_view output) { return JoinPath(output, kManifestName); }

std::string SkippedPath(std::string_view output) { return JoinPath(output, "_skipped"); }

std::string KeptFolder(std::string_view keep, std::string_view job_key) {
  return JoinPath(keep, (std::string(kStagingName) + "-").append(job_key));
}

std::string KeptOutputPath(std::string_view kept_folder, const TaskId& task,
                           const AttemptId& attempt) {
  return JoinPath(kept_folder, RunName(task, attempt));
}

std::string KeptNoncePath(std::string_view kept_folder) { return JoinPath(kept_folder, "nonce"); }

std::string JournalPath(std::string_view state_dir) { return JoinPath(state_dir, "journal.db"); }

std::string LockPath(std::string_view state_dir) { return JoinPath(state_dir, "lock"); }

std::string ClusterIdPath(std::string_view state_dir) { return JoinPath(state_dir, "cluster_id"); }

std::string UploadedBinariesFolder(std::string_view state_dir) {
  return JoinPath(state_dir, kBinariesName);
}

std::string UploadedBinaryPath(std::string_view state_dir, std::string_view sha256) {
  return JoinPath(UploadedBinariesFolder(state_dir), sha256);
}

}  // namespace millrace
