// The thread on which user code runs in an executor, so that its event loop stays free to answer.
//
// Start hands it one attempt at a time; the outcome is handed to `done` on that thread, which must
// pass it on to wherever it belongs. Start and the destructor belong to one thread (the event
// loop's); Progress may be called from any.
#ifndef MILLRACE_WORKER_ATTEMPT_RUNNER_H_
#define MILLRACE_WORKER_ATTEMPT_RUNNER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "worker/task_executor.h"

namespace millrace {

class AttemptRunner {
 public:
  using Done = std::function<void(AttemptOutcome)>;

  // `executor` must outlive this object and is used by its thread alone.
  explicit AttemptRunner(TaskExecutor* executor);
  // Cancels what runs and waits for it: for ever, if user code does not return.
  ~AttemptRunner();
  AttemptRunner(const AttemptRunner&) = delete;
  AttemptRunner& operator=(const AttemptRunner&) = delete;

  // false: an attempt is running; `done` will not be called.
  bool Start(ExecutorTask task, Done done);

  AttemptProgress Progress() const { return executor_->Progress(); }

 private:
  struct Order {
    ExecutorTask task;
    Done done;
  };

  void Loop();

  TaskExecutor* const executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Order> order_;  // waits to be run
  bool busy_ = false;           // an order waits or runs
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_RUNNER_H_
