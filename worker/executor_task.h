// One attempt as an executor sees it: files in, files out, nothing about the cluster.
#ifndef MILLRACE_WORKER_EXECUTOR_TASK_H_
#define MILLRACE_WORKER_EXECUTOR_TASK_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/input_split.h"
#include "worker/engine/reduce_task.h"

namespace millrace {

// Beyond the memory of a task (its memory_bytes, which bounds the engine): what the engine's
// buffers may add, and as much again for what user code keeps.
constexpr uint64_t kMemoryBesidesTask = 128u << 20;

// With this code an executor ends itself when it has more anonymous memory than both together.
constexpr int kMemoryLimitExitCode = 113;

// In the environment of an executor: which job of a chain it runs, counted from 0.
inline constexpr char kStepVariable[] = "MILLRACE_STEP";

struct ExecutorTask {
  AttemptId attempt;
  TaskId task;
  uint32_t partitions = 0;  // R; 0 in a map-only job
  std::string output_path;
  std::string temp_folder;  // exists
  uint64_t memory_bytes = 512u << 20;
  std::vector<std::string> environment;  // "NAME=value", set before user code runs

  bool profile = false;  // whether its outcome says where the CPU time went

  // Of a map: as in MapTask.
  bool one_by_one = false;
  std::vector<InputRecord> skip;
  bool keeps_output = false;
  std::vector<std::string> split_keys;  // as in JobSpec
  AttemptId part_of;                    // as in AttemptSpec

  // What a map reads, or a reduce (in the order of map_index).
  std::variant<InputSplit, std::vector<ReduceSource>> work;

  StageKind kind() const {
    return std::holds_alternative<InputSplit>(work) ? StageKind::kMap : StageKind::kReduce;
  }
};

// How far an attempt is.
struct AttemptProgress {
  uint64_t bytes = 0;    // of its input: read by a map, fetched for a reduce
  uint64_t records = 0;  // of its input that it is done with
  uint64_t steps = 0;    // grows whenever the attempt gets anything done
  // How much of its work is behind it, in the unit that suits its kind; total 0: not known.
  uint64_t done = 0;
  uint64_t total = 0;
  std::string status;  // what it says of itself (rpc/attempt_status.h); empty: nothing
  // False: the executor does not answer, and this is what it said last.
  bool answered = true;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_TASK_H_
