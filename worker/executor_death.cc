#include "worker/executor_death.h"

#include <signal.h>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

std::string Explain(const ExecutorDeath& death) {
  if (death.never_answered) {
    return "the job's process did not answer after it was started: main must call the launcher "
           "before it does anything else";
  }
  std::string message = absl::StrCat("the job's process ", death.status.exited ? "" : "was ",
                                     death.status.Describe(), " before it finished the attempt");
  if (!death.status.exited && death.status.signal == SIGKILL) {
    absl::StrAppend(&message,
                    "; the system does that when memory runs out (see its kernel log): a smaller "
                    "--task_memory_mb or fewer slots would help");
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
  outcome.message = Explain(death);
  outcome.position = death.position;
  outcome.stderr_tail = death.last_lines;
  return outcome;
}

}  // namespace millrace
