#include "storage/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/failpoint_setting.h"

namespace millrace {
namespace failpoint_internal {
std::atomic<bool> armed{false};
}  // namespace failpoint_internal

namespace {

struct ArmedSetting {
  explicit ArmedSetting(FailpointSetting given) : setting(std::move(given)) {}
  const FailpointSetting setting;
  std::atomic<uint64_t> passed{0};
};

struct Armory {
  std::deque<ArmedSetting> settings;  // its elements stay where they are
  std::string log;
  std::string worker;
};

Armory& TheArmory() {
  static Armory armory;
  return armory;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string WorkerOfThisProcess() {
  const std::string& own = TheArmory().worker;
  return own.empty() ? Variable("MILLRACE_WORKER") : own;
}

// What user code of an attempt is told, too.
std::string AttemptOfEnvironment() {
  const std::string task = Variable("MILLRACE_TASK");
  if (task.empty()) return "";
  return absl::StrCat("task=", task, " attempt=", Variable("MILLRACE_ATTEMPT"));
}

std::string DetailOf(const std::function<std::string()>& given) {
  std::string detail = given == nullptr ? AttemptOfEnvironment() : given();
  const std::string worker = WorkerOfThisProcess();
  if (worker.empty()) return detail;
  return absl::StrCat(detail, detail.empty() ? "" : " ", "worker=", worker);
}

// One write: lines of several processes do not mix.
bool WriteLine(int fd, const std::string& line) { return write(fd, line.data(), line.size()) >= 0; }

// On standard error: there is nobody else to tell, so what cannot be said there is lost.
void Say(const FailpointInfo& info, const std::string& what) {
  WriteLine(STDERR_FILENO, absl::StrCat("failpoint ", ToAbsl(info.name), " ", what, "\n"));
}

void AppendToLog(const FailpointInfo& info, const std::string& line) {
  const std::string& path = TheArmory().log;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 || !WriteLine(fd, line)) {
    Say(info, absl::StrCat("is not logged in PID ", getpid(), ": cannot append to ", path, ": ",
                           strerror(errno)));
  }
  if (fd >= 0) close(fd);
}

// Whether no other process has claimed this setting. The file stays, for those that come later.
bool Claim(const FailpointInfo& info, const FailpointSetting& setting) {
  const std::string path = absl::StrCat(TheArmory().log, ".", ToAbsl(info.name),
                                        setting.worker.empty() ? "" : "@", setting.worker);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd >= 0) {
    close(fd);
    return true;
  }
  if (errno != EEXIST) {
    Say(info, absl::StrCat("does not act in PID ", getpid(), ": cannot claim 'once' with ", path,
                           ": ", strerror(errno)));
  }
  return false;
}

void Announce(const FailpointInfo& info, const FailpointSetting& setting,
              const std::string& detail) {
  const char* const action = Name(setting.action);
  Say(info, absl::StrCat("hit in PID ", getpid(),
                         detail.empty() ? "" : absl::StrCat(" (", detail, ")"), ": ", action));
  if (TheArmory().log.empty()) return;
  AppendToLog(info,
              absl::StrCat(ToAbsl(info.name), "\t", getpid(), "\t", action, "\t", detail, "\n"));
}

absl::Status Act(const FailpointInfo& info, const FailpointSetting& setting) {
  switch (setting.action) {
    case FailpointAction::kKill: raise(SIGKILL); return absl::OkStatus();
    // Sent to this thread, so that none of its next steps is taken before the process stands.
    case FailpointAction::kPause: raise(SIGSTOP); return absl::OkStatus();
    case FailpointAction::kDelay: absl::SleepFor(setting.delay); return absl::OkStatus();
    case FailpointAction::kFail: break;
  }
  return absl::UnavailableError(
      absl::StrCat("the failpoint ", ToAbsl(info.name), " was told to fail here"));
}

absl::Status UnusableLog(const std::string& log, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat(kFailpointLogVariable, "=", log, ": cannot ", what, ": ", strerror(errno),
                   "; name a file in a folder that all processes may write to"));
}

// Found now rather than at the place, where the fault that somebody waits for would not come.
absl::Status CheckLog(const std::string& log) {
  if (log[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat(kFailpointLogVariable, "=", log,
                     ": processes stand in several folders; name the file "
                     "with an absolute path"));
  }
  const std::string folder = log.substr(0, log.rfind('/') + 1);
  if (access(folder.c_str(), W_OK | X_OK) != 0) return UnusableLog(log, "make files in " + folder);
  const int fd = open(log.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT) return UnusableLog(log, "append to it");
  if (fd >= 0) close(fd);
  return absl::OkStatus();
}

// Each must have a claim of its own.
absl::Status CheckOnce(const std::vector<FailpointSetting>& settings, const std::string& log) {
  std::set<std::pair<Failpoint, std::string>> claims;
  for (const FailpointSetting& setting : settings) {
    if (!setting.once) continue;
    if (log.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(kFailpointVariable, ": 'once' needs ", kFailpointLogVariable, "=FILE"));
    }
    if (!claims.emplace(setting.place, setting.worker).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(kFailpointVariable, ": ", ToAbsl(InfoOf(setting.place).name),
                       setting.worker.empty() ? "" : "@", setting.worker,
                       " has two settings with 'once', and only the first to act would; "
                       "leave one of them out"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

namespace failpoint_internal {

absl::Status Pass(Failpoint place, const std::function<std::string()>& detail) {
  const FailpointInfo& info = InfoOf(place);
  for (ArmedSetting& armed_setting : TheArmory().settings) {
    const FailpointSetting& setting = armed_setting.setting;
    if (setting.place != place) continue;
    if (!setting.worker.empty() && setting.worker != WorkerOfThisProcess()) continue;
    if (!setting.ActsAt(++armed_setting.passed)) continue;
    if (setting.once && !Claim(info, setting)) continue;
    Announce(info, setting, DetailOf(detail));
    MILLRACE_RETURN_IF_ERROR(Act(info, setting));
  }
  return absl::OkStatus();
}

}  // namespace failpoint_internal

absl::Status ArmFailpointsFromEnvironment() {
  return ArmFailpoints(Variable(kFailpointVariable), Variable(kFailpointLogVariable));
}

absl::Status ArmFailpoints(std::string_view settings, const std::string& log) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FailpointSetting> parsed, ParseFailpoints(settings));
  MILLRACE_RETURN_IF_ERROR(CheckOnce(parsed, log));
  if (!log.empty()) MILLRACE_RETURN_IF_ERROR(CheckLog(log));
  Armory& armory = TheArmory();
  armory.log = log;
  armory.settings.clear();
  for (const FailpointSetting& setting : parsed) armory.settings.emplace_back(setting);
  failpoint_internal::armed.store(!parsed.empty(), std::memory_order_relaxed);
  return absl::OkStatus();
}

void SetFailpointWorker(const std::string& name) { TheArmory().worker = name; }

std::vector<std::string> FailpointEnvironment() {
  std::vector<std::string> environment;
  for (const char* name : {kFailpointVariable, kFailpointLogVariable}) {
    const std::string value = Variable(name);
    if (!value.empty()) environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

std::string FailpointDetail(const TaskId& task, const AttemptId& attempt) {
  const StageKind kind = task.stage == 0 ? StageKind::kMap : StageKind::kReduce;
  return absl::StrCat("task=", TaskName(kind, task.index), " attempt=", ToString(attempt));
}

}  // namespace millrace
