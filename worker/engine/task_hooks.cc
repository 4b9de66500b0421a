#include "worker/engine/task_hooks.h"

namespace millrace {

absl::Status CheckCancelled(const TaskHooks& hooks) {
  if (hooks.cancelled.load(std::memory_order_relaxed)) {
    return absl::CancelledError("the attempt was cancelled");
  }
  return absl::OkStatus();
}

}  // namespace millrace
