// Runs map tasks of one job, one at a time: input bytes in, one run file (or text part) out.
//
//   MapRunner runner(job, &file_system, {.memory_bytes = 512 << 20});
//   TaskHooks hooks;
//   absl::StatusOr<TaskResult> result = runner.Run(task, hooks);
//
// The output is a function of the task and the job alone: whatever was spilled on the way, one run
// with one sorted, combined sequence for each partition, so two attempts of a task have equal
// digests. It is written under a temporary name and renamed to `output_path` when complete.
//
// A runner is kept between the tasks of a job, because it keeps its memory: memory that the kernel
// has to hand out anew costs more than the work done in it. One thread. After an exception from
// user code the runner is as good as new, and so are the folders.
#ifndef MILLRACE_WORKER_ENGINE_MAP_RUNNER_H_
#define MILLRACE_WORKER_ENGINE_MAP_RUNNER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "storage/file_system.h"
#include "worker/engine/map_task.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

struct MapRunnerOptions {
  // Bound on the memory of the engine: tables, buffers and arenas together.
  uint64_t memory_bytes = 512 << 20;
};

class MapRunner {
 public:
  // `file_system` must outlive this object.
  MapRunner(const JobDescription& job, FileSystem* file_system, const MapRunnerOptions& options);
  ~MapRunner();
  MapRunner(const MapRunner&) = delete;
  MapRunner& operator=(const MapRunner&) = delete;

  // Errors: see failure.h; those of the mapper leave the cursor page at its record. Throws what
  // user code throws.
  absl::StatusOr<TaskResult> Run(const MapTask& task, TaskHooks& hooks);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_MAP_RUNNER_H_
