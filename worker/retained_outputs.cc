#include "worker/retained_outputs.h"

#include <vector>

#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {

std::set<std::string> RetainedOutputs::FilesOf(JobId job) const {
  std::set<std::string> names;
  for (const auto& [attempt, task] : outputs_) {
    if (task.job == job) names.insert(std::string(BaseName(MapOutputPath("/", task, attempt))));
  }
  return names;
}

absl::Status RemoveAllBut(FileSystem& file_system, const std::string& folder,
                          const std::set<std::string>& names) {
  if (names.empty()) return file_system.RemoveTree(folder);
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> found, file_system.List(folder));
  absl::Status first;
  for (const std::string& name : found) {
    if (names.count(name) > 0) continue;
    const std::string path = JoinPath(folder, name);
    if (file_system.RemoveFile(path).ok()) continue;
    first.Update(file_system.RemoveTree(path));  // a folder
  }
  return first;
}

}  // namespace millrace
