// Where blocking work runs, so that a slow disk never stops an event loop.
//
// Work is a function without promises: it touches files, not KJ objects, and gives a status. Its
// other results go through memory that it shares with its caller, who looks only after the promise
// has resolved.
#ifndef MILLRACE_RPC_IO_THREAD_H_
#define MILLRACE_RPC_IO_THREAD_H_

#include <kj/async.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"

namespace millrace {

// Runs work in the order in which it came. Work that was accepted runs to its end, also when
// nobody waits for the promise any more.
class BlockingRunner {
 public:
  virtual ~BlockingRunner() = default;

  // Resolves with what `work` returned; with kResourceExhausted, and without running it, when the
  // queue is full. To be called from one event loop only; `work` must not throw.
  virtual kj::Promise<absl::Status> Run(std::function<absl::Status()> work) = 0;
};

// One thread of its own. Must be destroyed before the event loop that calls Run.
class IoThread final : public BlockingRunner {
 public:
  static constexpr size_t kMaxQueued = 1024;

  IoThread();
  // Finishes what is queued, then joins.
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override;

  // The same without a result. False: the queue is full. Any thread.
  bool Post(std::function<void()> work);

 private:
  class Queue;
  const std::unique_ptr<Queue> queue_;
};

// Runs work at once, on the caller: for simulation, where files are memory.
class InlineRunner final : public BlockingRunner {
 public:
  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_IO_THREAD_H_
