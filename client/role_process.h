// A process that this program starts as a re-execution of itself, to be a master or a worker.
//
// It is told its role and options in the environment, and holds one end of a pipe, its lifeline:
// when this program ends for whatever reason, the pipe ends, and with it the role. The same binary
// must call MaybeRunRole (client/roles.h) first thing in main. One thread.
#ifndef MILLRACE_CLIENT_ROLE_PROCESS_H_
#define MILLRACE_CLIENT_ROLE_PROCESS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/role_options.h"
#include "worker/child_process.h"

namespace millrace {

inline constexpr char kRoleVariable[] = "MILLRACE_ROLE";
inline constexpr char kRoleOptionsVariable[] = "MILLRACE_ROLE_OPTIONS";
inline constexpr char kWorkerRole[] = "worker";
inline constexpr char kMasterRole[] = "master";

// Both ends of a pipe, close-on-exec.
class Pipe {
 public:
  static absl::StatusOr<Pipe> Make();
  Pipe(Pipe&& other) noexcept;
  Pipe& operator=(Pipe&& other) = delete;
  ~Pipe();

  int read_fd() const { return read_fd_; }
  int write_fd() const { return write_fd_; }
  void CloseReader();
  void CloseWriter();

 private:
  Pipe(int read_fd, int write_fd) : read_fd_(read_fd), write_fd_(write_fd) {}
  int read_fd_;
  int write_fd_;
};

class RoleProcess {
 public:
  // Starts the role with `options`; "lifeline_fd" is added to them. When `ready_fd` is not -1 the
  // role inherits it and finds its number as "ready_fd".
  static absl::StatusOr<std::unique_ptr<RoleProcess>> Start(const std::string& role,
                                                            RoleOptions options, int ready_fd = -1);

  // Lets go, waits a while for the end, then kills the process group.
  ~RoleProcess();
  RoleProcess(const RoleProcess&) = delete;
  RoleProcess& operator=(const RoleProcess&) = delete;

  // Cuts the lifeline without waiting, so that several roles can end side by side.
  void LetGo() { lifeline_.CloseWriter(); }

  ChildProcess& child() { return *child_; }

 private:
  RoleProcess(std::unique_ptr<ChildProcess> child, Pipe lifeline)
      : child_(std::move(child)), lifeline_(std::move(lifeline)) {}

  const std::unique_ptr<ChildProcess> child_;
  Pipe lifeline_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_ROLE_PROCESS_H_
