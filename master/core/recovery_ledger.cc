#include "master/core/recovery_ledger.h"

namespace millrace {
namespace {

bool ExplainsEnd(LossKind what, Cause cause) {
  switch (cause) {
    case Cause::kWorkerLost:
      return what == LossKind::kWorkerLost || what == LossKind::kMissingOnReturn;
    case Cause::kTimedOut: return what == LossKind::kAttemptTimedOut;
    case Cause::kWorkerFailed: return what == LossKind::kWorkerFailed;
    case Cause::kFetchFailed:
      return what == LossKind::kOutputLost || what == LossKind::kPeerUnreachable;
    default: return false;
  }
}

bool ExplainsLostOutput(LossKind what) {
  return what == LossKind::kWorkerLost || what == LossKind::kOutputLost ||
         what == LossKind::kMissingOnReturn || what == LossKind::kPeerUnreachable;
}

// The number of the newest entry, counted from the first that the job ever had.
uint64_t NewestNumber(const JobRecord& job) {
  return job.summary.recovery_dropped + job.summary.recovery.size() - 1;
}

}  // namespace

void AddLoss(const LossNoticed& edit, JobRecord* job) {
  std::deque<RecoveryEntry>& entries = job->summary.recovery;
  if (entries.size() == kRecoveryEntriesMax) {
    entries.pop_front();
    ++job->summary.recovery_dropped;
  }
  RecoveryEntry entry;
  entry.what = edit.what;
  entry.noticed_by = edit.noticed_by;
  entry.wall_us = edit.wall_us;
  entry.subject = edit.subject;
  entries.push_back(entry);
}

void AddLostAttempt(const AttemptEnded& edit, JobRecord* job) {
  std::deque<RecoveryEntry>& entries = job->summary.recovery;
  if (entries.empty() || !ExplainsEnd(entries.back().what, edit.cause)) return;
  ++entries.back().attempts_lost;
  // A backup that still runs may make good for it at no cost.
  if (job->task(edit.task).state != TaskState::kIdle) return;
  job->undone_by.emplace(KeyOf(edit.task), NewestNumber(*job));
}

void AddLostOutput(const OutputLost& edit, JobRecord* job) {
  std::deque<RecoveryEntry>& entries = job->summary.recovery;
  if (entries.empty() || !ExplainsLostOutput(entries.back().what)) return;
  ++entries.back().outputs_lost;
  job->undone_by.emplace(KeyOf(edit.task), NewestNumber(*job));
}

void AddDoneAgain(const TaskDone& edit, JobRecord* job) {
  const auto undone = job->undone_by.find(KeyOf(edit.task));
  if (undone == job->undone_by.end()) return;
  const uint64_t number = undone->second;
  job->undone_by.erase(undone);
  if (number < job->summary.recovery_dropped) return;
  RecoveryEntry& entry = job->summary.recovery[number - job->summary.recovery_dropped];
  entry.cpu_us_again += edit.stats.cpu_us;
  entry.bytes_again += edit.task.stage == 0 ? edit.stats.input_bytes : edit.stats.shuffled_bytes;
}

}  // namespace millrace
