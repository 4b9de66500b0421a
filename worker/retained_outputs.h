// Map outputs that stay on this worker when their jobs are released, for later jobs, until the
// master drops them.
//
// A value with lists; the functions that touch files block, and run on any thread.
#ifndef MILLRACE_WORKER_RETAINED_OUTPUTS_H_
#define MILLRACE_WORKER_RETAINED_OUTPUTS_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "rpc/ids.h"
#include "storage/file_system.h"

namespace millrace {

class RetainedOutputs {
 public:
  void Add(const AttemptId& attempt, const TaskId& task) { outputs_[attempt] = task; }
  void Remove(const AttemptId& attempt) { outputs_.erase(attempt); }
  bool Has(const AttemptId& attempt) const { return outputs_.count(attempt) > 0; }

  // The names of the files of `job` that stay.
  std::set<std::string> FilesOf(JobId job) const;
  const std::map<AttemptId, TaskId>& all() const { return outputs_; }

 private:
  std::map<AttemptId, TaskId> outputs_;
};

// Removes everything in `folder` but the files of these names; without names the folder too.
absl::Status RemoveAllBut(FileSystem& file_system, const std::string& folder,
                          const std::set<std::string>& names);

}  // namespace millrace

#endif  // MILLRACE_WORKER_RETAINED_OUTPUTS_H_
