// From checked flags to what is submitted: looks at the input, the output folder, this binary and
// the environment. Blocks on the file system; main thread, before the event loop.
#ifndef MILLRACE_CLIENT_JOB_SPEC_H_
#define MILLRACE_CLIENT_JOB_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/job_options.h"
#include "mapreduce/job.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

// Where the program runs and with what.
struct Invocation {
  std::vector<std::string> argv;
  std::string folder;  // in which relative paths are seen
};

// What is going to be submitted once the number of parts is known.
struct JobDraft {
  JobSpec spec;
  // Of the first job of a chain: whether it has a total order, and keys of its input, ascending.
  // Of a total order a sample may have found none.
  bool total_order = false;
  std::vector<std::string> key_sample;
  // Of the last job of a chain, and of those before it: parts that are no choice.
  std::optional<uint32_t> fixed_reducers;
  std::vector<std::optional<uint32_t>> fixed_before;

  // The spec, which is about the first job of `chain`, becomes one about all of them.
  void AddChain(const std::vector<JobDescription>& chain);
  // Sets the number of parts and what follows from it.
  void SetReducers(uint32_t reducers);
};

// Everything but `reducers` when the person did not say, and but `binary`. An error says which
// input, output or report cannot be used, and why. `remark` gets what a person should know of a job
// that can be run: a line, or nothing.
absl::StatusOr<JobSpec> MakeJobSpec(FileSystem& fs, const JobOptions& options,
                                    const JobDescription& job, const Invocation& invocation,
                                    std::string* remark);

// This process's executable; reads all of it.
absl::StatusOr<JobBinary> IdentifyOwnBinary();

// The job's side files; reads all of them. An error names the one that cannot be sent, and why.
absl::StatusOr<std::vector<JobBinary>> IdentifySideFiles(const std::vector<SideFile>& files);

// The variables of `environment` ("NAME=value") that user code may depend on wherever it runs:
// PATH, HOME, the user, the locale, the time zone and what steers the sanitizers.
std::vector<std::string> EnvironmentForJobs(const std::vector<std::string>& environment);

uint64_t TotalBytes(const std::vector<InputFile>& files);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_SPEC_H_
