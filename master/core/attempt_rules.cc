#include "master/core/attempt_rules.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

// Errors travel and are journalled: a page of text says enough.
constexpr size_t kMessageBytesMax = 1000;
constexpr size_t kTailBytesMax = 3000;
// A worker whose units cost at most so many times the median is no slow one.
constexpr double kKeepsUp = 1.5;

// What an outcome says of its failure: one line, then what the attempt last wrote.
std::string TextOf(const AttemptOutcome& outcome) {
  std::string text = outcome.message.substr(0, kMessageBytesMax);
  if (!outcome.position.empty()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", "at ",
                    outcome.position.substr(0, kMessageBytesMax));
  }
  if (!outcome.stderr_tail.empty()) {
    std::string_view tail = outcome.stderr_tail;
    if (tail.size() > kTailBytesMax) tail.remove_prefix(tail.size() - kTailBytesMax);
    absl::StrAppend(&text, "\n", ToAbsl(tail));
  }
  return text;
}

uint32_t TimeOutsOf(const JobRecord& job, const TaskId& task) {
  const auto trouble = job.troubles.find(KeyOf(task));
  if (trouble == job.troubles.end()) return 0;
  return trouble->second.ended[static_cast<size_t>(Cause::kTimedOut)];
}

// The cause to count: one that a worker can know. The others are the core's own conclusions.
Cause FailureOf(const JobRecord& job, const AttemptOutcome& outcome) {
  const Cause cause = SkipRules::CauseOf(job, outcome);
  switch (cause) {
    case Cause::kUserCodeFailed:
    case Cause::kFetchFailed:
    case Cause::kTimedOut:
    case Cause::kJobInvalid:
    case Cause::kWorkerUnfit: return cause;
    default: return Cause::kWorkerFailed;
  }
}

}  // namespace

void AttemptRules::On(const AttemptReported& event) {
  const RunningAttempt* attempt = FindReported(event.worker, event.outcome.attempt);
  if (attempt == nullptr || attempt->task != event.outcome.task) return AnswerUnexpected(event);
  const RunningAttempt copy = *attempt;
  if (event.outcome.cause == Cause::kSucceeded) {
    AcceptSuccess(event, copy);
  } else {
    AcceptFailure(event, copy);
  }
}

const RunningAttempt* AttemptRules::FindReported(WorkerId worker, const AttemptId& id) const {
  const RunningAttempt* attempt = turn_.cluster().FindAttempt(id);
  return attempt != nullptr && attempt->worker == worker ? attempt : nullptr;
}

bool AttemptRules::IsWinner(const TaskId& task, const AttemptId& attempt) const {
  const JobRecord* job = turn_.cluster().FindJob(task.job);
  return job != nullptr && job->HasTask(task) && job->task(task).done() &&
         job->task(task).winner() == attempt;
}

void AttemptRules::AnswerUnexpected(const AttemptReported& event) {
  const AttemptOutcome& outcome = event.outcome;
  // The answer to its first report was lost on the way.
  if (outcome.cause == Cause::kSucceeded && IsWinner(outcome.task, outcome.attempt)) {
    return Answer(event, OutcomeReply::kAccepted);
  }
  JobRecord* job = turn_.cluster().FindJob(outcome.task.job);
  const bool counts = job != nullptr && !job->ended();
  // An attempt that obeyed CancelAttempt is no surprise.
  if (outcome.cause != Cause::kCancelled) {
    ++stale_reports_;
    if (counts) ++job->summary.stale_reports;
  }
  const bool done_by_another = counts && job->HasTask(outcome.task) &&
                               job->task(outcome.task).done() && outcome.cause == Cause::kSucceeded;
  Answer(event, done_by_another ? OutcomeReply::kSuperseded : OutcomeReply::kStale);
}

void AttemptRules::AcceptSuccess(const AttemptReported& event, const RunningAttempt& attempt) {
  const AttemptOutcome& outcome = event.outcome;
  JobRecord* job = turn_.cluster().FindJob(attempt.task.job);
  const Task before = job->task(attempt.task);
  // That of a reduce matters to nobody: a job that reads its part sees to its own maps.
  const bool differs =
      attempt.task.stage == 0 && before.was_done && before.digest != outcome.digest;
  if (differs && job->reduces().done() > 0) {
    FailForNonDeterministicMap(job, attempt.task, outcome.attempt);
    return Answer(event, OutcomeReply::kStale);
  }
  turn_.Emit(TaskDone{outcome.attempt, attempt.task, turn_.wall_us(), outcome.digest, outcome.stats,
                      outcome.counters, outcome.heavy_keys});
  const bool is_last_stage = attempt.task.stage + 1 == job->plan().stage_count();
  turn_.cluster().FindWorker(event.worker)->shares[job->id()].pauses = 0;
  turn_.Do(AnswerOutcome{event.worker, outcome.attempt, OutcomeReply::kAccepted,
                         /*urgent=*/is_last_stage});
  // How long it ran under an earlier master is not known here.
  if (outcome.attempt.epoch == turn_.options().epoch) NotePace(job, attempt, outcome.stats);
  SupersedeOthers(job, attempt);
  if (differs) RestartReduces(job);
  jobs_.PublishIfComplete(job);
}

void AttemptRules::NotePace(JobRecord* job, const RunningAttempt& winner,
                            const AttemptStats& stats) {
  const uint32_t stage = winner.task.stage;
  const uint64_t units = stage == 0 ? stats.input_bytes : stats.input_records;
  if (units == 0) return;
  const double cost =
      absl::ToDoubleSeconds(winner.pace.Elapsed(turn_.now())) / static_cast<double>(units);
  job->costs[stage].Add(cost);
  WorkerRecord* worker = turn_.cluster().FindWorker(winner.worker);
  if (cost <= kKeepsUp * *job->costs[stage].Median()) worker->races_lost = 0;
}

void AttemptRules::SupersedeOthers(JobRecord* job, const RunningAttempt& winner) {
  const TaskId task = winner.task;
  const auto others = job->attempts.find(KeyOf(task));
  if (others == job->attempts.end()) return;
  const std::vector<AttemptId> ids(others->second.begin(), others->second.end());
  for (const AttemptId& id : ids) {
    const WorkerId worker = turn_.cluster().FindAttempt(id)->worker;
    if (winner.reason == Reason::kSpeculative) ++turn_.cluster().FindWorker(worker)->races_lost;
    turn_.Emit(AttemptEnded{id, task, Cause::kSuperseded, turn_.wall_us(), ""});
    if (turn_.cluster().FindWorker(worker)->reachable()) turn_.Do(CancelAttempt{worker, id});
  }
}

void AttemptRules::RestartReduces(JobRecord* job) {
  std::vector<AttemptId> ids;
  for (const auto& [key, attempts] : job->attempts) {
    if (key.stage > 0) ids.insert(ids.end(), attempts.begin(), attempts.end());
  }
  for (const AttemptId& id : ids) {
    const RunningAttempt attempt = *turn_.cluster().FindAttempt(id);
    turn_.Emit(AttemptEnded{id, attempt.task, Cause::kCancelled, turn_.wall_us(),
                            "a map that ran again gave different output"});
    if (turn_.cluster().FindWorker(attempt.worker)->reachable()) {
      turn_.Do(CancelAttempt{attempt.worker, id});
    }
  }
}

void AttemptRules::AcceptFailure(const AttemptReported& event, const RunningAttempt& attempt) {
  const AttemptOutcome& outcome = event.outcome;
  JobRecord* job = turn_.cluster().FindJob(attempt.task.job);
  const Cause cause = FailureOf(*job, outcome);
  std::optional<LossNote> loss = LossOfReport(&turn_, event, cause);
  if (loss.has_value()) loss->Show(job->id());
  const InputRecord place = SkipRules::PlaceOf(*job, outcome);
  turn_.Emit(
      AttemptEnded{outcome.attempt, attempt.task, cause, turn_.wall_us(), TextOf(outcome), place});
  Answer(event, OutcomeReply::kAccepted);
  if (cause == Cause::kJobInvalid) {
    jobs_.Fail(job,
               absl::StrCat(job->Title(), " failed: no attempt of ",
                            TaskName(JobPlan::kind(attempt.task.stage), attempt.task.index),
                            " can succeed: ", job->troubles[KeyOf(attempt.task)].last_failure));
    return;
  }
  skips_.LookAtFailure(job, attempt.task, place);
  CheckLimits(job, attempt.task);
  if (cause == Cause::kFetchFailed && !job->ended()) LoseFailedSource(event, &*loss);
  if (job->ended()) return;
  if (cause == Cause::kWorkerFailed) Pause(event.worker, job, attempt.task);
  if (cause == Cause::kWorkerUnfit) Exclude(event.worker, job, attempt.task);
}

// As long as the worker's own failures ask for, or those of the task, which workers on one host or
// a master's restart may have shared out.
void AttemptRules::Pause(WorkerId worker, JobRecord* job, const TaskId& task) {
  WorkerShare& share = turn_.cluster().FindWorker(worker)->shares[job->id()];
  // Attempts that ran side by side fail side by side: that is one failure.
  if (turn_.now() < share.paused_until) return;
  ++share.pauses;
  const Trouble& trouble = job->troubles[KeyOf(task)];
  const uint32_t failures =
      std::max<uint32_t>(share.pauses, trouble.ended[static_cast<size_t>(Cause::kWorkerFailed)]);
  absl::Duration pause = turn_.options().first_pause;
  for (uint32_t i = 1; i < failures && pause < turn_.options().longest_pause; ++i) pause *= 2;
  share.paused_until = turn_.now() + std::min(pause, turn_.options().longest_pause);
}

void AttemptRules::Exclude(WorkerId worker, JobRecord* job, const TaskId& task) {
  turn_.cluster().FindWorker(worker)->shares[job->id()].unfit = true;
  for (const auto& [id, record] : turn_.cluster().workers()) {
    if (record.lost() || record.state == WorkerState::kDraining) continue;
    const auto share = record.shares.find(job->id());
    if (share == record.shares.end() || !share->second.unfit) return;
  }
  jobs_.Fail(job, absl::StrCat(job->Title(), " failed: no worker can run it; last ",
                               job->troubles[KeyOf(task)].last_failure));
}

void AttemptRules::LoseFailedSource(const AttemptReported& event, LossNote* loss) {
  const AttemptOutcome& outcome = event.outcome;
  const TaskId map = SourceOf(turn_.cluster(), outcome);
  if (map.stage > 0) return LosePart(map, outcome.failed_source, loss);
  // A source that was replaced meanwhile costs nothing: the reduce just tries again.
  const std::optional<WorkerId> holder = HolderOf(turn_.cluster(), map, outcome.failed_source);
  if (!holder.has_value()) return;
  if (!outcome.source_unreachable) return LoseOutput(map.job, map.index, loss);
  // Whoever made a kept output may be lost, and forgotten.
  if (turn_.cluster().FindWorker(*holder) == nullptr) return;
  reach_.NoteCut(event.worker, *holder);
  // The second who cannot reach it speaks against the holder; there may be hundreds who could try.
  const bool alone = reach_.CutsOf(*holder) < 2;
  if (alone && reach_.SomebodyReachesAll(*turn_.cluster().FindJob(map.job))) return;
  LoseOutputsOn(*holder, map.job, loss);
}

void AttemptRules::LosePart(const TaskId& reduce, const AttemptId& attempt, LossNote* loss) {
  if (!IsWinner(reduce, attempt)) return;  // made again meanwhile
  JobRecord* job = turn_.cluster().FindJob(reduce.job);
  loss->Show(reduce.job);
  turn_.Emit(OutputLost{attempt, reduce});
  CheckLimits(job, reduce);
  // While all parts were there nobody needed the outputs of its maps, and nobody missed them.
  for (uint32_t i = 0; !job->ended() && i < job->plan().map_count; ++i) {
    const Task& map = job->maps()[i];
    const WorkerRecord* worker = turn_.cluster().FindWorker(map.worker());
    const bool is_gone = map.done() && (worker == nullptr || worker->lost());
    if (is_gone && !job->plan().keeps_outputs) LoseOutput(reduce.job, i, loss);
  }
}

void AttemptRules::LoseOutputsOn(WorkerId worker, JobId job_id, LossNote* loss) {
  const std::vector<uint32_t> outputs = turn_.cluster().FindWorker(worker)->shares[job_id].outputs;
  for (uint32_t index : outputs) {
    const JobRecord* job = turn_.cluster().FindJob(job_id);
    if (job == nullptr || !job->NeedsMapOutputs()) return;
    if (job->maps()[index].worker() == worker) LoseOutput(job_id, index, loss);
  }
}

void AttemptRules::On(const OutputMissed& event) {
  if (event.task.stage != 0 || !IsWinner(event.task, event.attempt)) return;
  const JobRecord* job = turn_.cluster().FindJob(event.task.job);
  if (job->task(event.task).worker() != event.worker) return;
  LossNote loss(&turn_, LossKind::kOutputLost, NoticedBy::kReportedMissing,
                SourceName(turn_.cluster(), event.task, event.attempt));
  LoseOutput(job->id(), event.task.index, &loss);
}

void AttemptRules::On(const SourcesReady& event) {
  const RunningAttempt* attempt = FindReported(event.worker, event.attempt);
  if (attempt == nullptr || attempt->task.stage == 0) return;
  if (attempt->phase == Phase::kHoldsSlot) {  // the grant was lost on the way
    turn_.Do(GrantSlot{event.worker, event.attempt});
    return;
  }
  const JobRecord* job = turn_.cluster().FindJob(attempt->task.job);
  const bool current = event.version == job->source_log.size() && job->maps().complete();
  if (current && attempt->phase == Phase::kFetching) {
    turn_.SetPhase(event.attempt, Phase::kReady);
  }
}

void AttemptRules::On(const ProgressReported& event) {
  RunningAttempt* attempt = turn_.cluster().FindAttempt(event.attempt);
  if (attempt == nullptr || attempt->worker != event.worker) return;
  attempt->pace.Report(turn_.now(), event.steps, event.done, event.total);
}

void AttemptRules::TimeOut(const AttemptId& id) {
  const RunningAttempt* found = turn_.cluster().FindAttempt(id);
  if (found == nullptr) return;  // went with its job
  const RunningAttempt attempt = *found;
  JobRecord* job = turn_.cluster().FindJob(attempt.task.job);
  LossOfStandstill(&turn_, attempt.task, attempt.worker).Show(job->id());
  turn_.Emit(AttemptEnded{
      id, attempt.task, Cause::kTimedOut, turn_.wall_us(),
      absl::StrCat("it got nothing done for ",
                   absl::FormatDuration(absl::Milliseconds(job->plan().progress_timeout_ms)))});
  if (turn_.cluster().FindWorker(attempt.worker)->reachable()) {
    turn_.Do(CancelAttempt{attempt.worker, id});
  }
  CheckLimits(job, attempt.task);
}

void AttemptRules::LoseAttempt(const AttemptId& id, LossNote* loss) {
  const RunningAttempt* found = turn_.cluster().FindAttempt(id);
  if (found == nullptr) return;  // went with its job
  const TaskId task = found->task;
  loss->Show(task.job);
  turn_.Emit(AttemptEnded{id, task, Cause::kWorkerLost, turn_.wall_us(), ""});
  CheckLimits(turn_.cluster().FindJob(task.job), task);
}

void AttemptRules::LoseOutput(JobId job_id, uint32_t map_index, LossNote* loss) {
  JobRecord* job = turn_.cluster().FindJob(job_id);
  if (job == nullptr || !job->MayNeedMapOutputs()) return;
  const TaskId task{job_id, 0, map_index};
  if (!job->task(task).done()) return;
  loss->Show(job_id);
  reuse().OnOutputLost(*job, map_index);
  turn_.Emit(OutputLost{job->task(task).winner(), task});
  // Reduce attempts that wait for a slot may read the source in place: they say again when the new
  // one is ready. Those that have a slot go on; they report it if they miss the source.
  while (!job->waiting.empty()) {
    const AttemptId id = *job->waiting.begin();
    turn_.SetPhase(id, Phase::kFetching);
  }
  CheckLimits(job, task);
}

void AttemptRules::CheckLimits(JobRecord* job, const TaskId& task) {
  if (job->ended()) return;
  const Task& state = job->task(task);
  const std::string name = TaskName(JobPlan::kind(task.stage), task.index);
  if (state.user_failures >= job->plan().failures_max(task.stage)) {
    const std::string last = job->troubles[KeyOf(task)].last_failure;
    jobs_.Fail(job, absl::StrCat(job->Title(), " failed: ", name, " failed ",
                                 CountText(state.user_failures, "time"), " in user code, its limit",
                                 SkipRules::WhyNothingElse(*job, task), "; last ", last));
  } else if (const uint32_t stuck = TimeOutsOf(*job, task); stuck >= job->plan().max_attempts) {
    jobs_.Fail(job, absl::StrCat(job->Title(), " failed: ", name, " got nothing done ",
                                 CountText(stuck, "time"), ", its limit; last ",
                                 job->troubles[KeyOf(task)].last_failure));
  } else if (state.other_failures >= turn_.options().other_failures_max) {
    const Trouble& trouble = job->troubles[KeyOf(task)];
    jobs_.Fail(job, absl::StrCat(
                        job->Title(), " failed: ", name, " was undone ",
                        CountText(state.other_failures, "time"), ", its limit (", trouble.Chain(),
                        ")", trouble.last_failure.empty() ? "" : "; last ", trouble.last_failure));
  }
}

void AttemptRules::FailForNonDeterministicMap(JobRecord* job, const TaskId& task,
                                              const AttemptId& attempt) {
  const RunningAttempt* running = turn_.cluster().FindAttempt(attempt);
  jobs_.Fail(
      job, absl::StrCat(job->Title(), " failed: non-deterministic map: ",
                        TaskName(StageKind::kMap, task.index), " ran again as ", ToString(attempt),
                        " on worker ", turn_.cluster().NameOf(running->worker),
                        " and gave different output than before, when reduces had already used "
                        "the first; make the mapper a function of its input alone"));
}

void AttemptRules::Answer(const AttemptReported& event, OutcomeReply reply) {
  turn_.Do(AnswerOutcome{event.worker, event.outcome.attempt, reply});
}

}  // namespace millrace
