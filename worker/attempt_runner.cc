#include "worker/attempt_runner.h"

#include <utility>

namespace millrace {

AttemptRunner::AttemptRunner(TaskExecutor* executor)
    : executor_(executor), thread_([this]() { Loop(); }) {}

AttemptRunner::~AttemptRunner() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  executor_->Cancel();
  thread_.join();
}

bool AttemptRunner::Start(ExecutorTask task, Done done) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (busy_) return false;
    busy_ = true;
    order_ = Order{std::move(task), std::move(done)};
  }
  wake_.notify_one();
  return true;
}

void AttemptRunner::Loop() {
  while (true) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait(lock, [this]() { return stopping_ || order_.has_value(); });
    if (stopping_) return;
    Order order = *std::exchange(order_, std::nullopt);
    lock.unlock();
    AttemptOutcome outcome = executor_->Run(order.task);
    lock.lock();
    busy_ = false;  // before the outcome is known, so that its receiver can start the next attempt
    lock.unlock();
    order.done(std::move(outcome));
  }
}

}  // namespace millrace
