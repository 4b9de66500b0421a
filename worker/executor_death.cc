#include "worker/executor_death.h"

#include <signal.h>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

std::string Explain(const ExecutorDeath& death, uint64_t memory_bytes) {
  if (death.never_answered) {
    return "the job's process did not answer after it was started: main must call the launcher "
           "before it does anything else";
  }
  if (death.status.exited && death.status.code == kMemoryLimitExitCode) {
    return absl::StrCat("the job's process took more memory than its --task_memory_mb=",
                        memory_bytes >> 20, " and ", kMemoryBesidesTask >> 20,
                        " MiB besides, and was ended: does the job's code leak, or keep too much?");
  }
  std::string message = absl::StrCat("the job's process ", death.status.exited ? "" : "was ",
                                     death.status.Describe(), " before it finished the attempt");
  if (!death.status.exited && death.status.signal == SIGKILL) {
    absl::StrAppend(&message,
                    " (signal 9: by the kernel for lack of memory, see its log, or by a person)");
  }
  return message;
}

}  // namespace

AttemptOutcome OutcomeOf(const ExecutorDeath& death, const ExecutorTask& task) {
  AttemptOutcome outcome;
  outcome.attempt = task.attempt;
  outcome.task = task.task;
  if (death.killed_by_us) {
    outcome.cause = Cause::kCancelled;
    outcome.message = "the attempt was cancelled";
    return outcome;
  }
  outcome.cause = Cause::kUserCodeFailed;
  outcome.message = Explain(death, task.memory_bytes);
  outcome.position = death.position;
  outcome.record = death.record;
  outcome.stderr_tail = death.last_lines;
  return outcome;
}

}  // namespace millrace
