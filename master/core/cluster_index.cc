// Looking things up in the cluster's state, keeping its indexes, and forgetting.
#include <algorithm>
#include <limits>

#include "master/core/check.h"
#include "master/core/cluster_state.h"

namespace millrace {
namespace {

// The complement of `room`, so that most room sorts first.
uint32_t RoomKey(uint32_t room) { return std::numeric_limits<uint32_t>::max() - room; }

// Moves `worker` to where `room` belongs; `indexed` is the room it is filed under, 0 for nowhere.
void File(ClusterState::WorkersByRoom* index, WorkerId worker, uint32_t room, uint32_t* indexed) {
  if (room == *indexed) return;
  if (*indexed > 0) index->erase({RoomKey(*indexed), worker});
  if (room > 0) index->insert({RoomKey(room), worker});
  *indexed = room;
}

// Moves `job` from key `old_use` (if it is filed) to `use` (if it should be).
void File(ClusterState::JobsByUse* index, JobId job, uint32_t old_use, uint32_t use, bool wanted,
          bool* filed) {
  if (*filed && (!wanted || old_use != use)) {
    index->erase({old_use, job});
    *filed = false;
  }
  if (wanted && !*filed) {
    index->insert({use, job});
    *filed = true;
  }
}

}  // namespace

JobRecord* ClusterState::FindJob(JobId job) {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

const JobRecord* ClusterState::FindJob(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

WorkerRecord* ClusterState::FindWorker(WorkerId worker) {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? nullptr : &found->second;
}

const WorkerRecord* ClusterState::FindWorker(WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? nullptr : &found->second;
}

RunningAttempt* ClusterState::FindAttempt(const AttemptId& attempt) {
  const auto found = attempts_.find(attempt);
  return found == attempts_.end() ? nullptr : &found->second;
}

const RunningAttempt* ClusterState::FindAttempt(const AttemptId& attempt) const {
  const auto found = attempts_.find(attempt);
  return found == attempts_.end() ? nullptr : &found->second;
}

JobId ClusterState::JobOfRequest(const std::string& request_id) const {
  const auto found = requests_.find(request_id);
  return found == requests_.end() ? JobId() : found->second;
}

JobId ClusterState::UnfinishedJobWithOutput(const std::string& folder) const {
  const auto found = output_folders_.find(folder);
  return found == output_folders_.end() ? JobId() : found->second;
}

WorkerId ClusterState::IdOf(Incarnation incarnation) const {
  const auto found = incarnations_.find(incarnation);
  return found == incarnations_.end() ? WorkerId(last_worker_ + 1) : found->second;
}

std::string ClusterState::NameOf(WorkerId worker) const {
  const WorkerRecord* found = FindWorker(worker);
  return found == nullptr || found->name.empty() ? ToString(worker) : found->name;
}

void ClusterState::SetPhase(const AttemptId& id, Phase phase) {
  RunningAttempt* attempt = FindAttempt(id);
  CORE_CHECK(attempt != nullptr);
  JobRecord* job = MustFindJob(attempt->task.job);
  Vacate(id, *attempt, job);
  attempt->phase = phase;
  Occupy(id, *attempt, job);
}

void ClusterState::StopAwaiting(WorkerId worker, JobRecord* job) {
  const bool was_awaited = job->awaited_workers.erase(worker) > 0;
  const bool was_last = was_awaited && job->awaited_workers.empty();
  if (was_last && !job->ended()) MarkSourcesChanged(job->id());
  Reindex(job);
}

void ClusterState::SetState(WorkerRecord* worker, WorkerState state) {
  worker->state = state;
  Reindex(worker);
}

void ClusterState::Reindex(WorkerRecord* worker) {
  const bool takes_work = worker->state == WorkerState::kJoined;
  File(&by_free_slots_, worker->id, takes_work ? worker->free_slots() : 0, &worker->indexed_slots);
  File(&by_free_fetchers_, worker->id, takes_work ? worker->free_fetchers() : 0,
       &worker->indexed_fetchers);
  const bool grantable = worker->reachable() && worker->free_slots() > 0 && !worker->ready.empty();
  if (grantable == worker->indexed_grantable) return;
  worker->indexed_grantable = grantable;
  if (grantable) {
    grantable_.insert(worker->id);
  } else {
    grantable_.erase(worker->id);
  }
}

void ClusterState::Reindex(JobRecord* job) {
  File(&with_reruns_, job->id(), job->indexed_slots, job->slots_used, job->HasReruns(),
       &job->indexed_reruns);
  File(&with_maps_, job->id(), job->indexed_slots, job->slots_used, job->HasIdleMaps(),
       &job->indexed_maps);
  File(&with_reduces_, job->id(), job->indexed_fetchers, job->fetchers, job->HasPlaceableReduces(),
       &job->indexed_reduces);
  job->indexed_slots = job->slots_used;
  job->indexed_fetchers = job->fetchers;
}

void ClusterState::ForgetJob(JobId id) {
  JobRecord* job = MustFindJob(id);
  CORE_CHECK(job->ended());
  ForgetAttemptsOf(job);
  const auto request = requests_.find(job->plan().request_id);
  if (request != requests_.end() && request->second == id) requests_.erase(request);
  ended_.erase(std::find(ended_.begin(), ended_.end(), id));
  jobs_.erase(id);
}

void ClusterState::ForgetAttemptsOf(JobRecord* job) {
  ended_attempts_ -= job->history.size() + job->reused.size();
  job->history = {};
  job->reused = {};
}

void ClusterState::ForgetWorker(WorkerId worker) {
  lost_.erase(std::find(lost_.begin(), lost_.end(), worker));
  workers_.erase(worker);
}

}  // namespace millrace
