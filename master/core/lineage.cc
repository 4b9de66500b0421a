#include "master/core/lineage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

AttemptId IdOf(const AttemptRecord& record) {
  return AttemptId{Epoch(record.epoch), record.sequence};
}

bool Is(const AttemptRecord& record, const TaskId& task) {
  return record.stage == task.stage && record.index == task.index;
}

std::vector<AttemptSnapshot> AttemptsOf(const TaskId& task, const JobRecord& job,
                                        const ClusterState& cluster) {
  std::vector<AttemptSnapshot> views;
  for (const AttemptRecord& record : job.history) {
    if (Is(record, task)) views.push_back(ViewOf(record, job, cluster));
  }
  if (const auto running = job.attempts.find(KeyOf(task)); running != job.attempts.end()) {
    for (const AttemptId& id : running->second) views.push_back(ViewOf(id, job, cluster));
  }
  std::sort(views.begin(), views.end(), [](const AttemptSnapshot& a, const AttemptSnapshot& b) {
    return a.attempt < b.attempt;
  });
  return views;
}

SourceState StateOf(const Task& map, const JobRecord& job, const ClusterState& cluster) {
  if (map.done()) {
    if (job.plan().keeps_outputs) return SourceState::kAvailable;
    const WorkerRecord* worker = cluster.FindWorker(map.worker());
    return worker != nullptr && worker->reachable() ? SourceState::kAvailable
                                                    : SourceState::kOutOfReach;
  }
  if (map.state == TaskState::kRunning) {
    return map.was_done ? SourceState::kBeingMadeAgain : SourceState::kBeingMade;
  }
  return map.was_done ? SourceState::kLost : SourceState::kNotMade;
}

SourceView SourceOf(uint32_t index, const JobRecord& job, const ClusterState& cluster) {
  const Task& map = job.maps()[index];
  SourceView source;
  source.map_index = index;
  source.state = StateOf(map, job, cluster);
  if (map.state == TaskState::kRunning) {
    source.attempt = job.attempts.find(TaskKey{0, index})->second.back();
    source.worker = cluster.FindAttempt(source.attempt)->worker;
  } else if (map.was_done) {
    source.attempt = map.winner();
    source.worker = map.worker();
    source.digest = map.digest;
  }
  if (source.worker.is_set()) source.worker_name = cluster.NameOf(source.worker);
  return source;
}

// Of a job that has ended: for each map the last success before that of the reduce. `history` is in
// the order in which attempts ended.
std::vector<SourceView> SourcesRead(const TaskId& reduce, const JobRecord& job, uint32_t first,
                                    uint32_t end) {
  std::vector<SourceView> sources(end - first);
  for (auto it = job.reused.lower_bound(first); it != job.reused.end() && it->first < end; ++it) {
    sources[it->first - first].attempt = it->second.attempt;
    sources[it->first - first].worker = it->second.worker;
  }
  for (const AttemptRecord& record : job.history) {
    if (record.cause != Cause::kSucceeded) continue;
    if (Is(record, reduce)) break;
    if (record.stage != 0 || record.index < first || record.index >= end) continue;
    sources[record.index - first].attempt = IdOf(record);
    sources[record.index - first].worker = WorkerId(record.worker);
  }
  for (uint32_t i = 0; i < sources.size(); ++i) {
    sources[i].map_index = first + i;
    sources[i].state = SourceState::kReleased;
  }
  return sources;
}

void AddSources(const JobRecord& job, const ClusterState& cluster, const TaskId& reduce,
                uint32_t first, uint32_t max, TaskLineage* lineage) {
  lineage->sources = job.plan().map_count;
  first = std::min(first, job.plan().map_count);
  const uint32_t end = first + std::min(max, job.plan().map_count - first);
  if (!job.ended()) {
    for (uint32_t i = first; i < end; ++i) lineage->read.push_back(SourceOf(i, job, cluster));
    return;
  }
  if (job.history.empty() && job.reused.empty()) return;
  lineage->read = SourcesRead(reduce, job, first, end);
  for (SourceView& source : lineage->read) {
    if (source.worker.is_set()) source.worker_name = cluster.NameOf(source.worker);
  }
}

void AddState(const JobRecord& job, const TaskId& id, TaskLineage* lineage) {
  const Task& task = job.task(id);
  lineage->state = task.state == TaskState::kIdle      ? "waiting"
                   : task.state == TaskState::kRunning ? "running"
                                                       : "done";
  if (!task.done()) return;
  lineage->winner = task.winner();
  lineage->digest = task.digest;
}

// Splits, digests and places go with the end of a job, its attempts later.
void AddWhatIsLeft(const JobRecord& job, TaskLineage* lineage) {
  const std::string id = ToString(job.id());
  if (job.history.empty() && job.summary.attempts() > 0) {
    lineage->state = "unknown";
    lineage->forgotten =
        absl::StrCat(id, " has ended, and how its tasks went is forgotten; `millrace job ", id,
                     "` shows what is left of it");
    return;
  }
  lineage->state = "ended";
  for (const AttemptSnapshot& attempt : lineage->attempts) {
    if (attempt.cause == Cause::kSucceeded) lineage->winner = attempt.attempt;
  }
  lineage->forgotten =
      absl::StrCat(id, " has ended: splits and digests of its tasks were forgotten then");
  if (job.summary.state != JobState::kSucceeded || job.plan().feeds) return;
  absl::StrAppend(&lineage->forgotten, " (those of the parts of its output are in ",
                  job.plan().output_folder, "/_SUCCESS)");
}

}  // namespace

AttemptSnapshot ViewOf(const AttemptRecord& record, const JobRecord& job,
                       const ClusterState& cluster) {
  AttemptSnapshot view;
  view.attempt = IdOf(record);
  view.task = TaskId{job.id(), record.stage, record.index};
  view.kind = JobPlan::kind(record.stage);
  view.worker = WorkerId(record.worker);
  if (const WorkerRecord* worker = cluster.FindWorker(view.worker); worker != nullptr) {
    view.worker_name = worker->name;
  }
  view.reason = record.reason;
  view.cause = record.cause;
  view.started_wall_us = record.started_wall_us;
  view.ended_wall_us = record.ended_wall_us;
  view.stats = record.stats;
  const auto message = job.messages.find(view.attempt);
  if (message != job.messages.end()) view.message = message->second;
  return view;
}

AttemptSnapshot ViewOf(const AttemptId& id, const JobRecord& job, const ClusterState& cluster) {
  const RunningAttempt& attempt = *cluster.FindAttempt(id);
  AttemptRecord record;
  record.sequence = id.sequence;
  record.started_wall_us = attempt.started_wall_us;
  record.epoch = static_cast<uint32_t>(id.epoch.value());
  record.worker = static_cast<uint32_t>(attempt.worker.value());
  record.index = attempt.task.index;
  record.stage = static_cast<uint8_t>(attempt.task.stage);
  record.reason = attempt.reason;
  return ViewOf(record, job, cluster);
}

TaskLineage LineageOf(const TaskId& task, const JobRecord& job, const ClusterState& cluster,
                      uint32_t first_source, uint32_t sources_max) {
  TaskLineage lineage;
  lineage.attempts = AttemptsOf(task, job, cluster);
  const auto reused = task.stage == 0 ? job.reused.find(task.index) : job.reused.end();
  if (reused != job.reused.end()) lineage.made_for = reused->second.made_for;
  if (task.stage == 0 && job.plan().reads.is_set()) {
    lineage.part_of = TaskId{job.plan().reads, 1, task.index};
  }
  if (job.ended()) {
    if (reused != job.reused.end()) lineage.winner = reused->second.attempt;
    AddWhatIsLeft(job, &lineage);
  } else {
    AddState(job, task, &lineage);
  }
  if (task.stage > 0) AddSources(job, cluster, task, first_source, sources_max, &lineage);
  return lineage;
}

}  // namespace millrace
