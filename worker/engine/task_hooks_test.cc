#include "worker/engine/task_hooks.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TaskHooksTest, ATaskIsCancelledOnceSomebodyAskedForIt) {
  TaskHooks hooks;
  EXPECT_TRUE(CheckCancelled(hooks).ok());
  hooks.cancelled = true;
  EXPECT_EQ(CheckCancelled(hooks).code(), absl::StatusCode::kCancelled);
}

TEST(TaskHooksTest, APhaseIsNotedByTheClockIfThereIsOne) {
  class LastPhase : public PhaseClock {
   public:
    void Enter(TaskPhase phase) override { last = phase; }
    TaskPhase last = TaskPhase::kMap;
  };
  TaskHooks hooks;
  hooks.Enter(TaskPhase::kMerge);  // nobody listens
  LastPhase clock;
  hooks.phase_clock = &clock;
  hooks.Enter(TaskPhase::kCommit);
  EXPECT_EQ(clock.last, TaskPhase::kCommit);
}

}  // namespace
}  // namespace millrace
