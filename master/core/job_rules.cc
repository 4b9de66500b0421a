#include "master/core/job_rules.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"
#include "master/core/check.h"

namespace millrace {
namespace {

constexpr uint32_t kReducersMax = 99'999;  // five digits in the name of a part

bool IsValid(const JobPlan& plan) { return plan.max_attempts > 0 && plan.reducers <= kReducersMax; }

// Whether the maps of each job fit the parts of the one before it.
bool IsChain(const JobSubmitted& event) {
  const JobPlan* before = nullptr;
  for (const JobSubmitted& step : event.before) {
    if (!IsValid(step.plan) || step.plan.map_only()) return false;
    if (before != nullptr && step.plan.map_count != before->reducers) return false;
    before = &step.plan;
  }
  return before == nullptr || event.plan.map_count == before->reducers;
}

// Whether what it has staged is to be removed: it failed, or who was to read it has done so.
bool LeavesNoOutput(const JobRecord& job) {
  return job.summary.state != JobState::kSucceeded || job.plan().feeds;
}

}  // namespace

void JobRules::On(const JobSubmitted& event) {
  if (AnswerWithoutNewJob(event)) return;
  JobId before;
  for (const JobSubmitted& step : event.before) before = Accept(step, before, /*feeds=*/true);
  const JobId job = Accept(event, before, /*feeds=*/false);
  turn_.Do(AnswerSubmit{event.plan.request_id, SubmitReply::kAccepted, job, ""});
  PublishIfComplete(turn_.cluster().FindJob(job));
}

JobId JobRules::Accept(const JobSubmitted& event, JobId before, bool feeds) {
  const JobId id = event.job.is_set() ? event.job : turn_.cluster().NextJobId();
  CORE_CHECK(turn_.cluster().FindJob(id) == nullptr);
  JobAccepted accepted{id, event.plan, turn_.wall_us(), event.spec,
                       reuse_.Applies(event) ? event.fingerprints : std::vector<Digest>()};
  accepted.plan.reads = before;
  accepted.plan.feeds = feeds;
  if (feeds) accepted.plan.output_folder.clear();
  turn_.Emit(std::move(accepted));
  reuse_.TakeFor(turn_.cluster().FindJob(id));
  return id;
}

bool JobRules::AnswerWithoutNewJob(const JobSubmitted& event) {
  const JobPlan& plan = event.plan;
  const ClusterState& cluster = turn_.cluster();
  const CoreOptions& options = turn_.options();
  const auto answer = [&](SubmitReply reply, JobId job, std::string message) {
    turn_.Do(AnswerSubmit{plan.request_id, reply, job, std::move(message)});
    return true;
  };
  if (const JobId same = cluster.JobOfRequest(plan.request_id); same.is_set()) {
    return answer(SubmitReply::kAccepted, same, "");
  }
  if (!IsValid(plan)) {
    return answer(SubmitReply::kInvalid, JobId(),
                  absl::StrCat("a job needs max_attempts of at least 1 and at most ", kReducersMax,
                               " reducers, not ", plan.max_attempts, " and ", plan.reducers));
  }
  if (!IsChain(event)) {
    return answer(SubmitReply::kInvalid, JobId(),
                  "in a chain of jobs each but the last needs parts, and each but the first a map "
                  "for each part of the one before it");
  }
  if (cluster.unfinished().size() + event.before.size() >= options.unfinished_jobs_max) {
    return answer(
        SubmitReply::kTooManyJobs, JobId(),
        absl::StrCat("the master has ", CountText(cluster.unfinished().size(), "unfinished job"),
                     ", its limit; submit again when one has ended"));
  }
  uint64_t tasks = uint64_t{plan.map_count} + plan.reducers;
  for (const JobSubmitted& step : event.before) {
    tasks += uint64_t{step.plan.map_count} + step.plan.reducers;
  }
  if (cluster.unfinished_tasks() + tasks > options.unfinished_tasks_max) {
    return answer(SubmitReply::kTooManyTasks, JobId(),
                  absl::StrCat("the job's ", CountText(tasks, "task"), " and the ",
                               cluster.unfinished_tasks(),
                               " of unfinished jobs exceed the master's limit of ",
                               options.unfinished_tasks_max, "; use larger splits"));
  }
  const JobId rival = cluster.UnfinishedJobWithOutput(plan.output_folder);
  if (rival.is_set() && !plan.output_folder.empty()) {
    return answer(SubmitReply::kOutputInUse, rival,
                  absl::StrCat("unfinished ", ToString(rival), " writes to ", plan.output_folder,
                               "; wait for it, cancel it or choose another output folder"));
  }
  return false;
}

void JobRules::On(const CancelRequested& event) {
  JobRecord* job = turn_.cluster().FindJob(event.job);
  CancelReply reply = CancelReply::kAccepted;
  if (job == nullptr) {
    reply = CancelReply::kUnknownJob;
  } else if (job->summary.state == JobState::kPublishing) {
    reply = CancelReply::kPublishing;
  } else if (job->running()) {
    const std::string why = event.reason.empty() ? "" : absl::StrCat(": ", event.reason);
    EndChain(job, JobState::kCancelled, absl::StrCat(job->Title(), " was cancelled", why));
  } else if (job->summary.state != JobState::kCancelled) {
    reply = CancelReply::kEnded;
  }
  turn_.Do(AnswerCancel{event.job, reply});
}

void JobRules::On(const JobPublished& event) {
  JobRecord* job = turn_.cluster().FindJob(event.job);
  if (job == nullptr || job->summary.state != JobState::kPublishing) return;  // said twice
  if (event.status.ok()) {
    End(job, JobState::kSucceeded, "");
  } else {
    Fail(job, absl::StrCat(job->Title(), " failed: its output could not be put in place: ",
                           event.status.ToString()));
  }
}

void JobRules::Recover() {
  reuse_.Recover();
  for (JobId id : turn_.cluster().ended()) {
    JobRecord* job = turn_.cluster().FindJob(id);
    if (job->folded) continue;
    if (LeavesNoOutput(*job)) turn_.Do(AbortOutput{id});
    turn_.Do(FoldJob{id});
    job->folded = true;
  }
  std::vector<JobId> unfinished(turn_.cluster().unfinished().begin(),
                                turn_.cluster().unfinished().end());
  for (JobId id : unfinished) {
    JobRecord* job = turn_.cluster().FindJob(id);
    if (job->running()) {
      PublishIfComplete(job);
    } else {
      turn_.Do(PublishJob{id});
    }
  }
  BoundHistory();
}

void JobRules::PublishIfComplete(JobRecord* job) {
  if (!job->running() || !job->LastStageComplete()) return;
  CancelAttempts(job);  // maps that ran again for reduces that did not need them after all
  if (job->plan().feeds) return turn_.Do(JobChanged{job->id()});
  EndStepsBefore(*job);
  turn_.Emit(JobPublishing{job->id()});
  turn_.Do(PublishJob{job->id()});
  turn_.Do(JobChanged{job->id()});
}

void JobRules::End(JobRecord* job, JobState state, const std::string& error) {
  CancelAttempts(job);
  if (state == JobState::kSucceeded) reuse_.RetainOutputsOf(*job);
  reuse_.LetGo(*job);
  const std::vector<WorkerId> workers(job->workers.begin(), job->workers.end());
  turn_.Emit(JobEnded{job->id(), state, turn_.wall_us(), error});
  if (LeavesNoOutput(*job)) turn_.Do(AbortOutput{job->id()});
  for (WorkerId worker : workers) {
    if (turn_.cluster().FindWorker(worker)->reachable()) turn_.Do(ReleaseJob{worker, job->id()});
  }
  turn_.Do(JobChanged{job->id()});
  turn_.Do(FoldJob{job->id()});
  job->folded = true;
  BoundHistory();
}

void JobRules::EndChain(JobRecord* job, JobState state, const std::string& error) {
  std::vector<JobId> others;
  const auto add = [&](JobId other) {
    const JobRecord* record = turn_.cluster().FindJob(other);
    if (record == nullptr || record->ended()) return JobId();
    others.push_back(other);
    return other;
  };
  for (JobId other = add(job->plan().reads); other.is_set();) {
    other = add(turn_.cluster().FindJob(other)->plan().reads);
  }
  for (JobId other = add(job->reader); other.is_set();) {
    other = add(turn_.cluster().FindJob(other)->reader);
  }
  End(job, state, error);
  for (JobId other : others) {
    JobRecord* record = turn_.cluster().FindJob(other);
    End(record, state, absl::StrCat(record->Title(), " ends with another of its chain: ", error));
  }
}

void JobRules::EndStepsBefore(const JobRecord& job) {
  for (JobId id = job.plan().reads; id.is_set();) {
    JobRecord* step = turn_.cluster().FindJob(id);
    if (step == nullptr || step->ended()) return;
    id = step->plan().reads;
    End(step, JobState::kSucceeded, "");
  }
}

void JobRules::CancelAttempts(JobRecord* job) {
  while (!job->attempts.empty()) {
    const AttemptId id = job->attempts.begin()->second.front();
    const RunningAttempt attempt = *turn_.cluster().FindAttempt(id);
    turn_.Emit(AttemptEnded{id, attempt.task, Cause::kCancelled, turn_.wall_us(), ""});
    const WorkerRecord* worker = turn_.cluster().FindWorker(attempt.worker);
    if (worker != nullptr && worker->reachable()) turn_.Do(CancelAttempt{attempt.worker, id});
  }
}

void JobRules::BoundHistory() {
  ClusterState& cluster = turn_.cluster();
  while (cluster.ended().size() > turn_.options().history_max) {
    const JobId oldest = cluster.ended().front();
    cluster.ForgetJob(oldest);
    turn_.Do(ForgetJob{oldest});
  }
  // The attempts of the job that ended last are always kept: someone is about to ask for them.
  for (size_t i = 0; i + 1 < cluster.ended().size(); ++i) {
    if (cluster.ended_attempts() <= turn_.options().history_attempts_max) return;
    cluster.ForgetAttemptsOf(cluster.FindJob(cluster.ended()[i]));
  }
}

}  // namespace millrace
