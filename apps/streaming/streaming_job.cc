#include "apps/streaming/streaming_job.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "apps/streaming/command_words.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/paths.h"

namespace millrace {
namespace {

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(message); }

absl::StatusOr<Command> ReadCommand(const char* flag, const std::string& text) {
  absl::StatusOr<Command> words = SplitWords(text);
  if (!words.ok()) return Invalid(absl::StrCat("--", flag, ": ", words.status().message()));
  if (words->empty() && !text.empty()) {
    return Invalid(absl::StrCat("--", flag, "='", text, "': names no program"));
  }
  return words;
}

// "mapreduce.job.name" is mapreduce_job_name in the environment.
std::string VariableName(absl::string_view property) {
  std::string name(property);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

using Settings = std::map<std::string, std::string>;

absl::StatusOr<Settings> ReadSettings(const char* flag, const std::string& text) {
  Settings settings;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return Invalid(absl::StrCat("--", flag, "=", line, ": needs NAME=VALUE"));
    }
    settings[std::string(line.substr(0, equals))] = std::string(line.substr(equals + 1));
  }
  return settings;
}

// Hadoop takes any text. Programs get to see it as it is, under both of its names.
void SetName(const std::string& title, StreamingJob* job) {
  if (!title.empty()) job->name = NameFor(title);
  for (const char* variable : {"mapreduce_job_name", "mapred_job_name"}) {
    job->environment.emplace(variable, title);
  }
}

absl::Status ReadSideFiles(const StreamingFlags& flags, StreamingJob* job) {
  for (const absl::string_view entry : absl::StrSplit(flags.file, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits('#', 1));
    SideFile file;
    file.path = AbsolutePath(flags.folder, ToStd(parts.first));
    file.name = parts.second.empty() ? BaseName(file.path) : std::string(parts.second);
    if (file.name == "." || file.name == ".." || absl::StrContains(file.name, "/")) {
      return Invalid(absl::StrCat("--file=", entry, ": '", file.name, "' is no name of a file"));
    }
    bool is_new = true;
    for (const SideFile& other : job->side_files) {
      if (other.name != file.name) continue;
      if (other.path == file.path) {
        is_new = false;
        break;
      }
      return Invalid(absl::StrCat("--file: both ", other.path, " and ", file.path,
                                  " would be named ", file.name, "; name one P#NAME"));
    }
    if (is_new) job->side_files.push_back(std::move(file));
  }
  return absl::OkStatus();
}

absl::Status CannotRun(const std::string& path, const char* why) {
  return absl::NotFoundError(absl::StrCat(path, ": ", why));
}

absl::Status CheckExecutable(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return CannotRun(path, strerror(errno));
  if (!S_ISREG(info.st_mode)) return CannotRun(path, "is no file");
  if (access(path.c_str(), X_OK) != 0) {
    return CannotRun(path, "is not executable; chmod +x it, or name its interpreter first");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FindOnPath(const std::string& name) {
  const char* const path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    if (folder.empty()) continue;
    const std::string file = JoinPath(ToStd(folder), name);
    if (CheckExecutable(file).ok()) return file;
  }
  return CannotRun(name, "no such program on the PATH");
}

// The longest record that the engine would take, too; the rest of the memory is needed besides.
size_t MaxLineBytes(const std::string& task_memory_mb) {
  constexpr uint64_t kMost = 64 << 20;
  constexpr uint64_t kShare = 8;
  uint64_t megabytes = 0;
  if (!absl::SimpleAtoi(task_memory_mb, &megabytes)) return kMost;  // refused elsewhere
  return std::min(kMost, (megabytes << 20) / kShare);
}

// The side file that is the command's program; null if it is none.
const SideFile* FindSideFile(const StreamingJob& job, const Command& command) {
  const std::string& word = command[0];
  const std::string name = absl::StartsWith(word, "./") ? word.substr(2) : word;
  const auto file = std::find_if(job.side_files.begin(), job.side_files.end(),
                                 [&name](const SideFile& f) { return f.name == name; });
  return file == job.side_files.end() ? nullptr : &*file;
}

}  // namespace

absl::StatusOr<StreamingJob> ReadStreamingJob(const StreamingFlags& flags) {
  StreamingJob job;
  job.folder = flags.folder;
  job.program_version = flags.program_version;
  MILLRACE_ASSIGN_OR_RETURN(job.mapper, ReadCommand("mapper", flags.mapper));
  MILLRACE_ASSIGN_OR_RETURN(job.combiner, ReadCommand("combiner", flags.combiner));
  MILLRACE_ASSIGN_OR_RETURN(job.partitioner, ReadCommand("partitioner", flags.partitioner));
  if (job.mapper.empty()) {
    return Invalid("--mapper is missing: name a command (cat passes lines on as they are)");
  }
  job.max_line_bytes = MaxLineBytes(flags.task_memory_mb);
  job.map_only = flags.reducers == "0" || flags.reducer == "NONE";
  if (flags.reducer != "NONE") {
    MILLRACE_ASSIGN_OR_RETURN(job.reducer, ReadCommand("reducer", flags.reducer));
  }
  if (job.map_only && !(job.combiner.empty() && job.partitioner.empty())) {
    return Invalid(absl::StrCat("--", job.combiner.empty() ? "partitioner" : "combiner",
                                ": a map-only job has no use for it; leave it out"));
  }
  MILLRACE_RETURN_IF_ERROR(ReadSideFiles(flags, &job));
  MILLRACE_ASSIGN_OR_RETURN(job.environment, ReadSettings("cmdenv", flags.cmdenv));
  MILLRACE_ASSIGN_OR_RETURN(const Settings properties, ReadSettings("define", flags.define));
  for (const auto& [name, value] : properties) {
    job.environment.emplace(VariableName(name), value);
    if (name == "mapreduce.job.name" || name == "mapred.job.name") SetName(value, &job);
    if (name == "stream.non.zero.exit.is.failure") job.exit_code_counts = value != "false";
  }
  return job;
}

std::string SideFilePath(const SideFile& file, const std::string& shipped_folder) {
  return shipped_folder.empty() ? file.path : JoinPath(shipped_folder, file.name);
}

absl::StatusOr<std::string> FindProgram(const StreamingJob& job, const Command& command,
                                        const std::string& shipped_folder) {
  std::string path;
  if (const SideFile* const file = FindSideFile(job, command); file != nullptr) {
    path = SideFilePath(*file, shipped_folder);
  } else if (absl::StrContains(command[0], "/")) {
    path = AbsolutePath(job.folder, command[0]);
  } else {
    return FindOnPath(command[0]);
  }
  MILLRACE_RETURN_IF_ERROR(CheckExecutable(path));
  return path;
}

absl::Status CheckFiles(const StreamingJob& job) {
  for (const SideFile& file : job.side_files) {
    struct stat info;
    const bool is_there = stat(file.path.c_str(), &info) == 0;
    if (is_there && S_ISDIR(info.st_mode)) {
      return Invalid(absl::StrCat("--file=", file.path, ": is a folder; name its files"));
    }
    if (is_there && access(file.path.c_str(), R_OK) == 0) continue;
    return Invalid(absl::StrCat("--file=", file.path, ": ", strerror(errno)));
  }
  const std::pair<const char*, const Command*> commands[] = {{"mapper", &job.mapper},
                                                             {"combiner", &job.combiner},
                                                             {"reducer", &job.reducer},
                                                             {"partitioner", &job.partitioner}};
  for (const auto& [flag, command] : commands) {
    if (command->empty()) continue;
    const absl::StatusOr<std::string> program = FindProgram(job, *command, /*shipped_folder=*/"");
    if (!program.ok()) return Invalid(absl::StrCat("--", flag, ": ", program.status().message()));
  }
  return absl::OkStatus();
}

bool IsMapKnown(const StreamingJob& job) {
  if (!job.program_version.empty()) return true;
  const Command* const commands[] = {&job.mapper, &job.combiner, &job.partitioner};
  return std::all_of(std::begin(commands), std::end(commands), [&job](const Command* command) {
    return command->empty() || FindSideFile(job, *command) != nullptr;
  });
}

std::vector<std::string> MapParameters(const StreamingJob& job) {
  std::vector<std::string> parameters = {job.program_version, job.name, job.folder,
                                         absl::StrCat(job.exit_code_counts)};
  for (const Command* command : {&job.mapper, &job.combiner, &job.partitioner}) {
    parameters.push_back(absl::StrCat(command->size()));
    parameters.insert(parameters.end(), command->begin(), command->end());
  }
  for (const auto& [name, value] : job.environment) {
    parameters.push_back(absl::StrCat(name, "=", value));
  }
  return parameters;
}

}  // namespace millrace
