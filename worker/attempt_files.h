// The files and the environment of one attempt on this worker.
//
// Pure, except for Make and the removals, which block.
#ifndef MILLRACE_WORKER_ATTEMPT_FILES_H_
#define MILLRACE_WORKER_ATTEMPT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

struct AttemptFiles {
  std::string job_folder;
  std::string attempt_folder;
  std::string output;             // a map's run, or a staged part
  std::string side_files_folder;  // with links to those of the job

  // Makes the folders.
  absl::Status Make(FileSystem& file_system) const;
  // Removes what is only of use while the attempt runs.
  void RemoveTemporary(FileSystem& file_system) const;
  // Removes all traces of an attempt that did not win.
  void RemoveAll(FileSystem& file_system) const;
};

AttemptFiles FilesOf(const AttemptSpec& spec, const JobContext& job,
                     const std::string& scratch_folder);

// What user code sees of its attempt: "MILLRACE_TASK=map-00012", ...
std::vector<std::string> EnvironmentOf(const AttemptSpec& spec, const JobContext& job,
                                       const std::string& worker_name);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_FILES_H_
