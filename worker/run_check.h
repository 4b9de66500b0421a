// Whether a file is the map output that somebody asked for. Blocks; any thread.
#ifndef MILLRACE_WORKER_RUN_CHECK_H_
#define MILLRACE_WORKER_RUN_CHECK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rpc/ids.h"
#include "storage/file_system.h"
#include "storage/run_format.h"

namespace millrace {

struct OpenPartition {
  std::unique_ptr<ReadableFile> file;
  PartitionOfRun run;
};

// Opens the run at `path` to read one partition. kDataLoss unless it is complete, was made by
// `attempt` of `task`, and has `partition`; the message begins with the path.
absl::StatusOr<OpenPartition> OpenPartitionOf(FileSystem& file_system, const std::string& path,
                                              const TaskId& task, const AttemptId& attempt,
                                              uint32_t partition);

}  // namespace millrace

#endif  // MILLRACE_WORKER_RUN_CHECK_H_
