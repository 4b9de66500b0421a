#include "worker/executor_pool.h"

#include <utility>

#include "mapreduce/status_macros.h"

namespace millrace {

absl::StatusOr<kj::Own<Executor>> ExecutorPool::Take(JobId job, const ExecutorCommand& command) {
  DropDead();
  // The one that worked last has the warmest memory.
  for (auto idle = idle_.rbegin(); idle != idle_.rend(); ++idle) {
    if (idle->job != job) continue;
    kj::Own<Executor> executor = kj::mv(idle->executor);
    idle_.erase(std::next(idle).base());
    ++busy_;
    return kj::mv(executor);
  }
  while (!idle_.empty() && busy_ + idle_.size() >= slots_) idle_.pop_front();
  MILLRACE_ASSIGN_OR_RETURN(kj::Own<Executor> executor, factory_.Start(command));
  ++busy_;
  return kj::mv(executor);
}

void ExecutorPool::GiveBack(JobId job, kj::Own<Executor> executor) {
  --busy_;
  if (!executor->alive()) return;
  idle_.push_back(Idle{job, kj::mv(executor)});
  while (busy_ + idle_.size() > slots_ && !idle_.empty()) idle_.pop_front();
}

void ExecutorPool::EndJob(JobId job) {
  idle_.remove_if([job](const Idle& idle) { return idle.job == job; });
}

void ExecutorPool::DropDead() {
  idle_.remove_if([](const Idle& idle) { return !idle.executor->alive(); });
}

}  // namespace millrace
