// Puts the output of a job in place, all of it or nothing.
//
// While a job runs, its attempts write parts under OUTPUT/_millrace/JOB, each under a name of its
// own. When it has succeeded, the parts that won get their final names and `_SUCCESS` is written
// last: who sees `_SUCCESS` sees the whole output. (Dean & Ghemawat 2004, section 3.3, atomic
// commits of task outputs, one level up.)
//
// Every step may be repeated after a kill at any point. It needs no state but the folder itself and
// the plan. Where something fails, the message begins with `output "FOLDER"`. Calls block on the
// disk. Any thread, but one call at a time for one output folder.
#ifndef MILLRACE_STORAGE_OUTPUT_COMMITTER_H_
#define MILLRACE_STORAGE_OUTPUT_COMMITTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/ids.h"
#include "storage/digest.h"
#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

// The winner of one part: what its attempt reported of the file at StagedPartPath.
struct StagedPart {
  AttemptId attempt;
  uint64_t bytes = 0;
  Digest digest;  // of these bytes
};

struct StagingPlan {
  std::string output;   // absolute
  std::string job_key;  // JobKey
  std::string nonce;
  // Where the jobs of a chain stage in one folder: TopmostMissing of it before the first did, so
  // that whichever of them goes last removes what they made. Empty: Stage looks for itself.
  std::string topmost_missing;
};

struct PublishPlan {
  std::string output;    // absolute
  std::string job_key;   // JobKey
  std::string job_name;  // for the manifest
  bool overwrite = false;
  std::vector<StagedPart> parts;     // in part order, all of them
  std::string part_suffix;           // of PartName
  std::vector<InputRecord> skipped;  // to be listed beside the parts
};

class OutputCommitter {
 public:
  // `fs` must outlive the committer.
  explicit OutputCommitter(FileSystem* fs) : fs_(*fs) {}

  // Makes the output folder, where needed, and in it the job's staging folder with a nonce file.
  // Returns the nonce: that of the plan, or the earlier one when the job was staged before. After
  // an error nothing is left of what was made. Costs no sync: the folders become durable with the
  // first part in them (AtomicFile::kDurable). A crash of the host may lose the nonce, so a master
  // that starts again stages its unfinished jobs again.
  absl::StatusOr<std::string> Stage(const StagingPlan& plan);
  absl::StatusOr<std::string> Stage(const std::string& output, const std::string& job_key,
                                    const std::string& nonce) {
    return Stage({output, job_key, nonce, /*topmost_missing=*/""});
  }

  // Makes the folder in which the map outputs of a staged job outlive their workers (KeptFolder in
  // `keep`), with the job's nonce in it. Staging notes the place, so whatever removes what the job
  // has staged removes that folder with it; `keep` itself stays. It must be there: where the client
  // has made it and this host has not, it is not the same folder, and kNotFound says so.
  // Repeatable; after an error Abort.
  absl::Status Keep(const std::string& output, const std::string& job_key, const std::string& keep);

  // The folder highest up that has to be made so that `folder` exists; empty if none.
  absl::StatusOr<std::string> TopmostMissing(const std::string& folder);
  // Removes `folder` and those above it up to `topmost_made`, which was missing before, as long as
  // they are empty. Nothing if `topmost_made` is empty.
  absl::Status RemoveMadeFolders(const std::string& folder, const std::string& topmost_made);

  // Marks what a job has staged as something that ends with this process, as long as that is held.
  // Null where the file system has no locks: then nobody can tell that it is abandoned.
  std::unique_ptr<FileLock> HoldStaging(const std::string& output, const std::string& job_key);

  // Removes, as far as possible, what jobs have staged in `output` whose process held it and has
  // ended, with the folders that Stage made for them. What was never held stays: its job may go on.
  void RemoveAbandoned(const std::string& output);

  // Removes likewise what jobs of `cluster_id` have staged in `output`, but for its unfinished jobs
  // that write there: a master that was killed between staging a job and accepting it knows nothing
  // of it. `unfinished`: job keys and output folders, in whatever spelling.
  void RemoveUnknown(const std::string& output, std::string_view cluster_id,
                     const std::map<std::string, std::string>& unfinished);

  // kAlreadyExists, naming the other, if a job that is not in `own` (job keys) has staged in
  // `output`. Asked after Stage: of two jobs that stage at the same time, in whatever processes and
  // on whatever hosts, at least one sees the other, so that never both go on (perhaps neither).
  absl::Status CheckNoOtherJob(const std::string& output, const std::set<std::string>& own);

  // Publishes, or does what is left to do. Before the first change every part must be there with
  // its length (kDataLoss if not); without `overwrite` no other job may have put parts there in the
  // meantime (kAlreadyExists). With `overwrite` the manifest and the parts of the older job go only
  // now. Durable when it returns.
  //
  // After an error either repeat it or Abort. What remains of staging after publishing is no error.
  absl::Status PublishJob(const PublishPlan& plan);

  // Removes what the job has staged, the parts that a failed PublishJob has put in place (`plan`
  // has none when none was tried), and the folders that Stage made, if nothing else lies in them.
  // kFailedPrecondition if the job is published: then it is too late. (An older job's output that
  // was being overwritten does not come back. A kill between the last two steps leaves the empty
  // folder.)
  absl::Status Abort(const PublishPlan& plan);

 private:
  absl::Status MakeStaging(const StagingPlan& plan);
  absl::Status Publish(const PublishPlan& plan);
  absl::Status Remove(const PublishPlan& plan);
  absl::Status RenameParts(const PublishPlan& plan, const std::vector<uint32_t>& parts);

  absl::StatusOr<bool> IsPublished(const PublishPlan& plan);
  absl::StatusOr<std::vector<uint32_t>> PartsToRename(const PublishPlan& plan);
  absl::StatusOr<bool> MustRename(const PublishPlan& plan, uint32_t part);
  absl::StatusOr<bool> IsInPlace(const PublishPlan& plan, uint32_t part);
  absl::Status RemoveOlderOutput(const PublishPlan& plan);
  absl::Status WriteSkipped(const PublishPlan& plan);
  static std::string ManifestOf(const PublishPlan& plan);
  absl::Status RemovePartsInPlace(const PublishPlan& plan);
  bool IsSameFolder(const std::string& a, const std::string& b);
  void RemoveDead(const std::string& output, const std::string& job_key);
  absl::Status RemoveStaging(const std::string& output, const std::string& job_key);
  absl::Status RemoveKept(const std::string& output, const std::string& job_key);

  FileSystem& fs_;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_OUTPUT_COMMITTER_H_
