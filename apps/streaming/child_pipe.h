// A program that runs beside us, fed through its standard input and read through its outputs.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto child, ChildPipe::Start(command, on_output, on_error));
//   child->Write(data);                  // as often as needed
//   const ChildEnd end = child->Finish();
//
// What the program writes is handed over while we wait for it to read, so neither side ever waits
// for the other in vain, however much it buffers. A program that reads no further is fine: what is
// written then is dropped. No threads; calls may block as long as the program does.
#ifndef MILLRACE_APPS_STREAMING_CHILD_PIPE_H_
#define MILLRACE_APPS_STREAMING_CHILD_PIPE_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace {

struct ChildCommand {
  std::string program;                   // absolute path
  std::vector<std::string> words;        // the argument list, from the program's name
  std::vector<std::string> environment;  // "NAME=value"
  std::string folder;                    // in which it runs
};

// How a program ended: exactly one of the two.
struct ChildEnd {
  int exit_code = 0;
  int signal = 0;  // 0: it exited

  bool ok() const { return exit_code == 0 && signal == 0; }
  std::string Describe() const;  // "exited with 3", "was killed by SIGSEGV"
};

class ChildPipe {
 public:
  // Gets blocks of what the program writes, valid during the call. Must not throw.
  using Sink = std::function<void(std::string_view)>;

  // A program that cannot be started is kNotFound or kPermissionDenied, with its name.
  static absl::StatusOr<std::unique_ptr<ChildPipe>> Start(const ChildCommand& command,
                                                          Sink on_output, Sink on_error);
  // Kills the program if it still runs.
  ~ChildPipe();
  ChildPipe(const ChildPipe&) = delete;
  ChildPipe& operator=(const ChildPipe&) = delete;

  // Returns when the program, or the pipe to it, has taken `data`.
  void Write(std::string_view data);
  // The program has closed its standard input: nothing reaches it any more.
  bool input_closed() const { return input_ < 0; }

  // Ends the program. May be called by a sink.
  void Kill();

  // Hands over what the program has written so far.
  void ReadAvailable();

  // Closes the program's input, takes what it still writes, and waits for its end. Processes that
  // it left behind are not waited for.
  ChildEnd Finish();

 private:
  ChildPipe(pid_t pid, int exit_fd, Sink on_output, Sink on_error);

  enum class Until { kInputReady, kExit, kNow };
  // Hands over what comes meanwhile.
  void Wait(Until until);
  void WaitAMoment();
  // Takes one block; closes the descriptor at the end. False if there was nothing.
  bool Take(int* fd, const Sink& sink);

  const pid_t pid_;
  int exit_fd_;          // becomes readable when the program ends
  bool running_ = true;  // or not yet waited for
  int input_ = -1;       // ours of the three pipes; -1: closed
  int output_ = -1;
  int error_ = -1;
  size_t moved_ = 0;  // bytes since the last turn of waiting
  const Sink on_output_;
  const Sink on_error_;
  const std::unique_ptr<char[]> buffer_;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_CHILD_PIPE_H_
