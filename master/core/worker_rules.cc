#include "master/core/worker_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"

namespace millrace {
namespace {

// Lost workers are remembered so that people can see which attempts they cost.
constexpr size_t kLostWorkersMax = 1000;
// More slots than this on one host is a mistake in a flag.
constexpr uint32_t kSlotsMax = 4096;

// Whose time has run out.
NoticedBy NoticedOf(const WorkerRecord& worker) {
  if (worker.state == WorkerState::kSuspect) return NoticedBy::kConnectionClosed;
  if (worker.state == WorkerState::kAwaited) return NoticedBy::kNotBackAfterRestart;
  return NoticedBy::kLeaseRanOut;
}

}  // namespace

void WorkerRules::On(const WorkerJoined& event) {
  ClusterState& cluster = turn_.cluster();
  const WorkerId former = cluster.IdOf(event.incarnation);
  if (former != event.worker && cluster.FindWorker(former) != nullptr) {
    Lose(former, NoticedBy::kConnectionClosed);
  }
  WorkerRecord* worker = cluster.FindWorker(event.worker);
  if (worker != nullptr && worker->lost()) {  // an id from the past: it has to register anew
    turn_.Do(ForgetWorker{event.worker});
    return;
  }
  if (worker == nullptr) {
    turn_.Emit(WorkerRegistered{event.worker, event.incarnation, event.name});
    worker = cluster.FindWorker(event.worker);
  }
  ++joined_;
  worker->name = event.name;
  worker->host_id = event.host_id;
  worker->slots = std::min(event.slots, kSlotsMax);
  worker->fetchers_max = worker->slots + turn_.options().extra_fetchers;
  worker->last_heartbeat = turn_.now();
  for (auto& [job, share] : worker->shares) {  // whatever ailed it may be mended
    share.pauses = 0;
    share.paused_until = CoreTime();
    share.unfit = false;
  }
  LossNote missing(&turn_, LossKind::kMissingOnReturn, NoticedBy::kReportedMissing, event.name);
  ReconcileAttempts(worker, event, &missing);
  ReconcileOutputs(worker, event, &missing);
  attempts_.reuse().On(event);
  ReconcileJobs(worker, event);  // last: what is missing may have ended some
  cluster.SetState(worker, WorkerState::kJoined);
  leases_.Watch(worker);
}

// What a worker brings along of a job is released when the job ends, also when it comes back under
// a new id.
void WorkerRules::ReconcileJobs(WorkerRecord* worker, const WorkerJoined& event) {
  for (const JobId id : event.jobs) {
    JobRecord* job = turn_.cluster().FindJob(id);
    if (job == nullptr || job->ended()) {
      turn_.Do(ReleaseJob{worker->id, id, /*at_once=*/job == nullptr});
    } else {
      job->workers.insert(worker->id);
    }
  }
}

void WorkerRules::ReconcileAttempts(WorkerRecord* worker, const WorkerJoined& event,
                                    LossNote* missing) {
  absl::btree_set<AttemptId> listed;
  for (const HeldAttempt& held : event.attempts) {
    listed.insert(held.attempt);
    if (worker->attempts.count(held.attempt) > 0) {
      // While it was away it could not say what it got done.
      turn_.cluster().FindAttempt(held.attempt)->pace.Forgive(turn_.now());
      // Granted by this master or by the one before it, which journals no phases.
      if (held.holds_slot) turn_.SetPhase(held.attempt, Phase::kHoldsSlot);
    } else if (!attempts_.IsWinner(held.task, held.attempt)) {
      // A winner that we have already accepted is only waiting to hear so.
      turn_.Do(CancelAttempt{event.worker, held.attempt});
    }
  }
  const std::vector<AttemptId> believed(worker->attempts.begin(), worker->attempts.end());
  for (const AttemptId& attempt : believed) {
    if (listed.count(attempt) == 0) attempts_.LoseAttempt(attempt, missing);
  }
}

void WorkerRules::ReconcileOutputs(WorkerRecord* worker, const WorkerJoined& event,
                                   LossNote* missing) {
  ClusterState& cluster = turn_.cluster();
  absl::btree_set<std::pair<TaskId, AttemptId>> listed;
  for (const HeldAttempt& held : event.outputs) {
    listed.insert({held.task, held.attempt});
    const JobRecord* job = cluster.FindJob(held.task.job);
    if (job == nullptr || job->ended()) continue;  // goes with its job
    // Made before its worker was lost; the map runs, or has run, elsewhere.
    if (!attempts_.IsWinner(held.task, held.attempt)) {
      turn_.Do(CancelAttempt{worker->id, held.attempt});
    }
  }
  // A winner that has not heard so yet is among the attempts; its output is there all the same.
  for (const HeldAttempt& held : event.attempts) listed.insert({held.task, held.attempt});
  const auto shares = worker->shares;  // a copy: losing an output may end a job
  for (const auto& [job_id, share] : shares) {
    for (uint32_t index : share.outputs) {
      const JobRecord* job = cluster.FindJob(job_id);
      if (job == nullptr || job->ended()) break;
      const Task& task = job->maps()[index];
      const bool here = task.done() && task.worker() == worker->id;
      if (here && listed.count({job->MakerOf(index), task.winner()}) == 0) {
        attempts_.LoseOutput(job_id, index, missing);
      }
    }
    JobRecord* job = cluster.FindJob(job_id);
    if (job == nullptr || job->ended()) continue;
    cluster.StopAwaiting(worker->id, job);
    // Whatever was on its way when the connection broke is sent again.
    worker->shares[job_id].told_version = 0;
    if (job->reducing_workers.count(worker->id) > 0) cluster.MarkSourcesChanged(job_id);
  }
}

void WorkerRules::On(const HeartbeatReceived& event) {
  WorkerRecord* worker = turn_.cluster().FindWorker(event.worker);
  if (worker != nullptr && worker->reachable()) worker->last_heartbeat = turn_.now();
}

void WorkerRules::On(const WorkerDisconnected& event) {
  WorkerRecord* worker = turn_.cluster().FindWorker(event.worker);
  if (worker == nullptr || !worker->reachable()) return;
  worker->suspect_since = turn_.now();
  turn_.cluster().SetState(worker, WorkerState::kSuspect);
  leases_.Watch(worker);
}

void WorkerRules::On(const WorkerDraining& event) {
  WorkerRecord* worker = turn_.cluster().FindWorker(event.worker);
  if (worker != nullptr && worker->state == WorkerState::kJoined) {
    turn_.cluster().SetState(worker, WorkerState::kDraining);
  }
}

void WorkerRules::On(const WorkerLeft& event) {
  const WorkerRecord* worker = turn_.cluster().FindWorker(event.worker);
  if (worker != nullptr && !worker->lost()) Lose(event.worker, NoticedBy::kGoodbye);
}

void WorkerRules::On(const MasterStalled&) {
  for (auto& [id, worker] : turn_.cluster().mutable_workers()) {
    worker.last_heartbeat = turn_.now();
    worker.suspect_since = turn_.now();
    for (const AttemptId& attempt : worker.attempts) {
      turn_.cluster().FindAttempt(attempt)->pace.Forgive(turn_.now());
    }
  }
}

void WorkerRules::LoseExpired() {
  for (WorkerId worker : leases_.TakeExpired()) {
    Lose(worker, NoticedOf(*turn_.cluster().FindWorker(worker)));
  }
}

void WorkerRules::Lose(WorkerId id, NoticedBy noticed_by) {
  ClusterState& cluster = turn_.cluster();
  WorkerRecord* worker = cluster.FindWorker(id);
  leases_.Forget(worker);
  cluster.SetState(worker, WorkerState::kSuspect);  // so that nothing is sent to it from here on
  const std::vector<AttemptId> attempts(worker->attempts.begin(), worker->attempts.end());
  LossNote loss(&turn_, LossKind::kWorkerLost, noticed_by, cluster.NameOf(id));
  for (const AttemptId& attempt : attempts) attempts_.LoseAttempt(attempt, &loss);
  const auto shares = worker->shares;  // a copy: losing an output may end a job
  for (const auto& [job_id, share] : shares) {
    for (uint32_t index : share.outputs) {
      const JobRecord* job = cluster.FindJob(job_id);
      if (job == nullptr || !job->NeedsMapOutputs()) break;
      if (job->maps()[index].worker() == id) attempts_.LoseOutput(job_id, index, &loss);
    }
  }
  attempts_.reuse().OnWorkerLost(id);
  turn_.Emit(WorkerLost{id});
  turn_.Do(ForgetWorker{id});
  ++lost_;
  BoundLostWorkers();
}

void WorkerRules::BoundLostWorkers() {
  ClusterState& cluster = turn_.cluster();
  while (cluster.lost_workers().size() > kLostWorkersMax) {
    const WorkerId oldest = cluster.lost_workers().front();
    cluster.ForgetWorker(oldest);
    turn_.Do(ForgetRegistration{oldest});
  }
}

void WorkerRules::Recover() {
  ClusterState& cluster = turn_.cluster();
  for (auto& [id, worker] : cluster.mutable_workers()) {
    worker.lost_earlier = worker.lost();
    if (worker.lost()) continue;
    worker.last_heartbeat = turn_.now();
    leases_.Watch(&worker);
    for (const auto& [job_id, share] : worker.shares) {
      JobRecord* job = cluster.FindJob(job_id);
      if (job == nullptr || share.outputs.empty()) continue;
      job->awaited_workers.insert(id);
      cluster.Reindex(job);
    }
  }
  BoundLostWorkers();
}

}  // namespace millrace
