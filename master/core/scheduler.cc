#include "master/core/scheduler.h"

#include <algorithm>

#include "master/core/check.h"

namespace millrace {
namespace {

// Enough to go round the workers where a task has failed (Trouble::kFailedWorkersMax).
constexpr size_t kSpareWorkersMax = 5;
// The emptiest workers come first, so those behind are no better.
constexpr int kWorkersLookedAt = 32;

}  // namespace

void Scheduler::Run() {
  TellChangedSources();
  RerunLostMaps();
  ShareSlots();
  PlaceReduces();
}

void Scheduler::TellSources(WorkerRecord* worker, const JobRecord& job) {
  uint32_t& told = worker->shares[job.id()].told_version;
  const uint32_t newest = static_cast<uint32_t>(job.source_log.size());
  if (told == newest) return;
  turn_.Do(PublishSources{worker->id, job.id(), told, newest});
  told = newest;
}

void Scheduler::TellChangedSources() {
  for (JobId id : cluster_.TakeChangedSources()) {
    const JobRecord* job = cluster_.FindJob(id);
    for (const auto& [worker_id, attempts] : job->reducing_workers) {
      WorkerRecord* worker = cluster_.FindWorker(worker_id);
      if (worker != nullptr && worker->reachable()) TellSources(worker, *job);
    }
  }
}

void Scheduler::RerunLostMaps() {
  while (!cluster_.jobs_with_reruns().empty() && !cluster_.workers_with_slots().empty()) {
    Launch(cluster_.jobs_with_reruns().begin()->second, 0, cluster_.workers_with_slots());
  }
}

void Scheduler::ShareSlots() {
  while (true) {
    const std::optional<Waiter> waiter = LeastServedWaiter();
    const auto& jobs = cluster_.jobs_with_maps();
    const bool can_map = !jobs.empty() && !cluster_.workers_with_slots().empty();
    if (waiter.has_value() && (!can_map || waiter->use < *jobs.begin())) {
      Grant(*waiter);
    } else if (can_map) {
      Launch(jobs.begin()->second, 0, cluster_.workers_with_slots());
    } else {
      return;
    }
  }
}

void Scheduler::PlaceReduces() {
  while (!cluster_.jobs_with_reduces().empty() && !cluster_.workers_with_fetchers().empty()) {
    const ClusterState::WorkersByRoom spare = WorkersWithSlotsToSpare();
    Launch(cluster_.jobs_with_reduces().begin()->second, 1,
           spare.empty() ? cluster_.workers_with_fetchers() : spare);
  }
}

// A reduce that fetches where all slots are taken would wait for one while others are idle.
ClusterState::WorkersByRoom Scheduler::WorkersWithSlotsToSpare() const {
  ClusterState::WorkersByRoom spare;
  int looked_at = 0;
  for (const auto& entry : cluster_.workers_with_slots()) {
    const WorkerRecord* worker = cluster_.FindWorker(entry.second);
    if (worker->free_slots() > worker->fetchers) spare.insert(entry);
    if (++looked_at == kWorkersLookedAt || spare.size() == kSpareWorkersMax) break;
  }
  return spare;
}

std::optional<Scheduler::Waiter> Scheduler::LeastServedWaiter() const {
  std::optional<Waiter> least;
  for (WorkerId worker : cluster_.grantable_workers()) {
    for (const AttemptId& attempt : cluster_.FindWorker(worker)->ready) {
      const JobId job = cluster_.FindAttempt(attempt)->task.job;
      const std::pair<uint32_t, JobId> use{cluster_.FindJob(job)->slots_used, job};
      if (!least.has_value() || use < least->use) least = Waiter{use, worker, attempt};
    }
  }
  return least;
}

void Scheduler::Grant(const Waiter& waiter) {
  cluster_.SetPhase(waiter.attempt, Phase::kHoldsSlot);
  turn_.Do(GrantSlot{waiter.worker, waiter.attempt});
}

void Scheduler::Launch(JobId job_id, uint32_t stage, const ClusterState::WorkersByRoom& room) {
  JobRecord* job = cluster_.FindJob(job_id);
  const TaskId task{job_id, stage, job->stages[stage].Next()};
  const Reason reason = job->task(task).next_reason;
  const WorkerId worker = Choose(*job, task, room);
  const AttemptId attempt = cluster_.NextAttemptId();
  turn_.Emit(AttemptStarted{attempt, task, worker, reason, turn_.wall_us()});
  if (stage > 0) TellSources(cluster_.FindWorker(worker), *job);
  turn_.Do(LaunchAttempt{worker, attempt, task, reason});
}

WorkerId Scheduler::Choose(const JobRecord& job, const TaskId& task,
                           const ClusterState::WorkersByRoom& room) const {
  CORE_CHECK(!room.empty());
  const auto trouble = job.troubles.find(KeyOf(task));
  if (trouble == job.troubles.end()) return room.begin()->second;
  const auto& failed = trouble->second.failed_workers;
  // `failed` is short, so one of the first few is another worker if there is any.
  for (const auto& [key, worker] : room) {
    if (std::find(failed.begin(), failed.end(), worker) == failed.end()) return worker;
  }
  // Every worker with room has failed it: the one where that was longest ago.
  for (WorkerId worker : failed) {
    const WorkerRecord* record = cluster_.FindWorker(worker);
    const bool has_room = record != nullptr &&
                          (task.stage == 0 ? record->indexed_slots : record->indexed_fetchers) > 0;
    if (has_room) return worker;
  }
  return room.begin()->second;
}

}  // namespace millrace
