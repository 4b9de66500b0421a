// What a streaming job runs: its flags as typed values, and where its programs lie.
#ifndef MILLRACE_APPS_STREAMING_STREAMING_JOB_H_
#define MILLRACE_APPS_STREAMING_STREAMING_JOB_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mapreduce/job.h"

namespace millrace {

// As the person wrote them.
struct StreamingFlags {
  std::string mapper;
  std::string combiner;
  std::string reducer;
  std::string partitioner;
  std::string file;    // P[#NAME][,P...]
  std::string cmdenv;  // NAME=VALUE, one a line
  std::string define;  // the same: Hadoop's properties
  std::string program_version;
  std::string reducers;        // of every job: a number or "auto"
  std::string task_memory_mb;  // of every job
  std::string folder;          // absolute: where the person stands
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
  std::string program_version;       // stands for what the programs do; empty: nobody says
  bool exit_code_counts = true;      // whether one other than 0 is a failure
  size_t max_line_bytes = 64 << 20;  // a program that writes a longer line has failed
};

// Errors name the flag.
absl::StatusOr<StreamingJob> ReadStreamingJob(const StreamingFlags& flags);

// Where a side file is: with the person before the job starts, and where MILLRACE_FILES says
// (`shipped_folder`, if it is not empty) where programs run.
std::string SideFilePath(const SideFile& file, const std::string& shipped_folder);

// The file of a command's program: a side file, a path seen from the person's folder, or found
// through PATH. An error says that there is none, or that it cannot be executed.
absl::StatusOr<std::string> FindProgram(const StreamingJob& job, const Command& command,
                                        const std::string& shipped_folder);

// Looks for everything that the job needs, before anything starts; for the client.
absl::Status CheckFiles(const StreamingJob& job);

// Whether it is known what the map-side programs are, so that what they gave once may be used
// again: all of them are side files, or a version stands for them.
bool IsMapKnown(const StreamingJob& job);

// What the output of a map depends on beside its input and the side files.
std::vector<std::string> MapParameters(const StreamingJob& job);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_STREAMING_JOB_H_
