#include "apps/streaming/task_setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/paths.h"

namespace millrace {
namespace {

std::string Variable(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

// An executor stands in a folder of its job that goes with it; the person's own folder is no place
// for our files.
std::string ParentFolder() {
  if (Variable("MILLRACE_WORKER") != "inline") return std::filesystem::current_path().string();
  const std::string temporary = Variable("TMPDIR");
  return temporary.empty() ? "/tmp" : temporary;
}

void AddHadoopNames(const StreamingJob& job, const TaskInput& input,
                    std::map<std::string, std::string>* names) {
  const auto set = [names](const std::string& value, std::initializer_list<const char*> variables) {
    for (const char* variable : variables) (*names)[variable] = value;
  };
  const std::string task = Variable("MILLRACE_TASK");  // map-00012
  const bool is_map = absl::StartsWith(task, "map");
  const std::string digits = task.substr(std::min(task.size(), task.find('-') + 1));
  uint32_t index = 0;
  (void)!absl::SimpleAtoi(digits, &index);
  const std::string id = absl::StrCat(Variable("MILLRACE_JOB"), is_map ? "_m_" : "_r_", digits);
  set(absl::StrCat("task_", id), {"mapreduce_task_id", "mapred_tip_id"});
  set(absl::StrCat("attempt_", id, "_", Variable("MILLRACE_ATTEMPT")),
      {"mapreduce_task_attempt_id", "mapred_task_id"});
  set(absl::StrCat(index), {"mapreduce_task_partition", "mapred_task_partition"});
  set(is_map ? "true" : "false", {"mapreduce_task_ismap", "mapred_task_is_map"});
  set(Variable("MILLRACE_JOB"), {"mapreduce_job_id", "mapred_job_id"});
  set(job.name, {"mapreduce_job_name", "mapred_job_name"});
  set(Variable("MILLRACE_REDUCERS"), {"mapreduce_job_reduces", "mapred_reduce_tasks"});
  if (input.file.empty()) return;
  set(std::string(input.file), {"mapreduce_map_input_file", "map_input_file"});
  set(absl::StrCat(input.start), {"mapreduce_map_input_start", "map_input_start"});
}

}  // namespace

std::string ShippedFolder() { return Variable("MILLRACE_FILES"); }

absl::StatusOr<std::unique_ptr<WorkFolder>> WorkFolder::Make(const StreamingJob& job) {
  std::string path = JoinPath(ParentFolder(), "streaming-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  }
  std::unique_ptr<WorkFolder> folder(new WorkFolder(path));
  for (const SideFile& file : job.side_files) {
    const std::string target = SideFilePath(file, ShippedFolder());
    if (access(target.c_str(), R_OK) == 0 &&
        symlink(target.c_str(), JoinPath(path, file.name).c_str()) == 0) {
      continue;
    }
    return absl::UnavailableError(
        absl::StrCat("--file=", file.path, ": cannot link to ", target, ": ", strerror(errno)));
  }
  return folder;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TaskEnvironment(const StreamingJob& job, const TaskInput& input) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  AddHadoopNames(job, input, &variables);
  if (!input.file.empty()) variables["MILLRACE_INPUT_FILE"] = std::string(input.file);
  for (const auto& [name, value] : job.environment) variables[name] = value;
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

}  // namespace millrace
