#include "tests/bench/scripted_cluster.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMapLeast = 5 * kSecond, kMapMost = 15 * kSecond;
constexpr int64_t kFetchLeast = 1 * kSecond, kFetchMost = 20 * kSecond;
constexpr int64_t kReduceLeast = 5 * kSecond, kReduceMost = 30 * kSecond;
// One in so many maps takes ten times as long.
constexpr uint64_t kMapsPerStraggler = 1000;
constexpr uint32_t kMissersPerLoss = 3;
constexpr uint64_t kInputBytes = 64 << 20;
constexpr size_t kComplaintsMax = 20;

double ThreadCpuSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

JobPlan PlanOf(const ScriptedClusterOptions& options) {
  JobPlan plan;
  plan.name = "scale";
  plan.request_id = "scale";
  plan.output_folder = "/out";
  plan.map_count = options.maps;
  plan.reducers = options.reduces;
  plan.speculation_floor_ms = 10'000;
  plan.progress_timeout_ms = 600'000;
  return plan;
}

std::string Describe(const Event& event, const Decision& decision) {
  const char* name = std::holds_alternative<Tick>(event)              ? "a tick"
                     : std::holds_alternative<AttemptReported>(event) ? "a report"
                     : std::holds_alternative<JobSubmitted>(event)    ? "the submission"
                     : std::holds_alternative<JobPublished>(event)    ? "the end of the job"
                                                                      : "another event";
  return absl::StrCat(name, ": ", decision.edits.size(), " edits, ", decision.actions.size(),
                      " actions");
}

AttemptReported ReportOf(WorkerId worker, const AttemptId& attempt, const TaskId& task) {
  AttemptReported report;
  report.worker = worker;
  report.outcome.attempt = attempt;
  report.outcome.task = task;
  report.outcome.cause = Cause::kSucceeded;
  report.outcome.digest = Digest{task.index, task.stage};
  report.outcome.stats.input_bytes = kInputBytes;
  report.outcome.stats.input_records = kInputBytes / 100;
  report.outcome.stats.cpu_us = 5 * kSecond;
  report.outcome.counters["wordcount/words"] = 1000;
  return report;
}

}  // namespace

ScriptedCluster::ScriptedCluster(const ScriptedClusterOptions& options)
    : options_(options),
      core_(std::make_unique<MasterCore>(options.core)),
      book_(options.maps, options.reduces),
      random_(options.seed),
      workers_(options.workers) {
  for (uint32_t i = 1; i <= options_.workers; ++i) victims_.push_back(WorkerId(i));
  for (size_t i = victims_.size(); i > 1; --i) std::swap(victims_[i - 1], victims_[Random(i)]);
  const double lost = options_.workers * options_.lost_percent / 100;
  victims_.resize(std::min(victims_.size(), static_cast<size_t>(lost)));
}

void ScriptedCluster::Run() {
  Happens(MasterStarted{});
  JoinWorkers();
  Submit();
  while (!publish_ && !queue_.empty() && complaints_.size() < kComplaintsMax) {
    const Due due = queue_.top();
    queue_.pop();
    now_us_ = due.at_us;
    Happens(due);
  }
  costs_.virtual_seconds = static_cast<double>(now_us_) / kSecond;
  if (!publish_) return;
  const uint64_t full = HeapBytes();
  Happens(JobPublished{JobId(1), absl::OkStatus()});
  succeeded_ = core_->Job(JobId(1))->summary.state == JobState::kSucceeded;
  core_ = nullptr;
  costs_.core_bytes = full - HeapBytes();
}

std::vector<std::string> ScriptedCluster::Complaints() const {
  std::vector<std::string> all = complaints_;
  const std::vector<std::string>& winners = book_.complaints();
  all.insert(all.end(), winners.begin(), winners.end());
  all.insert(all.end(), checker_.complaints().begin(), checker_.complaints().end());
  if (!book_.ReducesComplete()) all.push_back("a reduce has no winner");
  return all;
}

void ScriptedCluster::JoinWorkers() {
  for (uint32_t i = 1; i <= options_.workers; ++i) {
    WorkerJoined joined;
    joined.worker = WorkerId(i);
    joined.incarnation = Incarnation(i);
    joined.slots = options_.slots;
    joined.name = absl::StrCat("worker", i);
    joined.host_id = absl::StrCat("host", i);
    checker_.Connected(joined.worker, joined.slots);
    Happens(joined);
    Due beat;
    beat.what = What::kHeartbeat;
    beat.worker = joined.worker;
    Schedule(beat, static_cast<int64_t>(Random(kSecond)));
  }
}

void ScriptedCluster::Submit() {
  JobSubmitted submitted;
  submitted.plan = PlanOf(options_);
  Happens(submitted);
}

// --- Time ---

void ScriptedCluster::Schedule(Due due, int64_t in_us) {
  due.at_us = now_us_ + in_us;
  due.number = ++scheduled_;
  queue_.push(due);
}

void ScriptedCluster::Happens(const Due& due) {
  if (due.what == What::kTick) {
    if (due.at_us != wake_us_) return;  // another one has replaced it
    wake_us_ = -1;
    return Happens(Tick{});
  }
  if (due.what == What::kBreak) {
    checker_.Disconnected(due.worker);
    return Happens(WorkerDisconnected{due.worker});
  }
  if (!worker(due.worker).alive) return;
  switch (due.what) {
    case What::kHeartbeat: return Beat(due.worker);
    case What::kDone: return Report(due.worker, due.attempt);
    case What::kFetched: return AskForSlot(due.worker, due.attempt);
    case What::kFetchFailed: return FailToFetch(due);
    default: return;
  }
}

void ScriptedCluster::Happen(const std::vector<Event>& events) {
  const std::vector<Decision> decisions = Decide(events);
  for (size_t i = 0; i < events.size(); ++i) {
    const auto* report = std::get_if<AttemptReported>(&events[i]);
    for (const JobEdit& edit : decisions[i].edits) {
      book_.Saw(edit, report == nullptr ? WorkerId() : report->worker);
    }
    if (options_.checked) checker_.Saw(decisions[i]);
    for (const Action& action : decisions[i].actions) {
      std::visit([this](const auto& a) { On(a); }, action);
    }
  }
}

// The part that counts.
std::vector<Decision> ScriptedCluster::Decide(const std::vector<Event>& events) {
  std::vector<Decision> decisions;
  decisions.reserve(events.size());
  const double begin = ThreadCpuSeconds();
  for (const Event& event : events) {
    decisions.push_back(core_->OnEvent(CoreTime::FromMicros(now_us_), event));
    encoded_.clear();
    for (const JobEdit& edit : decisions.back().edits) EncodeTo(edit, &encoded_);
    costs_.journal_bytes += encoded_.size();
    costs_.actions += decisions.back().actions.size();
  }
  const double took = ThreadCpuSeconds() - begin;
  costs_.cpu_seconds += took;
  costs_.events += events.size();
  if (took > costs_.slowest_seconds) {
    costs_.slowest_seconds = took;
    costs_.slowest = Describe(events.back(), decisions.back());
  }
  return decisions;
}

// --- What the core asks for ---

void ScriptedCluster::On(const LaunchAttempt& action) {
  ++costs_.attempts;
  Worker& on = worker(action.worker);
  if (action.task.stage > 0 && !book_.MapsComplete()) {
    complaints_.push_back(absl::StrCat("a reduce before its maps: ", DebugString(Action(action))));
  }
  if (!on.alive) return;
  Held held{action.attempt, action.task, State::kRuns, now_us_, 0};
  Due due;
  due.worker = action.worker;
  due.attempt = action.attempt;
  if (action.task.stage == 0) {
    const bool slow = action.reason == Reason::kFirst && Random(kMapsPerStraggler) == 0;
    due.what = What::kDone;
    held.until_us = now_us_ + Between(kMapLeast, kMapMost) * (slow ? 10 : 1);
  } else {
    due.what = What::kFetched;
    held.state = State::kFetches;
    held.until_us = now_us_ + Between(kFetchLeast, kFetchMost);
  }
  on.held.push_back(held);
  Schedule(due, held.until_us - now_us_);
  CheckRoom(action.worker);
}

void ScriptedCluster::On(const GrantSlot& action) {
  if (!book_.MapsComplete()) {
    complaints_.push_back(absl::StrCat("a slot too early: ", DebugString(Action(action))));
  }
  Held* held = Find(action.worker, action.attempt);
  if (held == nullptr || held->state == State::kRuns) return;
  held->state = State::kRuns;
  held->since_us = now_us_;
  held->until_us = now_us_ + Between(kReduceLeast, kReduceMost);
  Due due;
  due.what = What::kDone;
  due.worker = action.worker;
  due.attempt = action.attempt;
  Schedule(due, held->until_us - now_us_);
  CheckRoom(action.worker);
}

void ScriptedCluster::On(const CancelAttempt& action) { Remove(action.worker, action.attempt); }

void ScriptedCluster::On(const PublishSources& action) {
  ++costs_.source_messages;
  Worker& on = worker(action.worker);
  on.told_version = action.to;
  if (!on.alive || !book_.MapsCompleteAt(action.to)) return;
  for (const Held& held : on.held) {
    if (held.state == State::kRuns) continue;
    Due due;
    due.what = What::kFetched;
    due.worker = action.worker;
    due.attempt = held.attempt;
    // What is new must be fetched; the rest is at hand.
    Schedule(due, std::max(held.until_us - now_us_, Between(kSecond / 10, kSecond)));
  }
}

void ScriptedCluster::On(const PublishJob&) { publish_ = true; }

void ScriptedCluster::On(const WakeAt& action) {
  Due due;
  due.what = What::kTick;
  wake_us_ = std::max(now_us_, action.time.micros());
  Schedule(due, wake_us_ - now_us_);
}

// --- What workers say ---

void ScriptedCluster::Beat(WorkerId id) {
  std::vector<Event> events = {HeartbeatReceived{id}};
  for (const Held& one : worker(id).held) {
    const uint64_t done = one.state == State::kRuns
                              ? kInputBytes * static_cast<uint64_t>(now_us_ - one.since_us) /
                                    static_cast<uint64_t>(one.until_us - one.since_us)
                              : 0;
    events.push_back(
        ProgressReported{id, one.attempt, static_cast<uint64_t>(now_us_), done, kInputBytes});
  }
  Happen(events);
  Due next;
  next.what = What::kHeartbeat;
  next.worker = id;
  Schedule(next, kSecond);
}

void ScriptedCluster::Report(WorkerId id, const AttemptId& attempt) {
  const Held* held = Find(id, attempt);
  if (held == nullptr) return;
  const TaskId task = held->task;
  Remove(id, attempt);
  Happens(ReportOf(id, attempt, task));
  LoseOneIfItIsTime();
}

void ScriptedCluster::AskForSlot(WorkerId id, const AttemptId& attempt) {
  Held* held = Find(id, attempt);
  if (held == nullptr || held->state == State::kRuns) return;
  const uint32_t version = worker(id).told_version;
  if (!book_.MapsCompleteAt(version)) return;  // it hears of the rest later
  held->state = State::kAsked;
  Happens(SourcesReady{id, attempt, version});
}

void ScriptedCluster::FailToFetch(const Due& due) {
  const Held* held = Find(due.worker, due.attempt);
  const WinnerBook::Winner source = book_.map(due.source);
  if (held == nullptr || held->state == State::kRuns || !source.attempt.is_set()) return;
  AttemptReported report = ReportOf(due.worker, due.attempt, held->task);
  Remove(due.worker, due.attempt);
  report.outcome.cause = Cause::kFetchFailed;
  report.outcome.message = "its worker cannot be reached";
  report.outcome.failed_map_index = due.source;
  report.outcome.failed_source = source.attempt;
  report.outcome.source_unreachable = true;
  Happens(report);
}

// --- Losses ---

// The first half of them spread over the maps, the others over the reduces.
void ScriptedCluster::LoseOneIfItIsTime() {
  if (victims_.empty()) return;
  const size_t all = workers_lost_ + victims_.size();
  const size_t in_maps = (all + 1) / 2;
  const bool maps = workers_lost_ < in_maps;
  const uint64_t done = maps ? book_.maps_done() : book_.reduces_done();
  const uint64_t tasks = maps ? options_.maps : options_.reduces;
  const uint64_t turn = maps ? workers_lost_ : workers_lost_ - in_maps;
  const uint64_t turns = maps ? in_maps : all - in_maps;
  if (done < tasks * (2 * turn + 1) / (2 * turns)) return;
  const WorkerId victim = victims_.back();
  victims_.pop_back();
  Lose(victim);
}

void ScriptedCluster::Lose(WorkerId id) {
  Worker& lost = worker(id);
  lost.alive = false;
  lost.held.clear();
  if (++workers_lost_ % 2 == 0) {  // the others fall silent
    Due due;
    due.what = What::kBreak;
    due.worker = id;
    Schedule(due, kSecond / 100);
  }
  LetReducesMiss(id);
}

// A few that fetch from it, before the master knows.
void ScriptedCluster::LetReducesMiss(WorkerId lost) {
  uint32_t source = 0;
  while (source < options_.maps && !(book_.map(source).worker == lost)) ++source;
  if (source == options_.maps) return;
  uint32_t missers = 0;
  const uint64_t first = Random(workers_.size());
  for (uint64_t i = 0; i < workers_.size() && missers < kMissersPerLoss; ++i) {
    const WorkerId id((first + i) % workers_.size() + 1);
    for (const Held& held : worker(id).held) {
      if (held.state != State::kFetches) continue;
      Due due;
      due.what = What::kFetchFailed;
      due.worker = id;
      due.attempt = held.attempt;
      due.source = source;
      Schedule(due, Between(kSecond / 10, kSecond));
      ++missers;
      break;
    }
  }
}

// --- Workers ---

ScriptedCluster::Held* ScriptedCluster::Find(WorkerId id, const AttemptId& attempt) {
  for (Held& held : worker(id).held) {
    if (held.attempt == attempt) return &held;
  }
  return nullptr;
}

void ScriptedCluster::Remove(WorkerId id, const AttemptId& attempt) {
  std::vector<Held>& held = worker(id).held;
  held.erase(std::remove_if(held.begin(), held.end(),
                            [&](const Held& one) { return one.attempt == attempt; }),
             held.end());
}

void ScriptedCluster::CheckRoom(WorkerId id) {
  const std::vector<Held>& held = worker(id).held;
  const auto running = static_cast<uint32_t>(std::count_if(
      held.begin(), held.end(), [](const Held& h) { return h.state == State::kRuns; }));
  const uint32_t fetching = static_cast<uint32_t>(held.size()) - running;
  if (running <= options_.slots && fetching <= options_.slots + options_.core.extra_fetchers)
    return;
  complaints_.push_back(
      absl::StrCat(ToString(id), " runs ", running, " and fetches for ", fetching));
}

int64_t ScriptedCluster::Between(int64_t least_us, int64_t most_us) {
  return least_us + static_cast<int64_t>(Random(static_cast<uint64_t>(most_us - least_us)));
}

}  // namespace millrace
