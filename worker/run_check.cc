#include "worker/run_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {

absl::StatusOr<OpenRun> OpenRunOf(FileSystem& file_system, const std::string& path,
                                  const TaskId& task, const AttemptId& attempt,
                                  uint32_t partition) {
  OpenRun run;
  MILLRACE_ASSIGN_OR_RETURN(run.file, file_system.OpenForReading(path));
  MILLRACE_ASSIGN_OR_RETURN(run.footer, ReadRunFooter(*run.file, path));
  const RunMaker expected{attempt.epoch.value(), attempt.sequence, task.job.value(), task.stage,
                          task.index};
  if (!(run.footer.maker == expected)) {
    return absl::DataLossError(absl::StrCat(path, ": was not made by ", ToString(attempt),
                                            " but by attempt-", run.footer.maker.attempt_epoch, "-",
                                            run.footer.maker.attempt_sequence));
  }
  if (partition >= run.footer.partitions.size()) {
    return absl::DataLossError(absl::StrCat(path, ": has ", run.footer.partitions.size(),
                                            " partitions, and number ", partition,
                                            " was asked for"));
  }
  return run;
}

}  // namespace millrace
