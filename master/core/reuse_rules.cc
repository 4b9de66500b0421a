#include "master/core/reuse_rules.h"

#include <map>
#include <utility>
#include <vector>

namespace millrace {

bool ReuseRules::Applies(const JobSubmitted& event) const {
  const JobPlan& plan = event.plan;
  return turn_.options().reuse_bytes_max > 0 && !plan.map_only() && !plan.keeps_outputs &&
         plan.skip_bad_records == 0 && plan.map_count <= turn_.options().reuse_outputs_max &&
         event.fingerprints.size() == plan.map_count;
}

void ReuseRules::TakeFor(JobRecord* job) {
  for (uint32_t i = 0; i < job->fingerprints.size(); ++i) {
    const RetainedOutput* found = cache_.Find(job->fingerprints[i]);
    if (found == nullptr) continue;
    const WorkerRecord* worker = turn_.cluster().FindWorker(found->worker);
    if (worker == nullptr || worker->state != WorkerState::kJoined) continue;
    const RetainedOutput output = *found;
    turn_.Emit(OutputReused{TaskId{job->id(), 0, i}, output.task, output.attempt, output.worker,
                            output.digest, output.stats, output.counters});
    cache_.Use(output);
  }
}

void ReuseRules::RetainOutputsOf(const JobRecord& job) {
  for (uint32_t i = 0; i < job.fingerprints.size(); ++i) {
    const WorkerRecord* worker = turn_.cluster().FindWorker(job.maps()[i].worker());
    const bool is_there = job.maps()[i].done() && worker != nullptr && !worker->lost();
    if (is_there) cache_.Retain(job.fingerprints[i], OutputOf(job, i));
  }
  std::map<WorkerId, RetainOutputs> by_worker;
  for (uint32_t i = 0; i < job.fingerprints.size(); ++i) {
    const Task& task = job.maps()[i];
    // Those that it took are retained there already.
    if (!task.done() || !cache_.Has(task.winner()) || job.ReusedFor(i) != nullptr) continue;
    RetainOutputs& told = by_worker[task.worker()];
    told.worker = task.worker();
    told.outputs.push_back({TaskId{job.id(), 0, i}, task.winner()});
  }
  for (auto& [id, told] : by_worker) {
    if (turn_.cluster().FindWorker(id)->reachable()) turn_.Do(std::move(told));
  }
}

RetainedOutput ReuseRules::OutputOf(const JobRecord& job, uint32_t map_index) const {
  const Task& task = job.maps()[map_index];
  const MapResult& result = job.results[map_index];
  RetainedOutput output{job.MakerOf(map_index), task.winner(),  task.worker(), task.digest,
                        result.stats,           result.counters};
  output.stats.output_bytes = task.output_bytes;
  return output;
}

void ReuseRules::LetGo(const JobRecord& job) {
  for (const auto& [index, output] : job.reused) {
    if (job.maps()[index].done() && job.ReusedFor(index) != nullptr) cache_.LetGo(output.attempt);
  }
}

void ReuseRules::OnOutputLost(const JobRecord& job, uint32_t map_index) {
  const ReusedOutput* output = job.ReusedFor(map_index);
  if (output == nullptr) return;
  cache_.Hide(output->attempt);
  cache_.LetGo(output->attempt);
}

void ReuseRules::On(const WorkerJoined& event) {
  RetainOutputs retain{event.worker, {}};
  DropOutputs drop{event.worker, {}};
  absl::btree_set<AttemptId> listed;
  for (const HeldAttempt& held : event.outputs) {
    listed.insert(held.attempt);
    const JobRecord* maker = turn_.cluster().FindJob(held.task.job);
    if (cache_.Has(held.attempt)) {
      retain.outputs.push_back({held.task, held.attempt});
    } else if (maker == nullptr || maker->ended()) {
      drop.outputs.push_back({held.task, held.attempt});
    }
  }
  for (const RetainedOutput& output : cache_.OutputsOn(event.worker)) {
    if (listed.count(output.attempt) == 0) cache_.Forget(output.attempt);
  }
  if (!retain.outputs.empty()) turn_.Do(std::move(retain));
  if (!drop.outputs.empty()) turn_.Do(std::move(drop));
}

void ReuseRules::Recover() {
  for (JobId id : turn_.cluster().unfinished()) {
    const JobRecord& job = *turn_.cluster().FindJob(id);
    for (const auto& [index, output] : job.reused) {
      const bool in_use = job.maps()[index].done() && job.ReusedFor(index) != nullptr;
      if (in_use) cache_.Use(OutputOf(job, index));
    }
  }
}

void ReuseRules::TellDropped() {
  for (auto& [id, outputs] : cache_.TakeDropped()) {
    const WorkerRecord* worker = turn_.cluster().FindWorker(id);
    // One that is away lists them when it comes back.
    if (worker != nullptr && worker->reachable()) {
      turn_.Do(DropOutputs{id, std::move(outputs)});
    }
  }
}

}  // namespace millrace
