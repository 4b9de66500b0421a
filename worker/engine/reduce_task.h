// What one reduce attempt is to do. A plain value.
#ifndef MILLRACE_WORKER_ENGINE_REDUCE_TASK_H_
#define MILLRACE_WORKER_ENGINE_REDUCE_TASK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "rpc/ids.h"
#include "storage/digest.h"
#include "storage/run_format.h"

namespace millrace {

// One partition of one map task's output, on local disk.
struct ReduceSource {
  uint32_t map_index = 0;
  std::string path;

  // true: `path` is a complete run file. Its footer must name `attempt` and have `run_digest`.
  // false: `path` holds exactly the bytes of the partition.
  bool whole_run = false;
  AttemptId attempt;
  Digest run_digest;
  // What the run's footer says of the partition. The offset is not used for a fetched one. An empty
  // one is not opened.
  RunPartition expected;
  RecordFormat format;
};

struct ReduceTask {
  TaskId task;
  AttemptId attempt;
  uint32_t partition = 0;
  std::vector<ReduceSource> sources;  // in the order of map_index
  std::string output_path;
  std::string temp_folder;  // an existing folder for passes; they are gone when Run returns
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_REDUCE_TASK_H_
