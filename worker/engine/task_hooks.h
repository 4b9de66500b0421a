// What the engine tells its surroundings while a task runs, and what they may tell it.
//
// The engine is synchronous and has no clock: it counts progress, says which step it enters and
// what it works at, keeps the cursor page up to date and looks at the cancellation flag at every
// chunk and every few thousand records. One TaskHooks serves one attempt.
#ifndef MILLRACE_WORKER_ENGINE_TASK_HOOKS_H_
#define MILLRACE_WORKER_ENGINE_TASK_HOOKS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rpc/task_types.h"
#include "storage/digest.h"
#include "worker/engine/cursor_page.h"
#include "worker/engine/phase_sampler.h"

namespace millrace {

// The steps of a task. A task may go back and forth between them.
enum class TaskPhase : uint8_t {
  kMap = 0,     // reading input and running the mapper
  kSort = 1,    // partitioning, sorting and writing a run
  kMerge = 2,   // merging spilled runs, or sources of a reduce beyond the fan-in
  kReduce = 3,  // merging sources and running the reducer
  kCommit = 4,  // syncing and renaming the output
};
constexpr int kTaskPhaseCount = 5;

// Notes when a phase begins; called on the thread of the task.
class PhaseClock {
 public:
  virtual ~PhaseClock() = default;
  virtual void Enter(TaskPhase phase) = 0;
};

struct TaskHooks {
  // Grow while the task runs; any thread may read them.
  std::atomic<uint64_t> progress_bytes{0};
  std::atomic<uint64_t> progress_records{0};
  // Records that were only moved: spilled, combined, or merged with others of their kind.
  std::atomic<uint64_t> moved_records{0};

  // Any thread may set it; the task then ends with kCancelled.
  std::atomic<bool> cancelled{false};

  // Optional; they must outlive the task.
  PhaseClock* phase_clock = nullptr;
  CursorPage* cursor_page = nullptr;

  // On the thread of the task alone, which makes it cheaper than an atomic addition.
  void CountMoved(uint64_t records) {
    moved_records.store(moved_records.load(std::memory_order_relaxed) + records,
                        std::memory_order_relaxed);
  }
  void Enter(TaskPhase phase) {
    if (phase_clock != nullptr) phase_clock->Enter(phase);
  }

  // For whoever wants to know where the time goes; `clock` must outlive the task.
  void SetWorkClock(WorkClock* clock) {
    work_clock_ = clock;
    sampler = PhaseSampler(clock);
  }
  // A section of work begins, by itself or with turns that `sampler` looks at.
  void Work(WorkPhase phase) {
    if (work_clock_ != nullptr) work_clock_->Enter(phase, sampler.Take());
  }
  void CountWork(WorkPhase phase, uint64_t bytes) {
    if (work_clock_ != nullptr) work_clock_->AddBytes(phase, bytes);
  }
  // The same in a turn, for all those that it stands for.
  void CountInTurn(WorkPhase phase, uint64_t bytes) {
    if (__builtin_expect(sampler.looking(), 0)) {
      CountWork(phase, PhaseSampler::kTurnsPerSample * bytes);
    }
  }
  PhaseSampler sampler;

 private:
  WorkClock* work_clock_ = nullptr;
};

// kCancelled when someone asked for it.
absl::Status CheckCancelled(const TaskHooks& hooks);

// What a task that succeeded has to say.
struct TaskResult {
  // Of the run's logical content (a map with parts), or of the bytes of the text part.
  Digest digest;
  // Bytes, records and spills; times and memory are measured by the caller.
  AttemptStats stats;
  std::map<std::string, int64_t> counters;  // "group/name"
  std::vector<HeavyKey> heavy_keys;         // of a reduce, if it has any; the heaviest first
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_TASK_HOOKS_H_
