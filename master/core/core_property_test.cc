// Random lives of a small cluster. Phase one: anything may happen, and the invariants hold. Phase
// two: nothing bad happens any more, and every job ends within a bounded number of steps.
#include <rapidcheck.h>

#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/core/core_checker.h"
#include "master/core/master_core.h"

namespace millrace {
namespace {

// From [low, high), all equally likely from the first run on.
template <typename T = int>
T Draw(T low, T high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(low, high));
}

// A worker process as the master may find it: it remembers what it was told, also while it cannot
// be reached.
struct Process {
  Incarnation incarnation;
  uint32_t slots = 1;
  WorkerId id;  // of its current session, if connected
  bool connected = false;
  bool draining = false;
  std::map<AttemptId, TaskId> attempts;
  std::set<AttemptId> granted;  // reduce attempts that have a slot
  std::map<AttemptId, TaskId> outputs;
  std::map<JobId, uint32_t> versions;
};

class RandomCluster {
 public:
  RandomCluster() {
    for (uint64_t i = 0; i < 3; ++i) NewProcess(i);
    StartMaster();
  }

  void RandomStep();
  // Moves everything one step towards its end. False when every job has ended.
  bool HelpfulStep();
  void ConnectEverybody();

  const std::vector<std::string>& complaints() const { return checker_.complaints(); }
  std::string LiveState() const { return core_->DurableState(); }
  std::string ReplayedState() const {
    MasterCore replayed(options_);
    for (const JobEdit& edit : journal_) replayed.Apply(edit);
    return replayed.DurableState();
  }

 private:
  void StartMaster();
  void CrashMaster();
  void NewProcess(size_t slot);
  void Happens(const Event& event);
  void Perform(const Action& action);
  Process* ProcessOf(WorkerId id);

  void Submit();
  void Connect(Process* process);
  void Disconnect(Process* process);
  void Leave(Process* process);
  void Drain(Process* process);
  void PassTime();
  void ReportSuccess(Process* process);
  void ReportFailure(Process* process);
  void AskForSlot(Process* process);
  void ReportStranger(Process* process);
  void MissOutput(Process* process);
  void ReportProgress(Process* process);
  void FinishPublishing(bool well);
  void CancelJob();

  // A random one of the process's attempts; not set when it has none.
  static std::pair<AttemptId, TaskId> AnyAttempt(const Process& process);
  void Report(Process* process, const AttemptId& attempt, const TaskId& task, Cause cause);

  CoreOptions options_;
  std::unique_ptr<MasterCore> core_;
  CoreChecker checker_;
  CoreTime now_;
  std::vector<JobEdit> journal_;
  size_t last_decision_ = 0;  // where its edits begin
  std::map<size_t, Process> processes_;
  uint64_t incarnations_ = 0;
  uint64_t submits_ = 0;
  std::vector<JobId> publishing_;
  std::map<AttemptId, AttemptId> parts_read_;  // by the attempts of maps in chains
};

void RandomCluster::StartMaster() {
  options_.epoch = Epoch(options_.epoch.value() + 1);
  options_.source_messages_per_second = Draw(0, 2) == 0 ? 1 : 10'000;
  core_ = std::make_unique<MasterCore>(options_);
  now_ = CoreTime();
  publishing_.clear();
  for (const JobEdit& edit : journal_) core_->Apply(edit);
  checker_.Restarted(journal_);
  for (auto& [slot, process] : processes_) process.connected = false;
  Happens(MasterStarted{});
}

void RandomCluster::CrashMaster() {
  // What was not synced is lost, decision by decision.
  if (Draw(0, 2) == 0) journal_.resize(last_decision_);
  StartMaster();
}

void RandomCluster::NewProcess(size_t slot) {
  Process process;
  process.incarnation = Incarnation(++incarnations_);
  process.slots = static_cast<uint32_t>(slot + 1);
  processes_[slot] = process;
}

Process* RandomCluster::ProcessOf(WorkerId id) {
  for (auto& [slot, process] : processes_) {
    if (process.connected && process.id == id) return &process;
  }
  return nullptr;
}

void RandomCluster::Happens(const Event& event) {
  const Decision decision = core_->OnEvent(now_, event);
  last_decision_ = journal_.size();
  journal_.insert(journal_.end(), decision.edits.begin(), decision.edits.end());
  checker_.Saw(decision);
  for (const Action& action : decision.actions) Perform(action);
}

void RandomCluster::Perform(const Action& action) {
  if (const auto* launch = std::get_if<LaunchAttempt>(&action)) {
    if (Process* p = ProcessOf(launch->worker)) p->attempts[launch->attempt] = launch->task;
    parts_read_[launch->attempt] = launch->part.attempt;
  } else if (const auto* grant = std::get_if<GrantSlot>(&action)) {
    if (Process* p = ProcessOf(grant->worker)) p->granted.insert(grant->attempt);
  } else if (const auto* cancel = std::get_if<CancelAttempt>(&action)) {
    if (Process* p = ProcessOf(cancel->worker)) p->attempts.erase(cancel->attempt);
  } else if (const auto* answer = std::get_if<AnswerOutcome>(&action)) {
    if (Process* p = ProcessOf(answer->worker)) p->attempts.erase(answer->attempt);
  } else if (const auto* sources = std::get_if<PublishSources>(&action)) {
    if (Process* p = ProcessOf(sources->worker)) p->versions[sources->job] = sources->to;
  } else if (const auto* forget = std::get_if<ForgetWorker>(&action)) {
    if (Process* p = ProcessOf(forget->worker)) p->connected = false;
  } else if (const auto* drop = std::get_if<DropOutputs>(&action)) {
    Process* p = ProcessOf(drop->worker);
    for (const auto& [task, attempt] : drop->outputs) {
      if (p != nullptr) p->outputs.erase(attempt);
    }
  } else if (const auto* publish = std::get_if<PublishJob>(&action)) {
    publishing_.push_back(publish->job);
  }
}

void RandomCluster::Submit() {
  if (submits_ >= 4) return;
  JobSubmitted job;
  job.plan.name = absl::StrCat("job", ++submits_);
  job.plan.request_id = job.plan.name;
  job.plan.output_folder = "/out/" + job.plan.name;
  job.plan.map_count = Draw<uint32_t>(0, 6);
  job.plan.reducers = Draw<uint32_t>(0, 5);
  job.plan.skip_bad_records = Draw<uint32_t>(0, 3);
  job.plan.keeps_outputs = Draw<int>(0, 3) == 0;
  if (Draw(0, 2) == 0) {
    const uint64_t kind = Draw<uint64_t>(0, 2);
    for (uint32_t i = 0; i < job.plan.map_count; ++i) job.fingerprints.push_back(Digest{kind, i});
    job.plan.skip_bad_records = 0;
  }
  if (Draw(0, 2) == 0) job.plan.speculation_floor_ms = 1000;
  if (Draw(0, 2) == 0) job.plan.progress_timeout_ms = 5000;
  // Of a chain the jobs in front have its settings.
  for (int left = Draw(0, 3) == 0 ? Draw(1, 3) : 0; left > 0; --left) {
    JobSubmitted step = job;
    step.before.clear();
    step.plan.name += absl::StrCat("/", left);
    step.plan.request_id = step.plan.name;
    step.plan.reducers = Draw<uint32_t>(1, 5);
    if (!job.before.empty()) {
      step.plan.map_count = job.before.back().plan.reducers;
      step.fingerprints.clear();
    }
    job.before.push_back(step);
  }
  if (!job.before.empty()) {
    job.plan.map_count = job.before.back().plan.reducers;
    job.fingerprints.clear();
  }
  Happens(job);
}

void RandomCluster::Connect(Process* process) {
  if (process->connected) return;
  WorkerJoined joined;
  joined.worker = core_->IdOf(process->incarnation);
  joined.incarnation = process->incarnation;
  joined.slots = process->slots;
  joined.name = absl::StrCat("process", process->incarnation.value());
  for (const auto& [attempt, task] : process->attempts) {
    const bool holds_slot = process->granted.count(attempt) > 0;
    joined.attempts.push_back({task, attempt, holds_slot});
    if (holds_slot) checker_.HoldsSlot(attempt);
  }
  for (const auto& [attempt, task] : process->outputs) joined.outputs.push_back({task, attempt});
  process->id = joined.worker;
  process->connected = true;
  process->draining = false;
  checker_.Connected(process->id, process->slots);
  Happens(joined);
}

void RandomCluster::Disconnect(Process* process) {
  if (!process->connected) return;
  process->connected = false;
  checker_.Disconnected(process->id);
  // What was on its way to it may be lost.
  if (!process->attempts.empty() && Draw(0, 2) == 0) {
    process->attempts.erase(std::prev(process->attempts.end()));
  }
  Happens(WorkerDisconnected{process->id});
}

void RandomCluster::Leave(Process* process) {
  if (!process->connected) return;
  process->connected = false;
  checker_.Disconnected(process->id);
  Happens(WorkerLeft{process->id});
}

void RandomCluster::Drain(Process* process) {
  if (!process->connected) return;
  process->draining = true;
  Happens(WorkerDraining{process->id});
}

void RandomCluster::PassTime() {
  now_ = now_ + absl::Milliseconds(Draw(1, 4000));
  for (auto& [slot, process] : processes_) {
    if (!process.connected || Draw(0, 4) == 0) continue;
    Happens(HeartbeatReceived{process.id});
    ReportProgress(&process);
  }
  Happens(Tick{});
}

std::pair<AttemptId, TaskId> RandomCluster::AnyAttempt(const Process& process) {
  if (!process.connected || process.attempts.empty()) return {};
  auto found = process.attempts.begin();
  std::advance(found, Draw<size_t>(0, process.attempts.size()));
  return *found;
}

void RandomCluster::Report(Process* process, const AttemptId& attempt, const TaskId& task,
                           Cause cause) {
  AttemptReported report;
  report.worker = process->id;
  report.outcome.attempt = attempt;
  report.outcome.task = task;
  report.outcome.cause = cause;
  report.outcome.digest = Digest{task.stage, task.index};
  if (cause == Cause::kSucceeded && Draw(0, 40) == 0) report.outcome.digest.low = Draw(0, 1000);
  if (cause == Cause::kUserCodeFailed && Draw(0, 4) > 0) {
    report.outcome.record = {"/in/a", Draw<uint64_t>(0, 2), Draw<uint64_t>(0, 2)};
  }
  if (cause == Cause::kFetchFailed) {
    report.outcome.source_unreachable = Draw(0, 2) == 0;
    report.outcome.failed_map_index = Draw<uint32_t>(0, 7);
    for (const auto& [slot, other] : processes_) {
      for (const auto& [made_by, of] : other.outputs) {
        const TaskId source{task.job, 0, report.outcome.failed_map_index};
        if (of == source) report.outcome.failed_source = made_by;
      }
    }
    if (parts_read_[attempt].is_set()) {
      report.outcome.failed_map_index = task.index;
      report.outcome.failed_source = parts_read_[attempt];
    }
  }
  if (cause == Cause::kSucceeded && task.stage == 0) process->outputs[attempt] = task;
  Happens(report);
}

void RandomCluster::ReportSuccess(Process* process) {
  const auto [attempt, task] = AnyAttempt(*process);
  if (attempt.is_set()) Report(process, attempt, task, Cause::kSucceeded);
}

void RandomCluster::ReportFailure(Process* process) {
  const auto [attempt, task] = AnyAttempt(*process);
  if (!attempt.is_set()) return;
  // Every seventh or so fails the task's user code; a map differs now and then.
  const Cause cause = *rc::gen::weightedElement<Cause>({{2, Cause::kUserCodeFailed},
                                                        {5, Cause::kFetchFailed},
                                                        {3, Cause::kWorkerFailed},
                                                        {2, Cause::kTimedOut},
                                                        {1, Cause::kRunning},
                                                        {1, Cause::kCancelled}});
  Report(process, attempt, task, cause);
}

// Success of an attempt that runs elsewhere, or nowhere.
void RandomCluster::ReportStranger(Process* process) {
  if (!process->connected) return;
  Process& other = processes_[Draw<size_t>(0, processes_.size())];
  if (other.attempts.empty() || other.id == process->id) return;
  const auto [attempt, task] = *other.attempts.begin();
  const std::string before = core_->DurableState();
  AttemptReported report;
  report.worker = process->id;
  report.outcome.attempt = attempt;
  report.outcome.task = task;
  report.outcome.cause = Cause::kSucceeded;
  Happens(report);
  RC_ASSERT(core_->DurableState() == before);
}

void RandomCluster::AskForSlot(Process* process) {
  const auto [attempt, task] = AnyAttempt(*process);
  if (!attempt.is_set() || task.stage == 0) return;
  Happens(SourcesReady{process->id, attempt, process->versions[task.job]});
}

void RandomCluster::MissOutput(Process* process) {
  if (!process->connected || process->outputs.empty()) return;
  const auto [attempt, task] = *process->outputs.begin();
  process->outputs.erase(process->outputs.begin());
  Happens(OutputMissed{process->id, task, attempt});
}

// Of 100 units; half of the attempts stand still.
void RandomCluster::ReportProgress(Process* process) {
  const std::map<AttemptId, TaskId> attempts = process->attempts;
  for (const auto& [attempt, task] : attempts) {
    const uint64_t done = attempt.sequence % 2 == 0 ? 0 : Draw<uint64_t>(1, 100);
    Happens(ProgressReported{process->id, attempt, /*steps=*/done, done, /*total=*/100});
  }
}

void RandomCluster::FinishPublishing(bool well) {
  if (publishing_.empty()) return;
  const JobId job = publishing_.back();
  publishing_.pop_back();
  Happens(JobPublished{job, well ? absl::OkStatus() : absl::UnavailableError("disk")});
}

void RandomCluster::CancelJob() { Happens(CancelRequested{JobId(Draw<uint64_t>(1, 6)), "random"}); }

void RandomCluster::RandomStep() {
  const size_t slot = Draw<size_t>(0, processes_.size());
  Process* process = &processes_[slot];
  const int kind = Draw(0, 100);
  if (kind < 8) return Submit();
  if (kind < 22) return Connect(process);
  if (kind < 50) return ReportSuccess(process);
  if (kind < 60) return ReportFailure(process);
  if (kind < 76) return AskForSlot(process);
  if (kind < 80) return MissOutput(process);
  if (kind < 84) return Disconnect(process);
  if (kind < 86) return Leave(process);
  if (kind < 92) return PassTime();
  if (kind < 94) return FinishPublishing(/*well=*/Draw(0, 4) > 0);
  if (kind < 95) return CancelJob();
  if (kind < 96) return Happens(MasterStalled{});
  if (kind < 97) return CrashMaster();
  if (kind < 98) return Drain(process);
  if (kind < 99) return ReportStranger(process);
  Disconnect(process);
  NewProcess(slot);
}

void RandomCluster::ConnectEverybody() {
  for (auto& [slot, process] : processes_) {
    if (process.draining) Leave(&process);
    Connect(&process);
  }
  // Processes that are no more are lost now; the others have just been heard of.
  for (int second = 0; second < 20; ++second) {
    now_ = now_ + absl::Seconds(1);
    for (auto& [slot, process] : processes_) Happens(HeartbeatReceived{process.id});
    Happens(Tick{});
  }
}

bool RandomCluster::HelpfulStep() {
  FinishPublishing(/*well=*/true);
  for (auto& [slot, process] : processes_) {
    const std::map<AttemptId, TaskId> attempts = process.attempts;
    for (const auto& [attempt, task] : attempts) {
      Happens(SourcesReady{process.id, attempt, process.versions[task.job]});
      Report(&process, attempt, task, Cause::kSucceeded);
    }
  }
  return core_->Cluster().unfinished_jobs > 0;
}

TEST(CorePropertyTest, RandomLivesKeepTheInvariantsAndEndWhenFaultsStop) {
  EXPECT_TRUE(rc::check([] {
    RandomCluster cluster;
    const int steps = Draw(0, 400);
    for (int step = 0; step < steps; ++step) {
      cluster.RandomStep();
      if (!cluster.complaints().empty()) RC_FAIL(cluster.complaints().front());
    }
    RC_ASSERT(cluster.ReplayedState() == cluster.LiveState());

    cluster.ConnectEverybody();
    // At most 4 jobs of 10 tasks, one attempt each, and publishing.
    for (int step = 0; cluster.HelpfulStep(); ++step) RC_ASSERT(step < 100);
    if (!cluster.complaints().empty()) RC_FAIL(cluster.complaints().front());
    RC_ASSERT(cluster.ReplayedState() == cluster.LiveState());
  }));
}

}  // namespace
}  // namespace millrace
