// One child process: started without fork, ended with all its own children.
//
//   ChildOptions options;
//   options.path = "/bin/cat";
//   options.argv = {"cat"};
//   absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(options);
//
// The child leads a process group of its own, so that what it starts can be killed with it. Its
// standard input is empty, its signal mask and handlers are the defaults, and it inherits exactly
// the descriptors that were named. Starting costs the same however large the parent is
// (posix_spawn shares memory until the child runs its program; fork would copy page tables).
//
// The destructor kills the group and waits for the leader. One thread.
#ifndef MILLRACE_WORKER_CHILD_PROCESS_H_
#define MILLRACE_WORKER_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

// How a process ended.
struct ExitStatus {
  bool exited = false;  // by itself; otherwise killed by `signal`
  int code = 0;
  int signal = 0;

  bool success() const { return exited && code == 0; }
  // "exited with 3", "killed by SIGSEGV".
  std::string Describe() const;
};

// The child sees the parent's descriptor `from` as `to`.
struct InheritedFd {
  int from = -1;
  int to = -1;
};

struct ChildOptions {
  std::string path;                      // of the program
  std::vector<std::string> argv;         // argv[0] included
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  std::string working_folder;            // empty: the parent's
  // Standard output and error too, when they are not to be the parent's.
  std::vector<InheritedFd> fds;
};

class ChildProcess {
 public:
  // Errors name the program and what to do: kNotFound (the program, its loader or the working
  // folder), kPermissionDenied (not executable, or on a file system mounted noexec),
  // kFailedPrecondition (made for another machine, or no program at all), kUnavailable (the program
  // is being written, or this host is out of processes or memory), kInvalidArgument (arguments and
  // environment are too long).
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);

  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Becomes readable when the process has ended; owned by this object.
  int exit_fd() const { return exit_fd_; }

  // Sends `signal` to the process and all its descendants that stayed in its group.
  void KillGroup(int signal);

  // How it ended, or nothing while it runs. When it has ended, what is left of its group is killed.
  // Never blocks.
  std::optional<ExitStatus> Reap();
  // The same, but waits for the end.
  ExitStatus Wait();

 private:
  ChildProcess(pid_t pid, int exit_fd) : pid_(pid), exit_fd_(exit_fd) {}
  std::optional<ExitStatus> ReapWith(int wait_options);

  const pid_t pid_;
  const int exit_fd_;
  std::optional<ExitStatus> status_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_CHILD_PROCESS_H_
