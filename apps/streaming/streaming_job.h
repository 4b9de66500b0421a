// What a streaming job runs: its flags as typed values, and where its programs lie.
#ifndef MILLRACE_APPS_STREAMING_STREAMING_JOB_H_
#define MILLRACE_APPS_STREAMING_STREAMING_JOB_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

// As the person wrote them.
struct StreamingFlags {
  std::string mapper;
  std::string combiner;
  std::string reducer;
  std::string partitioner;
  std::string file;      // P[#NAME][,P...]
  std::string cmdenv;    // NAME=VALUE, one a line
  std::string define;    // the same: Hadoop's properties
  std::string reducers;  // of every job: a number or "auto"
  std::string folder;    // absolute: where the person stands
};

// A file that programs find in their working folder.
struct SideFile {
  std::string path;  // absolute
  std::string name;
};

// A command, split into words; none: not asked for.
using Command = std::vector<std::string>;

struct StreamingJob {
  std::string name = "streaming";
  Command mapper;
  Command combiner;
  Command reducer;  // none: sorted pairs go to the output as they are
  Command partitioner;
  bool map_only = false;
  std::map<std::string, std::string> environment;  // that programs get besides
  std::vector<SideFile> side_files;
  std::string folder;
  bool exit_code_counts = true;  // whether one other than 0 is a failure
};

// Errors name the flag.
absl::StatusOr<StreamingJob> ReadStreamingJob(const StreamingFlags& flags);

// The file of a command's program: a side file, a path seen from the person's folder, or found
// through PATH. An error says that there is none, or that it cannot be executed.
absl::StatusOr<std::string> FindProgram(const StreamingJob& job, const Command& command);

// Looks for everything that the job needs, before anything starts.
absl::Status CheckFiles(const StreamingJob& job);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_STREAMING_JOB_H_
