#include "master/core/scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace millrace {
namespace {

// Enough to go round the workers where a task has failed (Trouble::kFailedWorkersMax).
constexpr size_t kSpareWorkersMax = 5;
// The emptiest workers come first, so those behind are no better.
constexpr size_t kWorkersLookedAt = 32;
// A shorter pause between two rounds of telling saves nothing worth a timer.
constexpr absl::Duration kShortestPause = absl::Milliseconds(10);

}  // namespace

void Scheduler::Run() {
  next_run_.reset();
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
    JobRecord* job = cluster_.FindJob(id);
    // Marked again when the last of them is back, or lost: nobody can say before where its outputs
    // are, and what a worker was told once it is not told again.
    if (!job->awaited_workers.empty()) continue;
    if (turn_.now() < job->tell_again_at && !job->maps().complete()) {
      cluster_.MarkSourcesChanged(id);
      RunAt(job->tell_again_at);
      continue;
    }
    job->tell_again_at = turn_.now() + PauseAfterTelling(job->reducing_workers.size());
    for (const auto& [worker_id, attempts] : job->reducing_workers) {
      WorkerRecord* worker = cluster_.FindWorker(worker_id);
      if (worker != nullptr && worker->reachable()) TellSources(worker, *job);
    }
  }
}

absl::Duration Scheduler::PauseAfterTelling(size_t workers) const {
  const absl::Duration pause =
      absl::Seconds(1) * static_cast<int64_t>(workers) / turn_.options().source_messages_per_second;
  return pause < kShortestPause ? absl::ZeroDuration() : pause;
}

void Scheduler::RunAt(CoreTime time) {
  if (!next_run_.has_value() || time < *next_run_) next_run_ = time;
}

std::optional<std::pair<uint32_t, JobId>> Scheduler::FirstOf(const ClusterState::JobsByUse& jobs,
                                                             const PassedOver& passed_over) {
  for (const auto& job : jobs) {
    if (passed_over.count(job.second) == 0) return job;
  }
  return std::nullopt;
}

void Scheduler::RerunLostMaps() {
  PassedOver passed_over;
  while (!cluster_.workers_with_slots().empty()) {
    const auto job = FirstOf(cluster_.jobs_with_reruns(), passed_over);
    if (!job.has_value()) return;
    if (!Launch(job->second, 0, cluster_.workers_with_slots())) passed_over.insert(job->second);
  }
}

void Scheduler::ShareSlots() {
  PassedOver passed_over;
  while (true) {
    const std::optional<Waiter> waiter = LeastServedWaiter();
    const auto job = cluster_.workers_with_slots().empty()
                         ? std::nullopt
                         : FirstOf(cluster_.jobs_with_maps(), passed_over);
    if (waiter.has_value() && (!job.has_value() || waiter->use < *job)) {
      Grant(*waiter);
    } else if (!job.has_value()) {
      return;
    } else if (!Launch(job->second, 0, cluster_.workers_with_slots())) {
      passed_over.insert(job->second);
    }
  }
}

void Scheduler::PlaceReduces() {
  PassedOver passed_over;
  while (!cluster_.workers_with_fetchers().empty()) {
    const auto job = FirstOf(cluster_.jobs_with_reduces(), passed_over);
    if (!job.has_value()) return;
    if (Launch(job->second, 1, WorkersWithSlotsToSpare())) continue;
    if (!Launch(job->second, 1, cluster_.workers_with_fetchers())) passed_over.insert(job->second);
  }
}

// A reduce that fetches where all slots are taken would wait for one while others are idle.
ClusterState::WorkersByRoom Scheduler::WorkersWithSlotsToSpare() const {
  ClusterState::WorkersByRoom spare;
  size_t looked_at = 0;
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
  turn_.SetPhase(waiter.attempt, Phase::kHoldsSlot);
  turn_.Do(GrantSlot{waiter.worker, waiter.attempt});
}

bool Scheduler::Launch(JobId job_id, uint32_t stage, const ClusterState::WorkersByRoom& room) {
  JobRecord* job = cluster_.FindJob(job_id);
  const TaskId task{job_id, stage, job->stages[stage].Next()};
  const Reason reason = job->task(task).next_reason;
  const std::optional<WorkerId> worker = Choose(*job, task, room);
  if (!worker.has_value()) return false;
  Start(task, *worker, reason);
  return true;
}

void Scheduler::Start(const TaskId& task, WorkerId worker, Reason reason) {
  const AttemptId attempt = cluster_.NextAttemptId();
  turn_.Emit(AttemptStarted{attempt, task, worker, reason, turn_.wall_us()});
  cluster_.FindAttempt(attempt)->pace = Pace(turn_.now());
  if (task.stage > 0) TellSources(cluster_.FindWorker(worker), *cluster_.FindJob(task.job));
  LaunchAttempt launch{worker, attempt, task, reason};
  const JobRecord* job = cluster_.FindJob(task.job);
  if (const auto trouble = job->troubles.find(KeyOf(task)); trouble != job->troubles.end()) {
    launch.one_by_one = trouble->second.one_by_one();
    launch.skip = trouble->second.skipped;
  }
  if (task.stage == 0 && job->plan().reads.is_set()) launch.part = PartFor(*job, task.index);
  turn_.Do(std::move(launch));
}

StepPart Scheduler::PartFor(const JobRecord& reader, uint32_t map_index) const {
  const TaskId reduce{reader.plan().reads, 1, map_index};
  const Task& part = cluster_.FindJob(reduce.job)->task(reduce);
  return StepPart{reduce, part.winner(), part.output_bytes};
}

std::optional<WorkerId> Scheduler::Choose(const JobRecord& job, const TaskId& task,
                                          const ClusterState::WorkersByRoom& room) {
  const auto trouble = job.troubles.find(KeyOf(task));
  const auto has_failed = [&](WorkerId worker) {
    return trouble != job.troubles.end() && trouble->second.HasFailedOn(worker);
  };
  absl::InlinedVector<WorkerId, Trouble::kFailedWorkersMax> second_best;
  std::optional<WorkerId> slow;
  for (const auto& [key, worker] : room) {
    // Those that may not run the job have the most room, and must not hide one that may.
    if (!IsReady(worker, job.id()) || IsBadPlace(job, task, worker)) continue;
    if (has_failed(worker)) {
      second_best.push_back(worker);
      if (second_best.size() == kWorkersLookedAt) break;
    } else if (!cluster_.FindWorker(worker)->slow()) {
      return worker;
    } else if (!slow.has_value()) {
      slow = worker;
    }
  }
  if (slow.has_value() || second_best.empty()) return slow;
  // Every worker with room has failed it: the one where that was longest ago.
  for (WorkerId worker : trouble->second.failed_workers) {
    const auto found = std::find(second_best.begin(), second_best.end(), worker);
    if (found != second_best.end()) return worker;
  }
  return second_best.front();
}

bool Scheduler::IsBadPlace(const JobRecord& job, const TaskId& task, WorkerId worker) const {
  // A place that is bad for the output of this map may do for the next, which waits behind it.
  if (task.stage == 0 && (!job.task(task).was_done || job.maps().HasFresh())) return false;
  return reach_.IsApart(job, worker) && reach_.SomebodyReachesAll(job);
}

bool Scheduler::IsReady(WorkerId worker, JobId job) {
  const WorkerRecord* record = cluster_.FindWorker(worker);
  const auto share = record->shares.find(job);
  if (share == record->shares.end()) return true;
  if (share->second.unfit) return false;
  const CoreTime paused_until = share->second.paused_until;
  if (paused_until <= turn_.now()) return true;
  RunAt(paused_until);
  return false;
}

}  // namespace millrace
