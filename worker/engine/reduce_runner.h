// Runs reduce tasks of one job, one at a time: one partition of every map's run in, one part out.
//
//   ReduceRunner runner(job, &file_system, {.memory_bytes = 512 << 20});
//   TaskHooks hooks;
//   absl::StatusOr<TaskResult> result = runner.Run(task, hooks);
//
// The sources are merged as streams, so memory does not grow with them: beyond what the memory
// limit lets it merge at once, it merges in passes through the temporary folder. Values of one key
// come in the order of the sources, and within one in the order of its run.
//
// The part is written as JobDescription::output says, under a temporary name, and renamed to
// `output_path`; it is durable, with its folder, when Run returns. One thread.
#ifndef MILLRACE_WORKER_ENGINE_REDUCE_RUNNER_H_
#define MILLRACE_WORKER_ENGINE_REDUCE_RUNNER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "storage/file_system.h"
#include "worker/engine/reduce_task.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

struct ReduceRunnerOptions {
  uint64_t memory_bytes = 512 << 20;
};

class ReduceRunner {
 public:
  // `file_system` must outlive this object.
  ReduceRunner(const JobDescription& job, FileSystem* file_system,
               const ReduceRunnerOptions& options);
  ~ReduceRunner();
  ReduceRunner(const ReduceRunner&) = delete;
  ReduceRunner& operator=(const ReduceRunner&) = delete;

  // Errors: see failure.h. Throws what user code throws.
  absl::StatusOr<TaskResult> Run(const ReduceTask& task, TaskHooks& hooks);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_REDUCE_RUNNER_H_
