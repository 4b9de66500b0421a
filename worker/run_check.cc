#include "worker/run_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {

absl::StatusOr<OpenPartition> OpenPartitionOf(FileSystem& file_system, const std::string& path,
                                              const TaskId& task, const AttemptId& attempt,
                                              uint32_t partition) {
  OpenPartition open;
  MILLRACE_ASSIGN_OR_RETURN(open.file, file_system.OpenForReading(path));
  MILLRACE_ASSIGN_OR_RETURN(open.run, ReadRunPartition(*open.file, path, partition));
  const RunMaker& maker = open.run.maker;
  const RunMaker expected{attempt.epoch.value(), attempt.sequence, task.job.value(), task.stage,
                          task.index};
  if (!(maker == expected)) {
    return absl::DataLossError(absl::StrCat(path, ": was not made by ", ToString(attempt),
                                            " but by attempt-", maker.attempt_epoch, "-",
                                            maker.attempt_sequence));
  }
  return open;
}

}  // namespace millrace
