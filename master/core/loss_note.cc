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

// "w3 cannot fetch from w1; w1 healthy": what it missed is not lost by that.
std::string CutName(Turn* turn, WorkerId reader, const TaskId& map, const AttemptId& source) {
  const ClusterState& cluster = turn->cluster();
  const std::string fetches = absl::StrCat(cluster.NameOf(reader), " cannot fetch ");
  const std::optional<WorkerId> holder = HolderOf(cluster, map, source);
  if (!holder.has_value()) return absl::StrCat(fetches, SourceName(cluster, map, source));
  const WorkerRecord* record = cluster.FindWorker(*holder);
  const bool healthy = record != nullptr && record->reachable() &&
                       turn->now() < record->last_heartbeat + turn->options().lease / 2;
  const std::string name = cluster.NameOf(*holder);
  return absl::StrCat(fetches, "from ", name, "; ", name, healthy ? " healthy" : " silent");
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
      const TaskId map = SourceOf(turn->cluster(), outcome);
      if (outcome.source_unreachable) {
        return LossNote(turn, LossKind::kPeerUnreachable, NoticedBy::kFetchFailed,
                        CutName(turn, event.worker, map, outcome.failed_source));
      }
      return LossNote(turn, LossKind::kOutputLost, NoticedByReader(outcome),
                      SourceName(turn->cluster(), map, outcome.failed_source));
    }
    default: return std::nullopt;
  }
}

TaskId SourceOf(const ClusterState& cluster, const AttemptOutcome& outcome) {
  if (outcome.task.stage > 0) return TaskId{outcome.task.job, 0, outcome.failed_map_index};
  return TaskId{cluster.FindJob(outcome.task.job)->plan().reads, 1, outcome.failed_map_index};
}

LossNote LossOfStandstill(Turn* turn, const TaskId& task, WorkerId worker) {
  return LossNote(turn, LossKind::kAttemptTimedOut, NoticedBy::kNoProgress,
                  absl::StrCat(NameOf(task), " on ", turn->cluster().NameOf(worker)));
}

std::string SourceName(const ClusterState& cluster, const TaskId& map, const AttemptId& attempt) {
  const std::string name = absl::StrCat(NameOf(map), " ", ToString(attempt));
  const std::optional<WorkerId> holder = HolderOf(cluster, map, attempt);
  return holder.has_value() ? absl::StrCat(name, " on ", cluster.NameOf(*holder)) : name;
}

std::optional<WorkerId> HolderOf(const ClusterState& cluster, const TaskId& map,
                                 const AttemptId& attempt) {
  const JobRecord* job = cluster.FindJob(map.job);
  if (job == nullptr || !job->HasTask(map)) return std::nullopt;
  const Task& task = job->task(map);
  if (!task.done() || task.winner() != attempt) return std::nullopt;
  return task.worker();
}

}  // namespace millrace
