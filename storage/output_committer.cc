#include "storage/output_committer.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"
#include "storage/failpoint.h"
#include "storage/output_manifest.h"
#include "storage/paths.h"
#include "storage/skipped_records.h"

namespace millrace {
namespace {

constexpr uint64_t kNonceBytesMax = 4096;
constexpr uint64_t kPathBytesMax = 4096;
constexpr uint64_t kManifestBytesMax = 64 << 20;  // 99,999 parts need 10 MB
constexpr size_t kReadBytes = 1 << 20;

absl::Status About(const std::string& output, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("output \"", output, "\": ", status.message()));
}

// Fine when it is not there.
absl::Status RemoveFileIfThere(FileSystem& fs, const std::string& path) {
  absl::Status status = fs.RemoveFile(path);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<Digest> DigestOfFile(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForReading(path));
  std::string buffer(kReadBytes, '\0');
  DigestStream digest;
  for (uint64_t offset = 0; offset < file->size();) {
    MILLRACE_ASSIGN_OR_RETURN(size_t n, file->Read(offset, buffer.size(), buffer.data()));
    if (n == 0) break;
    digest.Update(std::string_view(buffer).substr(0, n));
    offset += n;
  }
  return digest.Finish();
}

absl::Status WriteUnsynced(FileSystem& fs, const std::string& path, const std::string& content) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file, AtomicFile::Create(fs, path));
  MILLRACE_RETURN_IF_ERROR(file->Append(content));
  return file->Commit(AtomicFile::kNotDurable);
}

std::string FinalPath(const PublishPlan& plan, uint32_t part) {
  return PartPath(plan.output, part, plan.parts.size(), plan.part_suffix);
}

std::string StagedPath(const PublishPlan& plan, uint32_t part) {
  return StagedPartPath(plan.output, plan.job_key, part, plan.parts[part].attempt);
}

absl::Status At(Failpoint place, const PublishPlan& plan) {
  return CheckFailpoint(place, [&]() { return "job=" + plan.job_key; });
}

}  // namespace

absl::StatusOr<std::string> OutputCommitter::Stage(const StagingPlan& plan) {
  absl::StatusOr<std::string> earlier =
      ReadFile(fs_, NoncePath(plan.output, plan.job_key), kNonceBytesMax);
  if (earlier.ok() && !earlier->empty()) return earlier;  // empty: cut off by a crash
  StagingPlan complete = plan;
  if (complete.topmost_missing.empty()) {
    absl::StatusOr<std::string> topmost = TopmostMissing(plan.output);
    if (!topmost.ok()) return About(plan.output, topmost.status());
    complete.topmost_missing = *std::move(topmost);
  }
  absl::Status made = MakeStaging(complete);
  if (made.ok()) return plan.nonce;
  RemoveStaging(plan.output, plan.job_key).IgnoreError();  // the first error says more
  RemoveMadeFolders(plan.output, complete.topmost_missing).IgnoreError();
  return About(plan.output, made);
}

absl::Status OutputCommitter::MakeStaging(const StagingPlan& plan) {
  MILLRACE_RETURN_IF_ERROR(fs_.CreateFolders(StagingFolder(plan.output, plan.job_key)));
  if (!plan.topmost_missing.empty()) {
    MILLRACE_RETURN_IF_ERROR(
        WriteUnsynced(fs_, MadeFolderPath(plan.output, plan.job_key), plan.topmost_missing));
  }
  // The nonce comes last: where it is, the rest is.
  return WriteUnsynced(fs_, NoncePath(plan.output, plan.job_key), plan.nonce);
}

absl::Status OutputCommitter::Keep(const std::string& output, const std::string& job_key,
                                   const std::string& keep) {
  const std::string folder = KeptFolder(keep, job_key);
  const auto make = [&]() -> absl::Status {
    const absl::Status seen = fs_.Stat(keep).status();
    if (absl::IsNotFound(seen)) {
      return absl::NotFoundError(
          "the master's host does not have this folder, though the client's has it: is the shared "
          "folder mounted there?");
    }
    MILLRACE_RETURN_IF_ERROR(seen);
    MILLRACE_ASSIGN_OR_RETURN(const std::string nonce,
                              ReadFile(fs_, NoncePath(output, job_key), kNonceBytesMax));
    // The note comes first: what it names is removed, whether or not it was made.
    MILLRACE_RETURN_IF_ERROR(WriteUnsynced(fs_, KeepNotePath(output, job_key), keep));
    MILLRACE_RETURN_IF_ERROR(fs_.CreateFolders(folder));
    return WriteUnsynced(fs_, KeptNoncePath(folder), nonce);
  };
  const absl::Status made = make();
  if (made.ok()) return absl::OkStatus();
  return absl::Status(made.code(),
                      absl::StrCat("--keep_intermediate=", keep, ": ", made.message()));
}

absl::StatusOr<std::string> OutputCommitter::TopmostMissing(const std::string& folder) {
  std::string missing;
  std::string path = folder;
  while (true) {
    absl::Status status = fs_.Stat(path).status();
    if (status.ok()) return missing;
    if (!absl::IsNotFound(status) || path == "/") return status;
    missing = path;
    path = FolderOf(path);
  }
}

std::unique_ptr<FileLock> OutputCommitter::HoldStaging(const std::string& output,
                                                       const std::string& job_key) {
  return fs_.CreateLocked(StagingLockPath(output, job_key));
}

void OutputCommitter::RemoveAbandoned(const std::string& output) {
  const absl::StatusOr<std::vector<std::string>> jobs = fs_.List(StagingRoot(output));
  if (!jobs.ok()) return;  // mostly because there is none
  for (const std::string& job_key : *jobs) {
    const std::unique_ptr<FileLock> lock = fs_.LockExisting(StagingLockPath(output, job_key));
    // Null: it was never held, or its process lives.
    if (lock != nullptr) RemoveDead(output, job_key);
  }
}

void OutputCommitter::RemoveUnknown(const std::string& output, std::string_view cluster_id,
                                    const std::map<std::string, std::string>& unfinished) {
  const absl::StatusOr<std::vector<std::string>> jobs = fs_.List(StagingRoot(output));
  if (!jobs.ok()) return;
  for (const std::string& job_key : *jobs) {
    if (!IsJobKeyOf(job_key, cluster_id)) continue;
    const auto job = unfinished.find(job_key);
    if (job != unfinished.end() && IsSameFolder(job->second, output)) continue;
    RemoveDead(output, job_key);
  }
}

bool OutputCommitter::IsSameFolder(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const absl::StatusOr<std::string> real_a = fs_.RealPath(a);
  const absl::StatusOr<std::string> real_b = fs_.RealPath(b);
  return real_a.ok() && real_b.ok() && *real_a == *real_b;
}

absl::Status OutputCommitter::CheckNoOtherJob(const std::string& output,
                                              const std::set<std::string>& own) {
  const absl::StatusOr<std::vector<std::string>> jobs = fs_.List(StagingRoot(output));
  if (!jobs.ok()) return About(output, jobs.status());
  for (const std::string& job_key : *jobs) {
    if (own.count(job_key) > 0) continue;
    return About(output, absl::AlreadyExistsError(
                             absl::StrCat(job_key,
                                          " writes there; wait for it, cancel it or choose another "
                                          "folder (if its cluster is gone for good, remove ",
                                          StagingFolder(output, job_key), ")")));
  }
  return absl::OkStatus();
}

void OutputCommitter::RemoveDead(const std::string& output, const std::string& job_key) {
  const absl::StatusOr<std::string> topmost_made =
      ReadFile(fs_, MadeFolderPath(output, job_key), kPathBytesMax);
  const absl::Status removed = RemoveStaging(output, job_key);
  if (!removed.ok()) {
    LOG(WARNING) << "a job that is gone has left something behind, which is tried again for the "
                    "next job with this output folder: "
                 << About(output, removed);
    return;
  }
  RemoveMadeFolders(output, topmost_made.value_or("")).IgnoreError();
  LOG(INFO) << "removed what a job that is gone had staged: " << StagingFolder(output, job_key);
}

absl::Status OutputCommitter::PublishJob(const PublishPlan& plan) {
  return About(plan.output, Publish(plan));
}

absl::Status OutputCommitter::Publish(const PublishPlan& plan) {
  // All of it, not its key alone: a master whose journal was lost gives its numbers again.
  const absl::StatusOr<std::string> manifest =
      ReadFile(fs_, ManifestPath(plan.output), kManifestBytesMax);
  if (!manifest.ok() && !absl::IsNotFound(manifest.status())) return manifest.status();
  if (!manifest.ok() || *manifest != ManifestOf(plan)) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<uint32_t> parts, PartsToRename(plan));
    if (plan.overwrite) MILLRACE_RETURN_IF_ERROR(RemoveOlderOutput(plan));
    MILLRACE_RETURN_IF_ERROR(RenameParts(plan, parts));
    MILLRACE_RETURN_IF_ERROR(WriteSkipped(plan));
    // The parts must be on disk before the manifest says that they are.
    MILLRACE_RETURN_IF_ERROR(fs_.SyncFolder(plan.output));
    MILLRACE_RETURN_IF_ERROR(At(Failpoint::kPublishBeforeSuccess, plan));
    MILLRACE_RETURN_IF_ERROR(WriteFileAtomically(fs_, ManifestPath(plan.output), ManifestOf(plan)));
    const absl::Status late = At(Failpoint::kPublishAfterSuccess, plan);
    // The output is complete: nothing that happens from here on can make it otherwise.
    LOG_IF(WARNING, !late.ok()) << plan.job_key << ": is published all the same: " << late;
  }
  absl::Status removed = RemoveStaging(plan.output, plan.job_key);
  // The output is complete and readers skip the folder: not worth failing a job for.
  LOG_IF(WARNING, !removed.ok()) << plan.job_key
                                 << ": is published, but cannot remove what it had staged, please "
                                    "do: "
                                 << About(plan.output, removed);
  return absl::OkStatus();
}

absl::Status OutputCommitter::RenameParts(const PublishPlan& plan,
                                          const std::vector<uint32_t>& parts) {
  Failpoint place = Failpoint::kPublishBegin;
  for (uint32_t part : parts) {
    MILLRACE_RETURN_IF_ERROR(At(place, plan));
    MILLRACE_RETURN_IF_ERROR(fs_.Rename(StagedPath(plan, part), FinalPath(plan, part)));
    place = Failpoint::kPublishBetweenRenames;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> OutputCommitter::IsPublished(const PublishPlan& plan) {
  absl::StatusOr<std::string> manifest =
      ReadFile(fs_, ManifestPath(plan.output), kManifestBytesMax);
  if (manifest.ok()) return IsManifestOf(*manifest, plan.job_key);
  if (absl::IsNotFound(manifest.status())) return false;
  return manifest.status();
}

// Verifies every part, and returns those that do not have their final name yet.
absl::StatusOr<std::vector<uint32_t>> OutputCommitter::PartsToRename(const PublishPlan& plan) {
  if (!plan.overwrite && fs_.Stat(ManifestPath(plan.output)).ok()) {
    return absl::AlreadyExistsError("another job has published there while this one ran");
  }
  std::vector<uint32_t> parts;
  for (uint32_t part = 0; part < plan.parts.size(); ++part) {
    MILLRACE_ASSIGN_OR_RETURN(bool must_rename, MustRename(plan, part));
    if (must_rename) parts.push_back(part);
  }
  return parts;
}

absl::StatusOr<bool> OutputCommitter::MustRename(const PublishPlan& plan, uint32_t part) {
  const std::string path = StagedPath(plan, part);
  const uint64_t bytes = plan.parts[part].bytes;
  absl::StatusOr<FileInfo> staged = fs_.Stat(path);
  if (absl::IsNotFound(staged.status())) {
    MILLRACE_ASSIGN_OR_RETURN(bool in_place, IsInPlace(plan, part));
    if (in_place) return false;
    return absl::DataLossError(path + ": this finished part is gone; run the job again");
  }
  if (!staged.ok()) return staged.status();
  if (staged->size != bytes) {
    return absl::DataLossError(absl::StrCat(
        path, ": has ", staged->size, " bytes, but its task wrote ", bytes, "; run the job again"));
  }
  if (plan.overwrite || !fs_.Stat(FinalPath(plan, part)).ok()) return true;
  // After a crash of the host the same file may be seen under both names.
  MILLRACE_ASSIGN_OR_RETURN(bool in_place, IsInPlace(plan, part));
  if (in_place) return false;
  return absl::AlreadyExistsError(FinalPath(plan, part) +
                                  ": was put there by another job while this one ran");
}

// Whether the part has its final name already. An older job's part of the same name may be as long,
// so the content decides. Only asked after a kill or an error.
absl::StatusOr<bool> OutputCommitter::IsInPlace(const PublishPlan& plan, uint32_t part) {
  const std::string path = FinalPath(plan, part);
  absl::StatusOr<FileInfo> info = fs_.Stat(path);
  if (absl::IsNotFound(info.status())) return false;
  if (!info.ok()) return info.status();
  if (info->size != plan.parts[part].bytes) return false;
  MILLRACE_ASSIGN_OR_RETURN(Digest digest, DigestOfFile(fs_, path));
  return digest == plan.parts[part].digest;
}

// Removes the parts of an older job that this one does not replace.
absl::Status OutputCommitter::RemoveOlderOutput(const PublishPlan& plan) {
  const std::string manifest = ManifestPath(plan.output);
  if (fs_.Stat(manifest).ok()) {
    // First and for good: a crash must not bring it back beside other parts.
    MILLRACE_RETURN_IF_ERROR(fs_.RemoveFile(manifest));
    MILLRACE_RETURN_IF_ERROR(fs_.SyncFolder(plan.output));
  }
  MILLRACE_RETURN_IF_ERROR(RemoveFileIfThere(fs_, SkippedPath(plan.output)));
  std::set<std::string> ours;
  for (uint32_t part = 0; part < plan.parts.size(); ++part) {
    ours.insert(PartName(part, plan.parts.size(), plan.part_suffix));
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, fs_.List(plan.output));
  for (const std::string& name : names) {
    if (!IsPartName(name) || ours.count(name) > 0) continue;
    MILLRACE_RETURN_IF_ERROR(RemoveFileIfThere(fs_, JoinPath(plan.output, name)));
  }
  return absl::OkStatus();
}

// There is no such file when nothing was skipped: its presence is the news.
absl::Status OutputCommitter::WriteSkipped(const PublishPlan& plan) {
  if (plan.skipped.empty()) return absl::OkStatus();
  return WriteFileAtomically(fs_, SkippedPath(plan.output), SkippedRecordsText(plan.skipped));
}

std::string OutputCommitter::ManifestOf(const PublishPlan& plan) {
  OutputManifest manifest;
  manifest.job_key = plan.job_key;
  manifest.job_name = plan.job_name;
  for (uint32_t part = 0; part < plan.parts.size(); ++part) {
    const StagedPart& staged = plan.parts[part];
    manifest.parts.push_back(ManifestPart{PartName(part, plan.parts.size(), plan.part_suffix),
                                          staged.bytes, staged.digest});
  }
  return ToJson(manifest);
}

// Only ever a folder with the job's own name and nonce, whatever the note says: a master that was
// killed before it had accepted this job may have given its number to another.
absl::Status OutputCommitter::RemoveKept(const std::string& output, const std::string& job_key) {
  const absl::StatusOr<std::string> keep =
      ReadFile(fs_, KeepNotePath(output, job_key), kPathBytesMax);
  if (absl::IsNotFound(keep.status())) return absl::OkStatus();
  if (!keep.ok()) return keep.status();
  if (keep->empty()) return absl::OkStatus();  // cut off by a crash
  const std::string folder = KeptFolder(*keep, job_key);
  const absl::StatusOr<std::string> theirs = ReadFile(fs_, KeptNoncePath(folder), kNonceBytesMax);
  const absl::StatusOr<std::string> ours =
      ReadFile(fs_, NoncePath(output, job_key), kNonceBytesMax);
  if (theirs.ok() && ours.ok() && *theirs != *ours && !theirs->empty()) return absl::OkStatus();
  if (absl::IsNotFound(fs_.Stat(*keep).status())) {
    LOG(WARNING) << *keep << " is not there, in which " << job_key
                 << " kept its map outputs: if it is a shared folder that is not mounted now, "
                    "please remove "
                 << folder << " when it is";
    return absl::OkStatus();
  }
  const absl::Status removed = fs_.RemoveTree(folder);
  if (removed.ok()) return absl::OkStatus();
  // On NFS a file that is open on this host goes only when it is closed (.nfs...).
  return absl::Status(
      removed.code(),
      absl::StrCat(removed.message(), "; when no process has files open in ", folder,
                   ", remove it, and then ", StagingFolder(output, job_key)));
}

// What is kept elsewhere goes first: without the note nobody would find it.
absl::Status OutputCommitter::RemoveStaging(const std::string& output, const std::string& job_key) {
  MILLRACE_RETURN_IF_ERROR(RemoveKept(output, job_key));
  MILLRACE_RETURN_IF_ERROR(fs_.RemoveTree(StagingFolder(output, job_key)));
  absl::Status status = fs_.RemoveEmptyFolder(StagingRoot(output));
  // Another job may be staged there, or it is gone already.
  if (absl::IsFailedPrecondition(status) || absl::IsNotFound(status)) return absl::OkStatus();
  return status;
}

absl::Status OutputCommitter::Abort(const PublishPlan& plan) {
  return About(plan.output, Remove(plan));
}

absl::Status OutputCommitter::Remove(const PublishPlan& plan) {
  MILLRACE_ASSIGN_OR_RETURN(bool published, IsPublished(plan));
  if (published) return absl::FailedPreconditionError("the job is published, it cannot be undone");
  // Where another job's manifest is, this one has put nothing, and equal parts are the other's.
  if (!fs_.Stat(ManifestPath(plan.output)).ok()) {
    MILLRACE_RETURN_IF_ERROR(RemovePartsInPlace(plan));
    if (!plan.skipped.empty()) {
      MILLRACE_RETURN_IF_ERROR(RemoveFileIfThere(fs_, SkippedPath(plan.output)));
    }
  }
  RemoveFileIfThere(fs_, TemporaryName(SkippedPath(plan.output))).IgnoreError();
  RemoveFileIfThere(fs_, TemporaryName(ManifestPath(plan.output))).IgnoreError();
  const absl::StatusOr<std::string> topmost_made =
      ReadFile(fs_, MadeFolderPath(plan.output, plan.job_key), kPathBytesMax);
  MILLRACE_RETURN_IF_ERROR(RemoveStaging(plan.output, plan.job_key));
  return RemoveMadeFolders(plan.output, topmost_made.value_or(""));
}

absl::Status OutputCommitter::RemovePartsInPlace(const PublishPlan& plan) {
  for (uint32_t part = 0; part < plan.parts.size(); ++part) {
    if (fs_.Stat(StagedPath(plan, part)).ok()) continue;  // was not renamed
    MILLRACE_ASSIGN_OR_RETURN(bool in_place, IsInPlace(plan, part));
    if (in_place) MILLRACE_RETURN_IF_ERROR(RemoveFileIfThere(fs_, FinalPath(plan, part)));
  }
  return absl::OkStatus();
}

absl::Status OutputCommitter::RemoveMadeFolders(const std::string& folder,
                                                const std::string& topmost_made) {
  // What is not above the folder was read from a damaged file.
  if (topmost_made.empty() || !IsInside(folder, topmost_made)) return absl::OkStatus();
  for (std::string path = folder;; path = FolderOf(path)) {
    absl::Status status = fs_.RemoveEmptyFolder(path);
    if (absl::IsFailedPrecondition(status)) return absl::OkStatus();  // somebody uses it
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    if (path == topmost_made) return absl::OkStatus();
  }
}

}  // namespace millrace
