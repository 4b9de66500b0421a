// Everything that the program of a job does besides its job.
//
//   DEFINE_string(tokens, "fields", "What a word is: fields or letters.");
//
//   int main(int argc, char** argv) {
//     millrace::Usage usage;
//     usage.summary = "Counts words.";
//     usage.flags = {"tokens"};
//     return millrace::Main(argc, argv, usage, Describe);
//   }
//
// One binary is client and executor: started by a person it submits the job or runs it on a local
// cluster and shows its progress; started by a worker it runs task attempts. `describe` builds the
// job from the flags, the same in both, and is called once, after the flags are read. It returns an
// error when a flag of the job makes no sense.
#ifndef MILLRACE_CLIENT_LAUNCHER_H_
#define MILLRACE_CLIENT_LAUNCHER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"

namespace millrace {

// What --help says of a job.
struct Usage {
  std::string summary;                // what it does, and what its output looks like
  std::vector<std::string> flags;     // names of the job's own flags
  std::string required;               // those without which it does nothing: "--pattern=REGEX"
  bool takes_input = true;            // false: own flags instead (JobDescription::inputs)
  std::vector<std::string> examples;  // shown in place of the three that every job has
};

using Describe = std::function<absl::StatusOr<JobDescription>()>;

// Called first thing in main, before any thread is there; its result is main's.
int Main(int argc, char** argv, const Usage& usage, const Describe& describe);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LAUNCHER_H_
