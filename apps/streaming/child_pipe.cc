#include "apps/streaming/child_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

// Large pipes and blocks: each change between two processes costs as much as 50 KiB.
constexpr int kPipeBytes = 256 << 10;
constexpr size_t kBlockBytes = 256 << 10;

// A program that reads and writes little at a time would have both of us woken for each piece. When
// a turn has moved less than this, the next one waits a moment, so that there is more to move.
constexpr size_t kFewBytes = 32 << 10;
constexpr int kMomentMs = 1;

void Close(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// One pipe; what is left of it is closed.
struct Pipe {
  ~Pipe() {
    Close(&read_end);
    Close(&write_end);
  }
  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    fcntl(read_end, F_SETPIPE_SZ, kPipeBytes);  // as far as the system allows
    return true;
  }
  int read_end = -1;
  int write_end = -1;
};

std::vector<char*> PointersInto(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// With nothing blocked and every signal at its default; in our process group, so that it ends with
// this attempt's process.
int Spawn(const ChildCommand& command, const Pipe (&pipes)[3], pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[0].read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[1].write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[2].write_end, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error =
      posix_spawn(pid, command.program.c_str(), &actions, &attributes,
                  PointersInto(command.words).data(), PointersInto(command.environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

absl::Status CannotStart(const ChildCommand& command, int error) {
  const std::string message =
      absl::StrCat("cannot start ", command.program, ": ", strerror(error),
                   error == ENOEXEC  ? "; does it lack its first line, such as #!/bin/sh?"
                   : error == ENOENT ? "; is the interpreter that its first line names there?"
                                     : "");
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

}  // namespace

std::string ChildEnd::Describe() const {
  if (signal == 0) return absl::StrCat("exited with ", exit_code);
  const char* const name = sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("was killed by signal ", signal)
                         : absl::StrCat("was killed by SIG", name);
}

ChildPipe::ChildPipe(pid_t pid, int exit_fd, Sink on_output, Sink on_error)
    : pid_(pid),
      exit_fd_(exit_fd),
      on_output_(std::move(on_output)),
      on_error_(std::move(on_error)),
      buffer_(std::make_unique<char[]>(kBlockBytes)) {}

absl::StatusOr<std::unique_ptr<ChildPipe>> ChildPipe::Start(const ChildCommand& command,
                                                            Sink on_output, Sink on_error) {
  signal(SIGPIPE, SIG_IGN);  // a program that reads no further is not our end
  Pipe pipes[3];
  for (Pipe& pipe : pipes) {
    if (!pipe.Open()) return CannotStart(command, errno);
  }
  pid_t pid = 0;
  if (const int error = Spawn(command, pipes, &pid); error != 0) return CannotStart(command, error);
  const int exit_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  auto child =
      absl::WrapUnique(new ChildPipe(pid, exit_fd, std::move(on_output), std::move(on_error)));
  if (exit_fd < 0) return CannotStart(command, errno);
  child->input_ = std::exchange(pipes[0].write_end, -1);
  child->output_ = std::exchange(pipes[1].read_end, -1);
  child->error_ = std::exchange(pipes[2].read_end, -1);
  for (const int fd : {child->input_, child->output_, child->error_}) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return child;
}

ChildPipe::~ChildPipe() {
  Close(&input_);
  Close(&output_);
  Close(&error_);
  if (running_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Close(&exit_fd_);
}

void ChildPipe::Write(std::string_view data) {
  while (!data.empty() && input_ >= 0) {
    const ssize_t written = write(input_, data.data(), data.size());
    if (written > 0) {
      data.remove_prefix(static_cast<size_t>(written));
      moved_ += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      Wait(Until::kInputReady);
    } else if (errno != EINTR) {
      Close(&input_);
    }
  }
}

void ChildPipe::Kill() {
  if (running_) kill(pid_, SIGKILL);
}

void ChildPipe::ReadAvailable() { Wait(Until::kNow); }

ChildEnd ChildPipe::Finish() {
  Close(&input_);
  Wait(Until::kExit);
  // What it wrote at last. Others may still hold the pipes.
  while (Take(&output_, on_output_)) {
  }
  while (Take(&error_, on_error_)) {
  }
  int raw = 0;
  while (waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  running_ = false;
  ChildEnd end;
  if (WIFEXITED(raw)) end.exit_code = WEXITSTATUS(raw);
  if (WIFSIGNALED(raw)) end.signal = WTERMSIG(raw);
  return end;
}

void ChildPipe::Wait(Until until) {
  for (;;) {
    if (until != Until::kNow && std::exchange(moved_, 0) < kFewBytes) WaitAMoment();
    pollfd fds[4] = {{output_, POLLIN, 0},
                     {error_, POLLIN, 0},
                     {until == Until::kInputReady ? input_ : -1, POLLOUT, 0},
                     {until == Until::kNow ? -1 : exit_fd_, POLLIN, 0}};
    const int ready = poll(fds, 4, until == Until::kNow ? 0 : -1);
    if (ready < 0 && errno != EINTR) return;
    if (ready <= 0 && until == Until::kNow) return;
    if (ready <= 0) continue;
    if (fds[0].revents != 0) Take(&output_, on_output_);
    if (fds[1].revents != 0) Take(&error_, on_error_);
    if (fds[2].revents != 0) return;  // or it has no reader any more, which the write will tell
    if (fds[3].revents != 0) {
      // It is gone, whoever still holds its input.
      if (until == Until::kInputReady) Close(&input_);
      return;
    }
  }
}

// Or less, if the program ends or closes something.
void ChildPipe::WaitAMoment() {
  pollfd ends[4] = {{output_, 0, 0}, {error_, 0, 0}, {input_, 0, 0}, {exit_fd_, POLLIN, 0}};
  poll(ends, 4, kMomentMs);
}

bool ChildPipe::Take(int* fd, const Sink& sink) {
  if (*fd < 0) return false;
  const ssize_t size = read(*fd, buffer_.get(), kBlockBytes);
  if (size > 0) {
    moved_ += static_cast<size_t>(size);
    sink(std::string_view(buffer_.get(), static_cast<size_t>(size)));
    return true;
  }
  if (size < 0 && errno == EINTR) return true;
  if (size == 0 || errno != EAGAIN) Close(fd);
  return false;
}

}  // namespace millrace
