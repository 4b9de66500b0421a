#include "master/core/loss_note.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

std::string NameOf(const TaskId& task) { return TaskName(JobPlan::kind(task.stage), task.index); }

// Readers of runs say "damaged" where a checksum or a digest does not match
// (storage/run_format.cc); whatever else ends a fetch has other words.
NoticedBy NoticedByReader(const AttemptOutcome& outcome) {
  return absl::StrContains(outcome.message, ": damaged ") ? NoticedBy::kChecksumMismatch
                                                          : NoticedBy::kFetchFailed;
}

}  // namespace

std::optional<LossNote> LossOfReport(Turn* turn, const AttemptReported& event, Cause cause) {
  const AttemptOutcome& outcome = event.outcome;
  const std::string worker = turn->cluster().NameOf(event.worker);
  switch (cause) {
    case Cause::kTimedOut: return LossOfStandstill(turn, outcome.task, event.worker);
    case Cause::kWorkerFailed:
      return LossNote(turn, LossKind::kWorkerFailed, NoticedBy::kReport, worker);
    case Cause::kFetchFailed: {
      const TaskId map{outcome.task.job, 0, outcome.failed_map_index};
      return LossNote(turn, LossKind::kOutputLost, NoticedByReader(outcome),
                      SourceName(turn->cluster(), map, outcome.failed_source));
    }
    default: return std::nullopt;
  }
}

LossNote LossOfStandstill(Turn* turn, const TaskId& task, WorkerId worker) {
  return LossNote(turn, LossKind::kAttemptTimedOut, NoticedBy::kNoProgress,
                  absl::StrCat(NameOf(task), " on ", turn->cluster().NameOf(worker)));
}

std::string SourceName(const ClusterState& cluster, const TaskId& map, const AttemptId& attempt) {
  std::string name = absl::StrCat(NameOf(map), " ", ToString(attempt));
  const JobRecord* job = cluster.FindJob(map.job);
  if (job == nullptr || !job->HasTask(map) || job->task(map).winner() != attempt) return name;
  return absl::StrCat(name, " on ", cluster.NameOf(job->task(map).worker()));
}

}  // namespace millrace
