// What a user's program finds around it: its working folder and its environment.
#ifndef MILLRACE_APPS_STREAMING_TASK_SETTING_H_
#define MILLRACE_APPS_STREAMING_TASK_SETTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apps/streaming/streaming_job.h"

namespace millrace {

// The folder of side files that have come here with the job; empty if there is none.
std::string ShippedFolder();

// A new folder with links to the job's side files, under their names. It goes with this object.
class WorkFolder {
 public:
  static absl::StatusOr<std::unique_ptr<WorkFolder>> Make(const StreamingJob& job);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

// Where a map program's input comes from. No file: it is a reduce, or a map without records.
struct TaskInput {
  std::string_view file;
  uint64_t start = 0;  // offset of the first record
};

// "NAME=value": our own environment with MILLRACE_*, what the job adds, and the names that Hadoop
// gives to the same things.
std::vector<std::string> TaskEnvironment(const StreamingJob& job, const TaskInput& input);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_TASK_SETTING_H_
