#include "client/role_process.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/own_binary.h"
#include "mapreduce/status_macros.h"
#include "storage/failpoint.h"

namespace millrace {
namespace {

// Where a role finds its descriptors; it inherits nothing else above standard error.
constexpr int kLifelineFd = 3;
constexpr int kReadyFd = 4;

// A role removes its folders and ends its own children in this time, or is killed with them.
constexpr int kGraceMs = 5000;

// Our own environment without what speaks to this process alone.
std::vector<std::string> InheritedEnvironment() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const absl::string_view text(*variable);
    if (absl::StartsWith(text, "MILLRACE_") || absl::StartsWith(text, "BUILD_W")) continue;
    environment.emplace_back(text);
  }
  for (std::string& variable : FailpointEnvironment()) environment.push_back(std::move(variable));
  return environment;
}

}  // namespace

absl::StatusOr<Pipe> Pipe::Make() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot make a pipe: ", strerror(errno)));
  }
  return Pipe(fds[0], fds[1]);
}

Pipe::Pipe(Pipe&& other) noexcept
    : read_fd_(std::exchange(other.read_fd_, -1)), write_fd_(std::exchange(other.write_fd_, -1)) {}

Pipe::~Pipe() {
  CloseReader();
  CloseWriter();
}

void Pipe::CloseReader() {
  if (read_fd_ >= 0) close(std::exchange(read_fd_, -1));
}

void Pipe::CloseWriter() {
  if (write_fd_ >= 0) close(std::exchange(write_fd_, -1));
}

absl::StatusOr<std::unique_ptr<RoleProcess>> RoleProcess::Start(const std::string& role,
                                                                RoleOptions options, int ready_fd) {
  MILLRACE_ASSIGN_OR_RETURN(Pipe lifeline, Pipe::Make());
  ChildOptions child;
  MILLRACE_ASSIGN_OR_RETURN(child.path, OwnBinaryPath());
  child.argv = {absl::StrCat("millrace-", role)};
  child.fds = {{lifeline.read_fd(), kLifelineFd}};
  options.Set("lifeline_fd", kLifelineFd);
  if (ready_fd >= 0) {
    child.fds.push_back({ready_fd, kReadyFd});
    options.Set("ready_fd", kReadyFd);
  }
  child.environment = InheritedEnvironment();
  child.environment.push_back(absl::StrCat(kRoleVariable, "=", role));
  child.environment.push_back(absl::StrCat(kRoleOptionsVariable, "=", options.Encode()));
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> process, ChildProcess::Start(child));
  lifeline.CloseReader();
  return std::unique_ptr<RoleProcess>(new RoleProcess(std::move(process), std::move(lifeline)));
}

RoleProcess::~RoleProcess() {
  LetGo();
  pollfd ended{child_->exit_fd(), POLLIN, 0};
  while (poll(&ended, 1, kGraceMs) < 0 && errno == EINTR) {
  }
  // What is left of the group dies with `child_`.
}

}  // namespace millrace
