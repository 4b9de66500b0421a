// What one map attempt is to do. A plain value.
#ifndef MILLRACE_WORKER_ENGINE_MAP_TASK_H_
#define MILLRACE_WORKER_ENGINE_MAP_TASK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mapreduce/record_shape.h"
#include "rpc/ids.h"
#include "storage/input_split.h"

namespace millrace {

struct MapTask {
  TaskId task;
  AttemptId attempt;
  InputSplit split;
  RecordShape shape;
  // Whether the mapper gets its records one by one instead of in chunks: slower, but the cursor
  // page then has the record at which it failed, even if the mapper keeps no cursor.
  bool one_by_one = false;
  std::vector<InputRecord> skip;  // that the mapper does not get; needs one_by_one
  // 0: a map-only job; the output is a text part, `key<TAB>value<LF>` in the order of Emit.
  uint32_t partitions = 0;
  // In a job with a total order: partitions - 1 keys, ascending, of which each begins a partition.
  std::vector<std::string> split_keys;
  // Text parts are synced, with their folder; runs only if they are to be kept, for they can be
  // made again.
  std::string output_path;
  bool keeps_output = false;
  // An existing folder for spills; they are gone when Run returns.
  std::string temp_folder;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_MAP_TASK_H_
