#include "master/core/stragglers.h"

#include <algorithm>

namespace millrace {
namespace {

// As often as workers report progress.
constexpr absl::Duration kPeriod = absl::Seconds(1);
constexpr uint32_t kTasksPerBackup = 10;
constexpr uint32_t kBackupsPerTaskMax = 2;
// A copy that would end only a little earlier is not worth its slot.
constexpr double kClearly = 1.5;

absl::Duration FloorOf(const JobRecord& job) {
  return absl::Milliseconds(job.plan().speculation_floor_ms);
}

}  // namespace

// What a unit of work costs in one stage: what it cost lately, or costs those that run.
class Stragglers::CostsElsewhere {
 public:
  CostsElsewhere(const JobRecord& job, uint32_t stage, const ClusterState& cluster)
      : lately_(job.costs[stage].Median()) {
    if (lately_.has_value()) return;
    for (const auto& [key, attempts] : job.attempts) {
      if (key.stage != stage) continue;
      const auto cost = cluster.FindAttempt(attempts.front())->pace.UnitCost();
      if (cost.has_value()) running_.push_back(*cost);
    }
    std::sort(running_.begin(), running_.end());
  }

  // The median, seconds for a unit, without the running attempt that costs `own`; not set when
  // there is no other.
  std::optional<double> Of(double own) const {
    if (lately_.has_value()) return lately_;
    if (running_.size() < 2) return std::nullopt;
    const size_t middle = (running_.size() - 1) / 2;
    return running_[running_[middle] < own ? middle : middle + 1];
  }

 private:
  const std::optional<double> lately_;
  std::vector<double> running_;  // sorted
};

bool Stragglers::IsTime(bool tick) {
  if (cluster_.watched_jobs() == 0) {
    next_look_.reset();
    return false;
  }
  const bool due = tick && next_look_.has_value() && *next_look_ <= turn_.now();
  if (due || !next_look_.has_value()) next_look_ = turn_.now() + kPeriod;
  return due;
}

void Stragglers::TimeOut() {
  std::vector<AttemptId> stuck;
  for (JobId id : cluster_.unfinished()) {
    const JobRecord* job = cluster_.FindJob(id);
    const absl::Duration limit = absl::Milliseconds(job->plan().progress_timeout_ms);
    if (limit == absl::ZeroDuration()) continue;
    for (const auto& [key, attempts] : job->attempts) {
      for (const AttemptId& attempt : attempts) {
        const RunningAttempt* running = cluster_.FindAttempt(attempt);
        // What fetches has deadlines of its own.
        if (running->phase != Phase::kHoldsSlot || running->pace.Stall() < limit) continue;
        stuck.push_back(attempt);
      }
    }
  }
  for (const AttemptId& attempt : stuck) attempts_.TimeOut(attempt);
}

void Stragglers::BackUp() {
  for (JobId id : cluster_.unfinished()) {
    JobRecord* job = cluster_.FindJob(id);
    if (!job->running() || job->plan().speculation_floor_ms == 0) continue;
    for (uint32_t stage = 0; stage < job->stages.size(); ++stage) BackUp(job, stage);
  }
}

void Stragglers::BackUp(JobRecord* job, uint32_t stage) {
  // A reduce needs all its sources: those whose workers have not said yet where they are, and those
  // that are made again for others, although the one that is slow may have them.
  if (stage > 0 && !(job->awaited_workers.empty() && job->maps().complete())) return;
  if (stage == 0 && !job->input_ready) return;
  const uint32_t allowed = std::max(1u, job->stages[stage].total() / kTasksPerBackup);
  if (job->backups[stage] >= allowed) return;
  const CostsElsewhere elsewhere(*job, stage, cluster_);
  std::vector<Straggler> stragglers;
  for (const auto& [key, attempts] : job->attempts) {
    if (key.stage != stage || attempts.size() != 1) continue;
    const auto had = job->backups_of_task.find(key);
    if (had != job->backups_of_task.end() && had->second >= kBackupsPerTaskMax) continue;
    const std::optional<absl::Duration> left = LeftOfStraggler(*job, attempts.front(), elsewhere);
    if (!left.has_value()) continue;
    stragglers.push_back({*left, attempts.front(), TaskId{job->id(), stage, key.index}});
  }
  std::stable_sort(stragglers.begin(), stragglers.end(),
                   [](const Straggler& a, const Straggler& b) { return a.left > b.left; });
  for (const Straggler& straggler : stragglers) {
    if (job->backups[stage] >= allowed) return;
    const std::optional<WorkerId> worker = Choose(*job, straggler);
    if (worker.has_value()) scheduler_.Start(straggler.task, *worker, Reason::kSpeculative);
  }
}

std::optional<absl::Duration> Stragglers::LeftOfStraggler(const JobRecord& job, const AttemptId& id,
                                                          const CostsElsewhere& elsewhere) const {
  const RunningAttempt& attempt = *cluster_.FindAttempt(id);
  const Pace& pace = attempt.pace;
  const absl::Duration floor = FloorOf(job);
  if (pace.waiting() || pace.Elapsed(turn_.now()) < floor) return std::nullopt;
  if (pace.Stall() >= floor) return absl::InfiniteDuration();
  const std::optional<double> cost = pace.UnitCost();
  if (!cost.has_value()) return std::nullopt;
  const absl::Duration left = absl::Seconds(*cost * static_cast<double>(pace.left()));
  const std::optional<double> usual = elsewhere.Of(*cost);
  const absl::Duration enough =
      usual.has_value() ? absl::Seconds(kClearly * *usual * static_cast<double>(pace.total()))
                        : floor;
  return left > enough ? std::optional(left) : std::nullopt;
}

// Of the attempts that fetch there: a reduce whose sources are not all made cannot be next.
uint32_t Stragglers::SlotsWantedOn(const WorkerRecord& worker) const {
  uint32_t wanted = 0;
  for (const AttemptId& id : worker.attempts) {
    const RunningAttempt* attempt = cluster_.FindAttempt(id);
    if (attempt->phase == Phase::kHoldsSlot) continue;
    if (cluster_.FindJob(attempt->task.job)->maps().complete()) ++wanted;
  }
  return wanted;
}

std::optional<WorkerId> Stragglers::Choose(const JobRecord& job, const Straggler& straggler) {
  const WorkerId slow = cluster_.FindAttempt(straggler.attempt)->worker;
  const std::string host = cluster_.FindWorker(slow)->host_id;
  const auto trouble = job.troubles.find(KeyOf(straggler.task));
  std::optional<WorkerId> same_host;
  for (const auto& [key, id] : cluster_.workers_with_slots()) {
    const WorkerRecord* worker = cluster_.FindWorker(id);
    if (straggler.task.stage > 0 && worker->free_fetchers() == 0) continue;
    if (SlotsWantedOn(*worker) >= worker->free_slots()) continue;
    if (id == slow || worker->slow() || !scheduler_.IsReady(id, job.id())) continue;
    if (trouble != job.troubles.end() && trouble->second.HasFailedOn(id)) continue;
    if (straggler.task.stage > 0 && reach_.IsApart(job, id)) continue;
    if (worker->host_id != host) return id;
    if (!same_host.has_value()) same_host = id;
  }
  return same_host;
}

}  // namespace millrace
