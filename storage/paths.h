// Every path name that Millrace makes, in one place.
//
//   SCRATCH/                        of one worker
//     job-3/stage-0-task-00012-attempt-1-17.run     output of a finished map attempt; may outlive
//                                                   its job, for later ones
//     attempts/attempt-1-17/        temporary files of one attempt: spills, fetched runs
//     job-3/files/NAME              links to the cached side files of a job
//     binaries/SHA256               cached job binaries, and executable side files
//     binaries/SHA256-data          other side files
//   OUTPUT/                         of one job
//     part-00000-of-00004 ...       the result
//     _SUCCESS                      its manifest; written last
//     _skipped                      records that were left out, if there are any
//     _millrace/JOB/                staging: gone when the job has ended
//       part-00000-attempt-1-17     one attempt's part, until the job is published
//       nonce                       proves that a host sees this folder
//       made                        the topmost folder that had to be made for the job, or for the
//                                   first of its chain, if any
//       keep                        KEEP, if the job keeps its map outputs there
//       alive                       locked while the process lives that the job cannot outlive
//   KEEP/                           of any job with --keep_intermediate=KEEP
//     _millrace-JOB/                gone when the job has ended
//       stage-0-task-00012-attempt-1-17.run      output of a finished map attempt
//       nonce                       proves that a host sees this folder
//   STATE/                          of the master
//     journal.db  lock  cluster_id  binaries/SHA256
//
// Pure functions of their arguments; folders are absolute and without a slash at the end. Any
// thread.
#ifndef MILLRACE_STORAGE_PATHS_H_
#define MILLRACE_STORAGE_PATHS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "rpc/ids.h"

namespace millrace {

// Ends the names of files that zstd has compressed.
inline constexpr std::string_view kZstdSuffix = ".zst";

// --- Paths in general ---

// "/a" and "b" give "/a/b"; a slash at the end of `folder` is not doubled.
std::string JoinPath(std::string_view folder, std::string_view name);
// "/a/b" gives "/a"; "/a" gives "/".
std::string FolderOf(std::string_view path);
// "/a/b" gives "b".
std::string_view BaseName(std::string_view path);
// `path` itself when it is absolute, else seen from the absolute `base`. Doubled slashes, "." and
// slashes at the end are dropped; ".." stays, because only the file system knows what it means
// after a symbolic link.
std::string AbsolutePath(std::string_view base, std::string_view path);
// Whether `path` is `folder` or lies below it; both without "..".
bool IsInside(std::string_view path, std::string_view folder);

// Where the content of `path` is written before it is complete: in the same folder, with a hidden
// name that is always the same. Two writers must therefore not write one path at a time.
std::string TemporaryName(std::string_view path);
// Names that start with '_' or '.': never taken as input, so that a job's output is valid input.
bool IsHiddenName(std::string_view name);

// --- Scratch folder of a worker ---

std::string ScratchJobFolder(std::string_view scratch, JobId job);
std::string SideFilesFolder(std::string_view scratch, JobId job);
std::string MapOutputPath(std::string_view scratch, const TaskId& task, const AttemptId& attempt);
// Holds the attempt folders of all jobs.
std::string AttemptsFolder(std::string_view scratch);
std::string AttemptFolder(std::string_view scratch, const AttemptId& attempt);
std::string BinaryCacheFolder(std::string_view scratch);
std::string CachedBinaryPath(std::string_view scratch, std::string_view name);

// --- Output folder of a job ---

// A name for a job that is unique over clusters: "job-3-" and the first eight characters of
// `cluster_id`.
std::string JobKey(JobId job, std::string_view cluster_id);
// Whether JobKey could have made `name` for a job of this cluster.
bool IsJobKeyOf(std::string_view name, std::string_view cluster_id);
// OUTPUT/_millrace
std::string StagingRoot(std::string_view output);
std::string StagingFolder(std::string_view output, std::string_view job_key);
std::string StagedPartPath(std::string_view output, std::string_view job_key, uint32_t part,
                           const AttemptId& attempt);
// "/job-3/part-00000": the same part, whichever attempt made it. A name for places in it; no file
// has this path.
std::string StepPartName(JobId job, uint32_t part);
std::string NoncePath(std::string_view output, std::string_view job_key);
std::string MadeFolderPath(std::string_view output, std::string_view job_key);
std::string StagingLockPath(std::string_view output, std::string_view job_key);
std::string KeepNotePath(std::string_view output, std::string_view job_key);
// "part-00000-of-00004", with what says how it is packed behind: nothing, or kZstdSuffix.
std::string PartName(uint32_t index, uint32_t count, std::string_view suffix = "");
std::string PartPath(std::string_view output, uint32_t index, uint32_t count,
                     std::string_view suffix = "");
// Whether PartName could have made this name.
bool IsPartName(std::string_view name);
// A file made and removed to see whether files can be made in `folder`.
std::string ProbePath(std::string_view folder);
// OUTPUT/_SUCCESS
std::string ManifestPath(std::string_view output);
// OUTPUT/_skipped
std::string SkippedPath(std::string_view output);

// --- Folder for map outputs that outlive their workers ---

// KEEP/_millrace-JOB
std::string KeptFolder(std::string_view keep, std::string_view job_key);
std::string KeptOutputPath(std::string_view kept_folder, const TaskId& task,
                           const AttemptId& attempt);
std::string KeptNoncePath(std::string_view kept_folder);

// --- State folder of the master ---

std::string JournalPath(std::string_view state_dir);
std::string LockPath(std::string_view state_dir);
std::string ClusterIdPath(std::string_view state_dir);
std::string UploadedBinariesFolder(std::string_view state_dir);
std::string UploadedBinaryPath(std::string_view state_dir, std::string_view sha256);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_PATHS_H_
