#include "master/client_views.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "rpc/system_counters.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr size_t kErrorBytesInLists = 1000;

uint64_t MillisBetween(int64_t from_us, int64_t to_us) {
  return to_us > from_us ? static_cast<uint64_t>(to_us - from_us) / 1000 : 0;
}

bool Ended(JobState state) { return state >= JobState::kSucceeded; }

// In the words of `millrace workers`.
const char* ShownState(WorkerState state) {
  switch (state) {
    case WorkerState::kJoined: return "alive";
    case WorkerState::kDraining: return "draining";
    case WorkerState::kSuspect: return "suspect";
    case WorkerState::kAwaited: return "suspect";
    case WorkerState::kLost: return "lost";
  }
  return "lost";
}

}  // namespace

ClientViews::ClientViews(const MasterCore& core, const JobStore& jobs, const WorkerLinks& links,
                         const MasterShell& shell, const Options& options)
    : core_(core), jobs_(jobs), links_(links), shell_(shell), options_(options) {}

int64_t ClientViews::NowWallUs() const { return options_.started_wall_us + shell_.Now().micros(); }

// --- Jobs ---

std::optional<JobView> ClientViews::Job(JobId job) const {
  const absl::StatusOr<JobSnapshot> snapshot = core_.Job(job);
  if (!snapshot.ok()) return std::nullopt;
  return MakeJobView(*snapshot);
}

std::vector<JobView> ClientViews::Jobs() const {
  std::vector<JobView> views;
  for (JobId job : core_.Jobs()) {
    std::optional<JobView> view = Job(job);
    if (!view.has_value()) continue;
    view->counters.clear();
    view->recovery.clear();
    view->skipped_records.clear();
    view->skew = Skew();
    view->error = view->error.substr(0, std::min(view->error.find('\n'), kErrorBytesInLists));
    views.push_back(*std::move(view));
  }
  return views;
}

JobView ClientViews::MakeJobView(const JobSnapshot& snapshot) const {
  const JobSummary& summary = snapshot.summary;
  const auto stored = jobs_.Find(summary.job);
  JobView view;
  view.job = summary.job;
  view.name = summary.plan.name;
  // A job is over for its clients when that is durable and its output folder is as it shall be:
  // then the store lets go of it.
  view.state = Ended(summary.state) && stored != nullptr ? JobState::kRunning : summary.state;
  view.version = snapshot.version;
  view.error = summary.error;
  for (const StageView& stage : snapshot.stages) {
    view.stages.push_back({stage.kind, stage.total, stage.done, stage.running});
  }
  view.attempts_by_reason = summary.started;
  view.attempts_by_cause = summary.ended;
  view.stale_reports = summary.stale_reports;
  view.workers_joined = summary.workers_joined;
  view.workers_lost = summary.workers_lost;
  view.input_bytes = stored != nullptr ? stored->input_bytes : summary.stats.input_bytes;
  view.mapped_bytes = summary.stats.input_bytes + links_.RunningMapBytes(summary.job);
  view.shuffled_bytes = summary.stats.shuffled_bytes;
  view.output_bytes = summary.stats.output_bytes;
  view.counters = summary.counters;
  for (uint32_t stage = 0; stage < summary.plan.stage_count(); ++stage) {
    AddSystemCounters(JobPlan::kind(stage), summary.stage_stats[stage], &view.counters);
  }
  view.map_outputs_reused = summary.map_outputs_reused;
  view.skipped_records = core_.SkippedRecords(summary.job);
  AddSkippedRecords(view.skipped_records.size(), &view.counters);
  for (JobId step : core_.StepsBefore(summary.job)) {
    const JobSnapshot before = *core_.Job(step);
    for (const auto& [name, value] : before.summary.counters) view.counters[name] += value;
  }
  view.skew = summary.skew;
  view.output_folder = summary.plan.output_folder;
  view.output_key = JobKey(summary.job, options_.cluster_id);
  view.submitted_unix_ms = summary.accepted_wall_us / 1000;
  const int64_t end = Ended(summary.state) ? summary.ended_wall_us : NowWallUs();
  view.wall_ms = MillisBetween(summary.accepted_wall_us, end);
  if (const absl::StatusOr<JobSnapshot> before = core_.Job(summary.plan.reads); before.ok()) {
    view.input_bytes = before->summary.stats.output_bytes;
  }
  view.waiting_on = WaitingOn(snapshot);
  view.recovery.assign(summary.recovery.begin(), summary.recovery.end());
  view.recovery_dropped = summary.recovery_dropped;
  return view;
}

std::string ClientViews::WaitingOn(const JobSnapshot& snapshot) const {
  if (snapshot.summary.state != JobState::kRunning) return "";
  for (const StageView& stage : snapshot.stages) {
    if (stage.running > 0) return "";
  }
  std::string chain = WaitingInChain(snapshot);
  if (!chain.empty()) return chain;
  if (links_.size() == 0) return "workers: none is connected";
  for (const WorkerSnapshot& worker : core_.Workers(shell_.Now())) {
    if (worker.state == WorkerState::kJoined && worker.free_slots > 0) {
      return absl::StrCat("a worker that can run it: slots are free, and `millrace diagnose ",
                          ToString(snapshot.summary.job), "` says why none is used");
    }
  }
  return "slots: all are busy with other jobs";
}

std::string ClientViews::WaitingInChain(const JobSnapshot& snapshot) const {
  const JobPlan& plan = snapshot.summary.plan;
  const auto is_done = [](const StageView& stage) { return stage.done == stage.total; };
  if (plan.feeds && is_done(snapshot.stages.back())) return "the jobs that read its parts";
  const absl::StatusOr<JobSnapshot> before = core_.Job(plan.reads);
  if (!before.ok() || before->stages.empty() || is_done(before->stages.back())) return "";
  std::string text = absl::StrCat(ToString(plan.reads), " \"", before->summary.plan.name,
                                  "\", whose parts it reads:");
  for (const StageView& stage : before->stages) {
    absl::StrAppend(&text, " ", stage.kind == StageKind::kMap ? "maps" : "reduces", " ", stage.done,
                    "/", stage.total);
  }
  return text;
}

// --- Attempts ---

std::optional<std::vector<AttemptView>> ClientViews::Attempts(JobId job, uint64_t first) const {
  const absl::StatusOr<JobSnapshot> snapshot = core_.Job(job);
  if (!snapshot.ok()) return std::nullopt;
  auto attempts = core_.Attempts(job, std::numeric_limits<size_t>::max());
  if (!attempts.ok()) return std::nullopt;
  std::sort(
      attempts->begin(), attempts->end(),
      [](const AttemptSnapshot& a, const AttemptSnapshot& b) { return a.attempt < b.attempt; });
  std::vector<AttemptView> views;
  for (size_t i = first; i < attempts->size() && views.size() < kAttemptsPerAnswer; ++i) {
    views.push_back(MakeAttemptView((*attempts)[i], snapshot->summary.accepted_wall_us));
  }
  return views;
}

AttemptView ClientViews::MakeAttemptView(const AttemptSnapshot& attempt,
                                         int64_t accepted_wall_us) const {
  AttemptView view;
  view.attempt = attempt.attempt;
  view.task = attempt.task;
  view.kind = attempt.kind;
  view.reason = attempt.reason;
  view.cause = attempt.cause;
  view.worker = attempt.worker;
  view.worker_name = attempt.worker_name;
  if (const WorkerLinks::Known* known = links_.Find(attempt.worker)) {
    view.worker_name = known->info.name;
    view.worker_pid = known->info.pid;
  }
  view.message = attempt.message;
  view.stats = attempt.stats;
  view.started_ms = MillisBetween(accepted_wall_us, attempt.started_wall_us);
  if (attempt.cause == Cause::kRunning) {
    view.status = links_.StatusOf(attempt.worker, attempt.attempt);
  } else {
    view.ended_ms = MillisBetween(accepted_wall_us, attempt.ended_wall_us);
  }
  return view;
}

absl::StatusOr<LineageView> ClientViews::Lineage(const TaskId& task, uint32_t first_source) const {
  auto lineage = core_.Lineage(task, first_source, kSourcesPerAnswer);
  if (!lineage.ok()) return lineage.status();
  const absl::StatusOr<JobSnapshot> job = core_.Job(task.job);
  if (!job.ok()) return job.status();
  LineageView view;
  view.task = task;
  view.kind = JobPlan::kind(task.stage);
  view.state = lineage->state;
  view.winner = lineage->winner;
  view.digest = lineage->digest;
  view.sources = lineage->sources;
  view.forgotten = lineage->forgotten;
  view.made_for = lineage->made_for;
  view.part_of = lineage->part_of;
  view.read = std::move(lineage->read);
  if (first_source > 0) return view;
  const auto stored = jobs_.Find(task.job);
  const bool has_split =
      stored != nullptr && task.stage == 0 && view.forgotten.empty() && !view.part_of.job.is_set();
  if (has_split) view.split = stored->splits[task.index];
  for (const AttemptSnapshot& attempt : lineage->attempts) {
    if (view.attempts.size() == kAttemptsPerAnswer) break;
    view.attempts.push_back(MakeAttemptView(attempt, job->summary.accepted_wall_us));
  }
  return view;
}

// --- Workers ---

std::vector<WorkerView> ClientViews::Workers() const {
  std::vector<WorkerView> views;
  for (const WorkerSnapshot& worker : core_.Workers(shell_.Now())) {
    views.push_back(MakeWorkerView(worker));
  }
  return views;
}

std::string ClientViews::WhyAway(WorkerId worker) const {
  std::string who = ToString(worker);
  for (const WorkerView& view : Workers()) {
    if (view.worker != worker) continue;
    who = absl::StrCat("worker ", view.name);
    if (view.state == ShownState(WorkerState::kLost)) break;
    return absl::StrCat(who, " is not connected; ask again when it is back");
  }
  return absl::StrCat(who, " is lost; what its attempts wrote went with it");
}

WorkerView ClientViews::MakeWorkerView(const WorkerSnapshot& worker) const {
  WorkerView view;
  view.worker = worker.worker;
  view.name = worker.name;
  view.state = ShownState(worker.state);
  view.slots = worker.slots;
  view.busy = worker.slots - std::min(worker.slots, worker.free_slots);
  view.attempts = worker.attempts_started;
  view.heartbeat_age_ms = static_cast<uint64_t>(
      std::max<int64_t>(0, absl::ToInt64Milliseconds(worker.since_heartbeat)));
  if (const WorkerLinks::Known* known = links_.Find(worker.worker)) {
    view.host = known->info.host;
    view.pid = known->info.pid;
  }
  return view;
}

}  // namespace millrace
