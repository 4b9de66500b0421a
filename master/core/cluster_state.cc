#include "master/core/cluster_state.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"
#include "master/core/check.h"
#include "master/core/recovery_ledger.h"
#include "rpc/profile.h"

namespace millrace {
namespace {

constexpr uint16_t kMany = std::numeric_limits<uint16_t>::max();

void Increment(uint16_t* count) {
  if (*count < kMany) ++*count;
}

Reason ReasonAfter(Cause cause) {
  switch (cause) {
    case Cause::kUserCodeFailed: return Reason::kUserFailure;
    case Cause::kWorkerLost: return Reason::kWorkerLost;
    case Cause::kTimedOut: return Reason::kTimedOut;
    case Cause::kWorkerFailed:
    case Cause::kWorkerUnfit: return Reason::kWorkerFailed;
    // A source could not be read, or an attempt was cancelled because its sources had changed.
    default: return Reason::kOutputLost;
  }
}

void AddTask(const AttemptStats& stats, AttemptStats* sum) {
  sum->input_bytes += stats.input_bytes;
  sum->input_records += stats.input_records;
  sum->output_bytes += stats.output_bytes;
  sum->output_records += stats.output_records;
  sum->shuffled_bytes += stats.shuffled_bytes;
  sum->spills += stats.spills;
  sum->cpu_us += stats.cpu_us;
  sum->wall_us += stats.wall_us;
  sum->peak_memory_bytes = std::max(sum->peak_memory_bytes, stats.peak_memory_bytes);
}

// Of a job all of whose attempts are still known.
Skew SkewOf(const JobRecord& job) {
  std::vector<uint64_t> bytes(job.plan().reducers);
  for (const AttemptRecord& attempt : job.history) {
    const bool won = attempt.stage > 0 && attempt.cause == Cause::kSucceeded;
    if (won) bytes[attempt.index] = attempt.stats.input_bytes;
  }
  return FindSkew(bytes, job.heavy_keys);
}

}  // namespace

void ClusterState::Apply(const JobEdit& edit) {
  std::visit([this](const auto& e) { On(e); }, edit);
}

void ClusterState::On(const JobAccepted& edit) {
  auto [slot, added] = jobs_.emplace(std::piecewise_construct, std::forward_as_tuple(edit.job),
                                     std::forward_as_tuple(edit.plan));
  CORE_CHECK(added);
  JobRecord& job = slot->second;
  job.summary.job = edit.job;
  job.summary.accepted_wall_us = edit.wall_us;
  job.summary.workers_joined = present_workers_;
  last_job_ = std::max(last_job_, edit.job.value());
  unfinished_.insert(edit.job);
  unfinished_tasks_ += uint64_t{edit.plan.map_count} + edit.plan.reducers;
  if (edit.plan.watched()) ++watched_jobs_;
  if (!edit.plan.request_id.empty()) requests_[edit.plan.request_id] = edit.job;
  if (!edit.plan.feeds) output_folders_[edit.plan.output_folder] = edit.job;
  job.fingerprints = edit.fingerprints;
  job.results.resize(edit.fingerprints.size());
  if (JobRecord* before = FindJob(edit.plan.reads); before != nullptr && !before->ended()) {
    before->reader = edit.job;
    TellReader(*before);
  }
  Reindex(&job);
}

void ClusterState::On(const WorkerRegistered& edit) {
  WorkerRecord& worker = workers_[edit.worker];
  CORE_CHECK(!worker.id.is_set());
  worker.id = edit.worker;
  worker.incarnation = edit.incarnation;
  worker.name = edit.name;
  incarnations_[edit.incarnation] = edit.worker;
  last_worker_ = std::max(last_worker_, edit.worker.value());
  ++present_workers_;
  for (JobId job : unfinished_) ++MustFindJob(job)->summary.workers_joined;
}

void ClusterState::On(const WorkerLost& edit) {
  WorkerRecord* worker = FindWorker(edit.worker);
  CORE_CHECK(worker != nullptr && !worker->lost());
  incarnations_.erase(worker->incarnation);
  for (const auto& [job_id, share] : worker->shares) {
    JobRecord* job = FindJob(job_id);
    if (job == nullptr) continue;
    job->workers.erase(edit.worker);
    StopAwaiting(edit.worker, job);
  }
  worker->shares.clear();
  SetState(worker, WorkerState::kLost);
  lost_.push_back(edit.worker);
  --present_workers_;
  for (JobId job : unfinished_) ++MustFindJob(job)->summary.workers_lost;
}

void ClusterState::On(const AttemptStarted& edit) {
  JobRecord* job = Change(edit.task.job);
  CORE_CHECK(job->HasTask(edit.task));
  if (edit.attempt.epoch == epoch_) last_attempt_ = std::max(last_attempt_, edit.attempt.sequence);
  RunningAttempt attempt;
  attempt.task = edit.task;
  attempt.worker = edit.worker;
  attempt.started_wall_us = edit.wall_us;
  attempt.reason = edit.reason;
  attempt.phase = edit.task.stage == 0 ? Phase::kHoldsSlot : Phase::kFetching;
  attempts_[edit.attempt] = attempt;
  job->attempts[KeyOf(edit.task)].push_back(edit.attempt);
  job->stages[edit.task.stage].SetState(edit.task.index, TaskState::kRunning);
  ++job->summary.started[static_cast<size_t>(edit.reason)];
  if (edit.reason == Reason::kSpeculative) {
    ++job->backups[edit.task.stage];
    ++job->backups_of_task[KeyOf(edit.task)];
  }
  if (attempt.phase == Phase::kFetching) ++job->reducing_workers[edit.worker];
  if (WorkerRecord* worker = FindWorker(edit.worker)) ++worker->attempts_started;
  Occupy(edit.attempt, attempt, job);
}

void ClusterState::On(const AttemptEnded& edit) {
  const RunningAttempt attempt = End(edit.attempt, edit.cause, edit.wall_us);
  JobRecord* job = Change(edit.task.job);
  if (!edit.message.empty() && job->messages.size() < JobRecord::kMessagesMax) {
    job->messages[edit.attempt] = edit.message;
  }
  if (edit.cause != Cause::kSuperseded) CountFailure(job, edit, attempt.worker);
  AddLostAttempt(edit, job);
  Reindex(job);
}

void ClusterState::On(const TaskDone& edit) {
  const RunningAttempt attempt = End(edit.attempt, Cause::kSucceeded, edit.wall_us);
  JobRecord* job = Change(edit.task.job);
  job->history.back().stats = edit.stats;
  AddDoneAgain(edit, job);
  StageState& stage = job->stages[edit.task.stage];
  Task& task = stage.Mutable(edit.task.index);
  if (!task.was_done) {  // a task that runs again adds nothing to the sums
    CountSuccess(edit.task, edit.stats, edit.counters, job);
    if (!edit.heavy_keys.empty()) {
      job->heavy_keys.Add(edit.task.index, edit.stats.input_bytes, edit.heavy_keys);
    }
  }
  task.digest = edit.digest;
  task.winner_epoch = static_cast<uint32_t>(edit.attempt.epoch.value());
  task.winner_sequence = edit.attempt.sequence;
  task.winner_worker = static_cast<uint32_t>(attempt.worker.value());
  task.output_bytes = edit.stats.output_bytes;
  stage.SetState(edit.task.index, TaskState::kDone);
  if (const auto trouble = job->troubles.find(KeyOf(edit.task)); trouble != job->troubles.end()) {
    trouble->second.last_failure.clear();
  }
  if (edit.task.stage == 0 && !job->plan().map_only()) {
    PutSource(job, edit.task.index, attempt.worker);
  }
  TellReader(*job);
  Reindex(job);
}

void ClusterState::On(const OutputReused& edit) {
  JobRecord* job = Change(edit.task.job);
  StageState& maps = job->stages[edit.task.stage];
  Task& task = maps.Mutable(edit.task.index);
  CORE_CHECK(task.state == TaskState::kIdle && !task.was_done);
  CountSuccess(edit.task, edit.stats, edit.counters, job);
  ++job->summary.map_outputs_reused;
  task.digest = edit.digest;
  task.winner_epoch = static_cast<uint32_t>(edit.attempt.epoch.value());
  task.winner_sequence = edit.attempt.sequence;
  task.winner_worker = static_cast<uint32_t>(edit.worker.value());
  task.output_bytes = edit.stats.output_bytes;
  maps.SetState(edit.task.index, TaskState::kDone);
  job->reused[edit.task.index] = ReusedOutput{edit.made_for, edit.attempt, edit.worker};
  if (FindWorker(edit.worker) != nullptr) job->workers.insert(edit.worker);
  PutSource(job, edit.task.index, edit.worker);
  Reindex(job);
}

void ClusterState::CountSuccess(const TaskId& task, const AttemptStats& stats,
                                const std::map<std::string, int64_t>& counters, JobRecord* job) {
  AddTask(stats, &job->summary.stage_stats[task.stage]);
  // Input and output are those of the job: what its first stage read and its last one wrote.
  AttemptStats of_job = stats;
  if (task.stage > 0) of_job.input_bytes = of_job.input_records = 0;
  const bool is_last_stage = task.stage + 1 == job->plan().stage_count();
  if (!is_last_stage) of_job.output_bytes = of_job.output_records = 0;
  AddTask(of_job, &job->summary.stats);
  for (const auto& [name, value] : counters) job->summary.counters[name] += value;
  if (task.stage > 0 || !job->reuses()) return;
  MapResult& result = job->results[task.index] = MapResult{stats, counters};
  EraseProfile(&result.counters);  // what it cost is of this run alone
}

void ClusterState::PutSource(JobRecord* job, uint32_t map_index, WorkerId worker_id) {
  WorkerRecord* worker = FindWorker(worker_id);
  if (worker != nullptr && !job->plan().keeps_outputs) {
    worker->shares[job->id()].outputs.push_back(map_index);
  }
  MoveSource(job, map_index);
}

void ClusterState::On(const OutputLost& edit) {
  JobRecord* job = Change(edit.task.job);
  StageState& stage = job->stages[edit.task.stage];
  Task& task = stage.Mutable(edit.task.index);
  CORE_CHECK(task.done() && task.winner() == edit.attempt);
  Increment(&task.other_failures);
  task.next_reason = Reason::kOutputLost;
  Trouble& trouble = job->troubles[KeyOf(edit.task)];
  Increment(&trouble.outputs_lost);
  trouble.AddFailedWorker(task.worker());
  stage.SetState(edit.task.index, TaskState::kIdle);
  AddLostOutput(edit, job);
  if (edit.task.stage == 0) MoveSource(job, edit.task.index);
  TellReader(*job);
  Reindex(job);
}

void ClusterState::TellReader(const JobRecord& job) {
  JobRecord* reader = FindJob(job.reader);
  if (reader == nullptr || reader->ended()) return;
  reader->input_ready = job.LastStageComplete();
  Reindex(reader);
}

void ClusterState::On(const JobPublishing& edit) {
  JobRecord* job = Change(edit.job);
  job->summary.state = JobState::kPublishing;
  Reindex(job);
}

void ClusterState::On(const JobEnded& edit) {
  JobRecord* job = Change(edit.job);
  CORE_CHECK(!job->ended() && job->attempts.empty());
  job->summary.state = edit.state;
  job->summary.error = edit.error;
  job->summary.ended_wall_us = edit.wall_us;
  if (edit.state == JobState::kSucceeded) job->summary.skew = SkewOf(*job);
  for (WorkerId worker : job->workers) {
    if (WorkerRecord* record = FindWorker(worker); record != nullptr) {
      record->shares.erase(edit.job);
    }
  }
  job->ForgetTasks();
  Reindex(job);
  changed_sources_.erase(edit.job);
  unfinished_.erase(edit.job);
  unfinished_tasks_ -= uint64_t{job->plan().map_count} + job->plan().reducers;
  if (job->plan().watched()) --watched_jobs_;
  if (!job->plan().feeds) output_folders_.erase(job->plan().output_folder);
  ended_.push_back(edit.job);
  ended_attempts_ += job->history.size() + job->reused.size();
}

void ClusterState::On(const JobFolded& edit) {
  const JobId id = edit.summary.job;
  auto [slot, added] = jobs_.emplace(std::piecewise_construct, std::forward_as_tuple(id),
                                     std::forward_as_tuple(JobPlan()));
  JobRecord& job = slot->second;
  job.summary = edit.summary;
  job.folded = true;
  if (!added) return;
  job.stages.clear();
  const JobPlan& plan = edit.summary.plan;
  for (uint32_t stage = 0; stage < plan.stage_count(); ++stage) {
    job.final_stages.push_back(
        StageView{JobPlan::kind(stage), plan.task_count(stage), 0, job.summary.tasks_done[stage]});
  }
  last_job_ = std::max(last_job_, id.value());
  if (!plan.request_id.empty()) requests_[plan.request_id] = id;
  ended_.push_back(id);
}

void ClusterState::On(const LossNoticed& edit) { AddLoss(edit, Change(edit.job)); }

void ClusterState::On(const RecordSkipped& edit) {
  JobRecord* job = Change(edit.task.job);
  const auto add = [&edit](std::vector<InputRecord>* records) {
    const auto at = std::upper_bound(records->begin(), records->end(), edit.record);
    // Where two maps meet, both read the same frame of a compressed file.
    if (at != records->begin() && *std::prev(at) == edit.record) return;
    records->insert(at, edit.record);
  };
  add(&job->summary.skipped_records);
  Trouble& trouble = job->troubles[KeyOf(edit.task)];
  add(&trouble.skipped);
  trouble.failed_records.clear();
  job->stages[edit.task.stage].Mutable(edit.task.index).user_failures = 0;
}

RunningAttempt ClusterState::End(const AttemptId& id, Cause cause, int64_t wall_us) {
  const auto found = attempts_.find(id);
  CORE_CHECK(found != attempts_.end());
  const RunningAttempt attempt = found->second;
  attempts_.erase(found);

  JobRecord* job = MustFindJob(attempt.task.job);
  const auto siblings = job->attempts.find(KeyOf(attempt.task));
  auto& ids = siblings->second;
  ids.erase(std::find(ids.begin(), ids.end(), id));
  const bool was_last = ids.empty();
  if (was_last) job->attempts.erase(siblings);
  StageState& stage = job->stages[attempt.task.stage];
  if (was_last && !stage[attempt.task.index].done()) {
    stage.SetState(attempt.task.index, TaskState::kIdle);
  }
  if (attempt.task.stage > 0) {
    const auto reducing = job->reducing_workers.find(attempt.worker);
    if (--reducing->second == 0) job->reducing_workers.erase(reducing);
  }
  ++job->summary.ended[static_cast<size_t>(cause)];

  // Limits on retries bound the history; this bound only guards against a mistake in them.
  const size_t history_max = 32 * (size_t{stage.total()} + 1000);
  if (job->history.size() >= history_max) job->history.pop_front();
  job->history.push_back(AttemptRecord{
      id.sequence, attempt.started_wall_us, wall_us, static_cast<uint32_t>(id.epoch.value()),
      static_cast<uint32_t>(attempt.worker.value()), attempt.task.index,
      static_cast<uint8_t>(attempt.task.stage), attempt.reason, cause, AttemptStats()});
  Vacate(id, attempt, job);
  return attempt;
}

void ClusterState::CountFailure(JobRecord* job, const AttemptEnded& edit, WorkerId worker) {
  Task& task = job->stages[edit.task.stage].Mutable(edit.task.index);
  if (edit.cause == Cause::kCancelled) {  // by the core itself: nobody failed
    // A map is cancelled when another attempt of it has failed: that is the reason for the next.
    if (edit.task.stage > 0) task.next_reason = ReasonAfter(edit.cause);
    return;
  }
  task.next_reason = ReasonAfter(edit.cause);
  // An unfit worker says nothing about the task; there are as many of them as there are.
  if (edit.cause != Cause::kWorkerUnfit) {
    Increment(edit.cause == Cause::kUserCodeFailed ? &task.user_failures : &task.other_failures);
  }
  Trouble& trouble = job->troubles[KeyOf(edit.task)];
  Increment(&trouble.ended[static_cast<size_t>(edit.cause)]);
  trouble.AddFailedWorker(worker);
  if (!edit.record.file.empty() && !task.was_done) trouble.failed_records.push_back(edit.record);
  trouble.last_failure =
      absl::StrCat(ToString(edit.attempt), " on worker ", NameOf(worker), ": ", Name(edit.cause),
                   edit.message.empty() ? "" : ": ", edit.message);
}

void ClusterState::MoveSource(JobRecord* job, uint32_t map_index) {
  job->source_log.push_back(map_index);
  if (!job->reducing_workers.empty()) changed_sources_.insert(job->id());
}

void ClusterState::Occupy(const AttemptId& id, const RunningAttempt& attempt, JobRecord* job) {
  const bool slot = attempt.phase == Phase::kHoldsSlot;
  ++(slot ? job->slots_used : job->fetchers);
  if (attempt.phase == Phase::kReady) job->waiting.insert(id);
  if (WorkerRecord* worker = FindWorker(attempt.worker); worker != nullptr) {
    ++(slot ? worker->slots_used : worker->fetchers);
    if (attempt.phase == Phase::kReady) worker->ready.push_back(id);
    worker->attempts.insert(id);
    worker->shares[job->id()];
    job->workers.insert(worker->id);
    Reindex(worker);
  }
  Reindex(job);
}

void ClusterState::Vacate(const AttemptId& id, const RunningAttempt& attempt, JobRecord* job) {
  const bool slot = attempt.phase == Phase::kHoldsSlot;
  --(slot ? job->slots_used : job->fetchers);
  if (attempt.phase == Phase::kReady) job->waiting.erase(id);
  if (WorkerRecord* worker = FindWorker(attempt.worker); worker != nullptr) {
    --(slot ? worker->slots_used : worker->fetchers);
    if (attempt.phase == Phase::kReady) {
      worker->ready.erase(std::find(worker->ready.begin(), worker->ready.end(), id));
    }
    worker->attempts.erase(id);
    Reindex(worker);
  }
  Reindex(job);
}

JobRecord* ClusterState::MustFindJob(JobId job) {
  JobRecord* found = FindJob(job);
  CORE_CHECK(found != nullptr);
  return found;
}

JobRecord* ClusterState::Change(JobId job) {
  JobRecord* found = MustFindJob(job);
  ++found->version;
  return found;
}

}  // namespace millrace
