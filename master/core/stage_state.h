// The tasks of one stage of a job: which are idle, running and done, and which comes next.
//
// A task takes 48 bytes for good; what only running or troubled tasks need is kept elsewhere. Each
// call is O(1) or O(log of the tasks that failed), so a stage may have millions of tasks.
#ifndef MILLRACE_MASTER_CORE_STAGE_STATE_H_
#define MILLRACE_MASTER_CORE_STAGE_STATE_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_set.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

enum class TaskState : uint8_t { kIdle = 0, kRunning = 1, kDone = 2 };

struct Task {
  Digest digest;  // of the output; kept when the output is lost, to compare
  uint64_t winner_sequence = 0;
  uint64_t output_bytes = 0;
  uint32_t winner_epoch = 0;
  uint32_t winner_worker = 0;  // worker ids are handed out one by one: 32 bits last
  uint16_t user_failures = 0;
  uint16_t other_failures = 0;  // ends of attempts for other causes, and lost outputs
  TaskState state = TaskState::kIdle;
  bool was_done = false;  // at some time; its digest and counters are known
  Reason next_reason = Reason::kFirst;

  bool done() const { return state == TaskState::kDone; }
  // Both mean something only while the task is done.
  AttemptId winner() const { return AttemptId{Epoch(winner_epoch), winner_sequence}; }
  WorkerId worker() const { return WorkerId(winner_worker); }
};
static_assert(sizeof(Task) <= 48, "a million tasks share the memory of one master");

class StageState {
 public:
  explicit StageState(uint32_t count) : tasks_(count) {}

  uint32_t total() const { return static_cast<uint32_t>(tasks_.size()); }
  uint32_t running() const { return running_; }
  uint32_t done() const { return done_; }
  uint32_t idle() const { return total() - running_ - done_; }
  bool complete() const { return done_ == total(); }
  bool Has(uint32_t index) const { return index < tasks_.size(); }

  const Task& operator[](uint32_t index) const { return tasks_[index]; }
  // For everything but the state, which SetState changes.
  Task& Mutable(uint32_t index) { return tasks_[index]; }
  void SetState(uint32_t index, TaskState state);

  // Whether an idle task was done before: its output is gone, and reduces wait for it.
  bool HasRerun() const { return !reruns_.empty(); }
  // Whether an idle task was never done.
  bool HasFresh() const { return idle() > reruns_.size(); }
  // The idle task to start next: lost outputs first, then retries, then the rest, each by index.
  // Only when idle() > 0.
  uint32_t Next();

 private:
  std::vector<Task> tasks_;
  uint32_t running_ = 0;
  uint32_t done_ = 0;

  // Every idle task is at or after cursor_, or in one of the sets.
  uint32_t cursor_ = 0;
  absl::btree_set<uint32_t> retries_;  // idle, before cursor_, never done
  absl::btree_set<uint32_t> reruns_;   // idle, done before
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_STAGE_STATE_H_
