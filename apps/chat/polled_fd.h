// Reads and writes file descriptors that belong to others, such as standard input and output,
// without blocking the event loop.
//
// O_NONBLOCK is a property of the open file, and that may be shared with the shell and with other
// programs on the same terminal or pipe, so it stays as it is: a descriptor is read or written only
// when poll(2) says that this does not block. That works for files and /dev/null, too, which epoll
// refuses. (Somebody else who reads the same terminal at the same time can still make us wait.)
//
// One operation at a time on each. Lives on one event loop.
#ifndef MILLRACE_APPS_CHAT_POLLED_FD_H_
#define MILLRACE_APPS_CHAT_POLLED_FD_H_

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/memory.h>

#include <string>

namespace millrace::chat {

class PolledInput {
 public:
  // `fd` must outlive it.
  PolledInput(kj::UnixEventPort& port, int fd) : port_(port), fd_(fd) {}
  KJ_DISALLOW_COPY(PolledInput);

  // Some bytes, as soon as there are any; none at the end. Rejects with FAILED when reading fails.
  kj::Promise<std::string> Read();

 private:
  kj::UnixEventPort& port_;
  const int fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;  // once there was reason to wait
};

class PolledOutput {
 public:
  // `fd` must outlive it.
  PolledOutput(kj::UnixEventPort& port, int fd) : port_(port), fd_(fd) {}
  KJ_DISALLOW_COPY(PolledOutput);

  // Resolves when all is written. Rejects with FAILED when writing fails.
  kj::Promise<void> Write(std::string bytes);

 private:
  kj::Promise<void> WriteFrom(const std::string& bytes, size_t begin);

  kj::UnixEventPort& port_;
  const int fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;  // once there was reason to wait
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_POLLED_FD_H_
