#include "worker/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "worker/start_failure.h"

namespace millrace {
namespace {

int HighestTarget(const ChildOptions& options) {
  int highest = STDERR_FILENO;
  for (const InheritedFd& fd : options.fds) highest = std::max(highest, fd.to);
  return highest;
}

// Copies of descriptors above every target, so that no target can overwrite a source that is still
// needed. They live as long as this object.
class ParkedFds {
 public:
  explicit ParkedFds(int highest_target) : lowest_(highest_target + 1) {}
  ~ParkedFds() {
    for (int fd : fds_) close(fd);
  }
  // An empty standard input, in hosts without /dev too: a pipe that nobody writes to.
  int ParkEmptyInput() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    const int parked = Park(ends[0]);
    close(ends[0]);
    close(ends[1]);
    return parked;
  }
  // Returns a copy of `fd` that no target collides with, or -1.
  int Park(int fd) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest_);
    if (copy >= 0) fds_.push_back(copy);
    return copy;
  }

 private:
  const int lowest_;
  std::vector<int> fds_;
};

class FileActions {
 public:
  explicit FileActions(int highest_target)
      : highest_target_(highest_target), parked_(highest_target) {
    posix_spawn_file_actions_init(&actions_);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  posix_spawn_file_actions_t* get() { return &actions_; }

  absl::Status Fill(const ChildOptions& options) {
    const int empty_input = parked_.ParkEmptyInput();
    if (empty_input < 0) return StartFailure(options.path, errno);
    int error = posix_spawn_file_actions_adddup2(&actions_, empty_input, STDIN_FILENO);
    for (const InheritedFd& fd : options.fds) {
      const int parked = parked_.Park(fd.from);
      if (parked < 0) return StartFailure(options.path, errno);
      if (error == 0) error = posix_spawn_file_actions_adddup2(&actions_, parked, fd.to);
    }
    if (error == 0 && !options.working_folder.empty()) {
      error = posix_spawn_file_actions_addchdir_np(&actions_, options.working_folder.c_str());
    }
    // All of ours are close-on-exec; this is for the ones that libraries may have opened.
    if (error == 0)
      error = posix_spawn_file_actions_addclosefrom_np(&actions_, highest_target_ + 1);
    return error == 0 ? absl::OkStatus() : StartFailure(options.path, error);
  }

 private:
  const int highest_target_;
  posix_spawn_file_actions_t actions_;
  ParkedFds parked_;
};

// A group of its own, nothing blocked, every signal at its default.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes_, &set);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// The null-terminated array of pointers into `strings` that exec wants.
std::vector<char*> PointersInto(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status CheckFolder(const ChildOptions& options) {
  struct stat info;
  if (options.working_folder.empty()) return absl::OkStatus();
  if (stat(options.working_folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("cannot start ", options.path, " in ",
                                          options.working_folder, ": no such folder"));
}

}  // namespace

std::string ExitStatus::Describe() const {
  if (exited) return absl::StrCat("exited with ", code);
  const char* const name = sigabbrev_np(signal);
  if (name == nullptr) return absl::StrCat("killed by signal ", signal);
  return absl::StrCat("killed by SIG", name);
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  MILLRACE_RETURN_IF_ERROR(CheckFolder(options));
  FileActions actions(HighestTarget(options));
  MILLRACE_RETURN_IF_ERROR(actions.Fill(options));
  const Attributes attributes;
  const std::vector<char*> argv = PointersInto(options.argv);
  const std::vector<char*> environment = PointersInto(options.environment);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, options.path.c_str(), actions.get(), attributes.get(),
                                argv.data(), environment.data());
  if (error != 0) return StartFailure(options.path, error);
  // The process is our unreaped child, so its number cannot mean another one yet.
  const int exit_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (exit_fd < 0) {
    const absl::Status failed = StartFailure(options.path, errno);
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return failed;
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, exit_fd));
}

ChildProcess::~ChildProcess() {
  if (!status_.has_value()) {
    KillGroup(SIGKILL);
    Wait();
  }
  close(exit_fd_);
}

void ChildProcess::KillGroup(int signal) {
  // Once reaped, the number may belong to somebody else; Reap has killed the group by then.
  if (!status_.has_value()) kill(-pid_, signal);
}

std::optional<ExitStatus> ChildProcess::Reap() { return ReapWith(WNOHANG); }

ExitStatus ChildProcess::Wait() { return *ReapWith(0); }

std::optional<ExitStatus> ChildProcess::ReapWith(int wait_options) {
  if (status_.has_value()) return status_;
  siginfo_t info = {};
  int result;
  do {
    result = waitid(P_PID, pid_, &info, WEXITED | WNOWAIT | wait_options);
  } while (result != 0 && errno == EINTR);
  if (result == 0 && info.si_pid == 0) return std::nullopt;
  // While the leader is a zombie, the number of the group is surely still its own.
  kill(-pid_, SIGKILL);
  int raw = 0;
  while (waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  ExitStatus status;
  status.exited = WIFEXITED(raw);
  status.code = status.exited ? WEXITSTATUS(raw) : 0;
  status.signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
  status_ = status;
  return status_;
}

}  // namespace millrace
