#include "master/core/stage_state.h"

#include "master/core/check.h"

namespace millrace {

void StageState::SetState(uint32_t index, TaskState state) {
  Task& task = tasks_[index];
  switch (task.state) {
    case TaskState::kIdle:
      retries_.erase(index);
      reruns_.erase(index);
      break;
    case TaskState::kRunning: --running_; break;
    case TaskState::kDone: --done_; break;
  }
  task.state = state;
  switch (state) {
    case TaskState::kIdle:
      if (task.was_done) {
        reruns_.insert(index);
      } else if (index < cursor_) {
        retries_.insert(index);
      }
      break;
    case TaskState::kRunning: ++running_; break;
    case TaskState::kDone:
      ++done_;
      task.was_done = true;
      break;
  }
}

uint32_t StageState::Next() {
  if (!reruns_.empty()) return *reruns_.begin();
  if (!retries_.empty()) return *retries_.begin();
  while (cursor_ < tasks_.size() && tasks_[cursor_].state != TaskState::kIdle) ++cursor_;
  CORE_CHECK(cursor_ < tasks_.size());
  return cursor_;
}

}  // namespace millrace
