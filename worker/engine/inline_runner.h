// Runs a whole job in this process: all maps, then all reduces, one after the other.
//
//   InlineJobRunner runner(job, &file_system, options);
//   absl::StatusOr<InlineResult> result = runner.Run(splits);
//
// The same engine as in a cluster, without one: for --workers=inline (a debugger sees everything on
// one stack) and for tests. User code runs on the calling thread, and what it throws comes out.
#ifndef MILLRACE_WORKER_ENGINE_INLINE_RUNNER_H_
#define MILLRACE_WORKER_ENGINE_INLINE_RUNNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"
#include "storage/input_split.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

struct InlineOptions {
  // 0: a map-only job, with one part a split.
  uint32_t reducers = 1;
  std::vector<std::string> split_keys;  // as in MapTask
  uint64_t memory_bytes = 512 << 20;
  // An existing folder for map outputs and temporary files; they are gone when Run returns.
  std::string scratch_folder;
  // Where part `index` goes; its folder exists.
  std::function<std::string(uint32_t index)> part_path;
  // Whether reduces open map outputs in place, or see only the bytes of their partition, as they
  // would after a fetch. The output is the same.
  bool fetch = false;
};

struct InlineResult {
  std::vector<TaskResult> maps;
  std::vector<TaskResult> reduces;  // none in a map-only job
  std::map<std::string, int64_t> counters;
};

class InlineJobRunner {
 public:
  // `file_system` must outlive this object.
  InlineJobRunner(const JobDescription& job, FileSystem* file_system, const InlineOptions& options);

  // Called before each task, with its kind, index and hooks: to show progress, or to cancel.
  using TaskObserver = std::function<void(StageKind kind, uint32_t index, TaskHooks& hooks)>;

  // Errors are those of the task that failed first, with its name in front.
  absl::StatusOr<InlineResult> Run(const std::vector<InputSplit>& splits,
                                   const TaskObserver& observer = nullptr);

 private:
  struct MapRun {
    std::string path;
    AttemptId attempt;
    Digest digest;
  };

  absl::Status RunMaps(const std::vector<InputSplit>& splits, const TaskObserver& observer,
                       InlineResult* result);
  absl::Status RunReduces(const TaskObserver& observer, InlineResult* result);

  const JobDescription job_;
  FileSystem* const fs_;
  const InlineOptions options_;
  std::vector<MapRun> runs_;
  uint64_t attempts_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_INLINE_RUNNER_H_
