// Runs attempts of one job in this process, one after the other, and says how each ended.
//
//   TaskExecutor executor(job, &file_system, /*cursor_page=*/nullptr);
//   AttemptOutcome outcome = executor.Run(task);
//
// This is the one place where user code is called: what it throws ends here, as a cause and a
// message, like every status of the engine. The engine's memory is kept between attempts. Run
// blocks; Progress and Cancel may be called from any thread meanwhile.
#ifndef MILLRACE_WORKER_TASK_EXECUTOR_H_
#define MILLRACE_WORKER_TASK_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "rpc/profile.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"
#include "worker/engine/cursor_page.h"
#include "worker/engine/map_runner.h"
#include "worker/engine/reduce_runner.h"
#include "worker/engine/task_hooks.h"
#include "worker/executor_task.h"

namespace millrace {

class TaskExecutor {
 public:
  // `job`, `file_system` and `cursor_page` (if any) must outlive this object.
  TaskExecutor(const JobDescription& job, FileSystem* file_system, CursorPage* cursor_page);
  TaskExecutor(const TaskExecutor&) = delete;
  TaskExecutor& operator=(const TaskExecutor&) = delete;

  // Never throws. Times and memory are those of the calling thread and of this process.
  AttemptOutcome Run(const ExecutorTask& task);

  AttemptProgress Progress() const;
  // Ends the current attempt soon, with Cause::kCancelled.
  void Cancel();

 private:
  class Meter;

  // Calls the engine and through it user code, which may throw.
  absl::StatusOr<TaskResult> RunEngine(const ExecutorTask& task, TaskHooks& hooks);
  absl::StatusOr<TaskResult> RunMap(const ExecutorTask& task, TaskHooks& hooks);
  absl::StatusOr<TaskResult> RunReduce(const ExecutorTask& task, TaskHooks& hooks);
  // The same, with whatever user code throws as a status.
  absl::StatusOr<TaskResult> RunGuarded(const ExecutorTask& task, TaskHooks& hooks);

  void AddProfile(Profile profile, AttemptOutcome* outcome);

  const JobDescription& job_;
  FileSystem* const file_system_;
  CursorPage own_cursor_page_;  // when the caller wants none
  CursorPage* const cursor_page_;
  std::unique_ptr<MapRunner> map_runner_;
  std::unique_ptr<ReduceRunner> reduce_runner_;
  // CPU time that profiles have had: of attempts, and of the rest of this process.
  uint64_t attempts_cpu_us_ = 0;
  uint64_t control_cpu_us_ = 0;

  // Of the running attempt; what other threads may look at.
  std::shared_ptr<TaskHooks> hooks() const { return std::atomic_load(&hooks_); }
  std::shared_ptr<TaskHooks> hooks_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_TASK_EXECUTOR_H_
