#include "master/core/master_core.h"

#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "master/core/check.h"
#include "master/core/core_state.h"
#include "master/core/lineage.h"

namespace millrace {
namespace {

absl::Status NoSuchJob(JobId job) {
  return absl::NotFoundError(absl::StrCat("there is no ", ToString(job), ", or no longer"));
}

const JobRecord& MustFind(const ClusterState& cluster, JobId job) {
  const JobRecord* found = cluster.FindJob(job);
  CORE_CHECK(found != nullptr);
  return *found;
}

// "map-00000 to map-00015".
std::string TasksOf(const JobPlan& plan, uint32_t stage) {
  const uint32_t count = plan.task_count(stage);
  if (count == 0) return "";
  const std::string first = TaskName(JobPlan::kind(stage), 0);
  return count == 1 ? first
                    : absl::StrCat(first, " to ", TaskName(JobPlan::kind(stage), count - 1));
}

absl::Status NoSuchTask(const TaskId& task, const JobPlan& plan) {
  std::string known = TasksOf(plan, 0);
  if (!plan.map_only()) absl::StrAppend(&known, known.empty() ? "" : " and ", TasksOf(plan, 1));
  return absl::NotFoundError(absl::StrCat(ToString(task.job), " has no ",
                                          TaskName(JobPlan::kind(task.stage), task.index),
                                          "; it has ", known.empty() ? "no tasks" : known));
}

void DumpTask(uint32_t stage, uint32_t index, const Task& task, std::ostream& out) {
  if (task.state == TaskState::kIdle && task.next_reason == Reason::kFirst) return;
  out << "  task " << stage << "/" << index << " state " << static_cast<int>(task.state)
      << " failures " << task.user_failures << "+" << task.other_failures << " next "
      << Name(task.next_reason);
  if (task.was_done) {
    out << " winner " << task.winner() << " on " << task.worker() << " digest " << task.digest
        << " bytes " << task.output_bytes;
  }
  out << "\n";
}

void DumpJob(const JobRecord& job, const ClusterState& cluster, std::ostream& out) {
  JobFolded summary{job.summary};
  summary.summary.stale_reports = 0;  // counted, but not worth a journal entry each
  out << DebugString(JobEdit(summary)) << "\n";
  for (uint32_t stage = 0; stage < job.stages.size(); ++stage) {
    for (uint32_t i = 0; i < job.stages[stage].total(); ++i) {
      DumpTask(stage, i, job.stages[stage][i], out);
    }
  }
  for (const auto& [key, attempts] : job.attempts) {
    for (const AttemptId& id : attempts) {
      const RunningAttempt* attempt = cluster.FindAttempt(id);
      out << "  " << id << " runs " << attempt->task << " on " << attempt->worker << " because "
          << Name(attempt->reason) << "\n";
    }
  }
  for (const auto& [key, trouble] : job.troubles) {
    out << "  trouble " << key.stage << "/" << key.index << " " << trouble.Chain() << " "
        << trouble.last_failure << " failed records " << trouble.failed_records.size()
        << " skipped " << trouble.skipped.size() << "\n";
  }
  if (job.ended()) return;
  out << "  backups " << job.backups[0] << "+" << job.backups[1] << "\n";
  for (const auto& [key, backups] : job.backups_of_task) {
    out << "  backups of " << key.stage << "/" << key.index << " " << backups << "\n";
  }
  for (const auto& [key, entry] : job.undone_by) {
    out << "  " << key.stage << "/" << key.index << " undone by loss " << entry << "\n";
  }
  for (const AttemptRecord& record : job.history) {
    out << "  attempt-" << record.epoch << "-" << record.sequence << " " << Name(record.cause)
        << "\n";
  }
  for (const auto& [index, output] : job.reused) {
    out << "  0/" << index << " took " << output.made_for << " " << output.attempt << " on "
        << output.worker << "\n";
  }
  out << "  sources " << job.source_log.size() << "\n";
}

}  // namespace

MasterCore::MasterCore(const CoreOptions& options) : state_(std::make_unique<CoreState>(options)) {}
MasterCore::~MasterCore() = default;

Decision MasterCore::OnEvent(CoreTime now, const Event& event) {
  return state_->OnEvent(now, event);
}

void MasterCore::Apply(const JobEdit& edit) { state_->Apply(edit); }

WorkerId MasterCore::IdOf(Incarnation incarnation) const {
  return state_->cluster().IdOf(incarnation);
}

std::vector<JobId> MasterCore::Jobs() const {
  std::vector<JobId> ids;
  for (const auto& [id, job] : state_->cluster().jobs()) ids.push_back(id);
  return ids;
}

absl::StatusOr<JobSnapshot> MasterCore::Job(JobId id) const {
  const JobRecord* job = state_->cluster().FindJob(id);
  if (job == nullptr) return NoSuchJob(id);
  JobSnapshot view{job->summary, job->version, job->final_stages};
  for (uint32_t stage = 0; stage < job->stages.size(); ++stage) {
    const StageState& tasks = job->stages[stage];
    view.stages.push_back(
        StageView{JobPlan::kind(stage), tasks.total(), tasks.running(), tasks.done()});
  }
  return view;
}

JobId MasterCore::NextJobId() const { return state_->cluster().NextJobId(); }

JobId MasterCore::JobOfRequest(const std::string& request_id) const {
  return state_->cluster().JobOfRequest(request_id);
}

absl::StatusOr<std::vector<AttemptSnapshot>> MasterCore::Attempts(JobId id, size_t limit) const {
  const ClusterState& cluster = state_->cluster();
  const JobRecord* job = cluster.FindJob(id);
  if (job == nullptr) return NoSuchJob(id);
  std::vector<AttemptSnapshot> views;
  for (const AttemptRecord& record : job->history) {
    if (views.size() == limit) return views;
    views.push_back(ViewOf(record, *job, cluster));
  }
  for (const auto& [key, attempts] : job->attempts) {
    for (const AttemptId& attempt : attempts) {
      if (views.size() == limit) return views;
      views.push_back(ViewOf(attempt, *job, cluster));
    }
  }
  return views;
}

absl::StatusOr<TaskLineage> MasterCore::Lineage(const TaskId& task, uint32_t first_source,
                                                uint32_t sources_max) const {
  const JobRecord* job = state_->cluster().FindJob(task.job);
  if (job == nullptr) return NoSuchJob(task.job);
  const JobPlan& plan = job->plan();
  if (task.stage >= plan.stage_count() || task.index >= plan.task_count(task.stage)) {
    return NoSuchTask(task, plan);
  }
  return LineageOf(task, *job, state_->cluster(), first_source, sources_max);
}

std::vector<WorkerSnapshot> MasterCore::Workers(CoreTime now) const {
  std::vector<WorkerSnapshot> views;
  for (const auto& [id, worker] : state_->cluster().workers()) {
    if (worker.lost_earlier) continue;
    WorkerSnapshot view;
    view.worker = id;
    view.name = worker.name;
    view.host_id = worker.host_id;
    view.state = worker.state;
    view.slots = worker.slots;
    view.free_slots = worker.free_slots();
    view.attempts = static_cast<uint32_t>(worker.attempts.size());
    view.attempts_started = worker.attempts_started;
    if (worker.state != WorkerState::kAwaited) view.since_heartbeat = now - worker.last_heartbeat;
    views.push_back(std::move(view));
  }
  return views;
}

ClusterView MasterCore::Cluster() const {
  ClusterView view;
  view.workers_joined = state_->workers().joined();
  view.workers_lost = state_->workers().lost();
  view.stale_reports = state_->attempts().stale_reports();
  view.unfinished_jobs = state_->cluster().unfinished().size();
  return view;
}

uint32_t MasterCore::SourceVersion(JobId id) const {
  const JobRecord* job = state_->cluster().FindJob(id);
  return job == nullptr ? 0 : static_cast<uint32_t>(job->source_log.size());
}

std::vector<MapSource> MasterCore::Sources(JobId id, uint32_t from, uint32_t to) const {
  const JobRecord& job = MustFind(state_->cluster(), id);
  CORE_CHECK(from <= to && to <= job.source_log.size());
  const absl::btree_set<uint32_t> changed(job.source_log.begin() + from,
                                          job.source_log.begin() + to);
  std::vector<MapSource> sources;
  sources.reserve(changed.size());
  for (uint32_t index : changed) {
    const Task& task = job.maps()[index];
    MapSource source;
    source.map_index = index;
    if (task.done()) {
      source.attempt = task.winner();
      source.worker = task.worker();
      source.digest = task.digest;
      if (const ReusedOutput* reused = job.ReusedFor(index)) source.made_for = reused->made_for;
    }
    sources.push_back(source);
  }
  return sources;
}

std::vector<PartView> MasterCore::Parts(JobId id) const {
  const JobRecord& job = MustFind(state_->cluster(), id);
  CORE_CHECK(job.summary.state == JobState::kPublishing);
  const StageState& last = job.stages.back();
  std::vector<PartView> parts;
  parts.reserve(last.total());
  for (uint32_t i = 0; i < last.total(); ++i) {
    parts.push_back(PartView{i, last[i].winner(), last[i].digest, last[i].output_bytes});
  }
  return parts;
}

std::vector<RetainedView> MasterCore::Retained() const {
  std::vector<RetainedView> views;
  for (const RetainedOutput& output : state_->outputs().Outputs()) {
    views.push_back(RetainedView{output.worker, output.task, output.attempt});
  }
  return views;
}

std::vector<JobId> MasterCore::StepsBefore(JobId id) const {
  std::vector<JobId> before;
  for (const JobRecord* job = state_->cluster().FindJob(id); job != nullptr;) {
    job = state_->cluster().FindJob(job->plan().reads);
    if (job != nullptr) before.push_back(job->id());
  }
  return before;
}

std::vector<InputRecord> MasterCore::SkippedRecords(JobId id) const {
  std::vector<InputRecord> records = MustFind(state_->cluster(), id).summary.skipped_records;
  for (JobId step : StepsBefore(id)) {
    const std::vector<InputRecord>& some = state_->cluster().FindJob(step)->summary.skipped_records;
    records.insert(records.begin(), some.begin(), some.end());
  }
  return records;
}

JobFolded MasterCore::Folded(JobId id) const {
  const JobRecord& job = MustFind(state_->cluster(), id);
  CORE_CHECK(job.ended());
  return JobFolded{job.summary};
}

std::string MasterCore::DurableState() const {
  const ClusterState& cluster = state_->cluster();
  std::ostringstream out;
  for (const auto& [id, job] : cluster.jobs()) DumpJob(job, cluster, out);
  for (const auto& [id, worker] : cluster.workers()) {
    if (!worker.lost()) out << id << " " << worker.name << " " << worker.incarnation << "\n";
  }
  return out.str();
}

const char* Name(WorkerState state) {
  switch (state) {
    case WorkerState::kJoined: return "joined";
    case WorkerState::kDraining: return "draining";
    case WorkerState::kSuspect: return "suspect";
    case WorkerState::kAwaited: return "awaited";
    case WorkerState::kLost: return "lost";
  }
  return "unknown";
}

}  // namespace millrace
