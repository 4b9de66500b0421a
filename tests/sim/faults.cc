#include "tests/sim/faults.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/faulty_file_system.h"
#include "storage/paths.h"

namespace millrace::sim {

const std::vector<FaultSource::Kind>& FaultSource::Kinds() {
  static const std::vector<Kind> kAll = {
      {"kill_worker", &FaultSource::KillWorker, /*kills_workers=*/true},
      {"kill_worker_soon", &FaultSource::KillWorkerSoon, /*kills_workers=*/true},
      {"stop_worker", &FaultSource::StopWorker},
      {"power_off_worker", &FaultSource::PowerOffWorker, /*kills_workers=*/true},
      {"drain_worker", &FaultSource::DrainWorker, /*kills_workers=*/true},
      {"kill_master", &FaultSource::KillMaster},
      {"kill_master_soon", &FaultSource::KillMasterSoon},
      {"stop_master", &FaultSource::StopMaster},
      {"break_journal", &FaultSource::BreakJournal},
      {"cut_one_way", &FaultSource::CutOneWay},
      {"part_two", &FaultSource::PartTwo},
      {"isolate_one", &FaultSource::IsolateOne},
      {"clog_link", &FaultSource::ClogLink},
      {"reset_link", &FaultSource::ResetLink},
      {"duplicate_connections", &FaultSource::DuplicateConnections},
      {"damage_run", &FaultSource::DamageRun},
      {"fill_disk", &FaultSource::FillDisk},
      {"slow_disk", &FaultSource::SlowDisk},
      {"kill_client", &FaultSource::KillClient},
      {"cancel_job", &FaultSource::CancelJob},
      {"submit_twice", &FaultSource::SubmitTwice},
  };
  return kAll;
}

// A task that is undone 20 times fails its job, and so it should. Each death of a worker may strike
// the same task; a few damages come on top.
constexpr int kDeathsMax = 12;
constexpr int kDamagesMax = 7;

FaultSource::FaultSource(Cluster& cluster, Random random) : cluster_(cluster), random_(random) {
  const double share = random_.Pick(std::vector<double>{0.1, 0.3, 0.6, 1.0});
  for (const Kind& kind : Kinds()) {
    if (random_.Chance(share)) kinds_.push_back(kind);
  }
  interval_ = random_.Pick(std::vector<int64_t>{200, 1000, 4000}) * kj::MILLISECONDS;
}

void FaultSource::Start() {
  if (!kinds_.empty()) StrikeLater();
}

void FaultSource::StrikeLater() {
  const auto us = static_cast<uint64_t>(interval_ / kj::MICROSECONDS);
  cluster_.world().After(static_cast<int64_t>(random_.Below(2 * us)) * kj::MICROSECONDS, [this]() {
    if (stopped_) return;
    StrikeNow();
    StrikeLater();
  });
}

void FaultSource::StrikeNow() {
  const Kind& kind = random_.Pick(kinds_);
  if (kind.kills_workers && deaths_ == kDeathsMax) return;
  if (!(this->*kind.strike)()) return;
  ++struck_[kind.name];
  if (kind.kills_workers) ++deaths_;
}

// --- Victims and times ---

SimProcess* FaultSource::RunningWorker() {
  std::vector<SimProcess*> all;
  for (const std::string& name : cluster_.worker_names()) {
    if (SimProcess* worker = cluster_.worker(name); worker != nullptr && worker->life().alive()) {
      all.push_back(worker);
    }
  }
  return all.empty() ? nullptr : random_.Pick(all);
}

std::string FaultSource::AnyHost() { return random_.Pick(cluster_.network().hosts()); }

// From a blink to several leases.
kj::Duration FaultSource::DrawPause() {
  const uint64_t most = random_.Pick(std::vector<uint64_t>{100, 1000, 5000, 30'000});
  return static_cast<int64_t>(random_.Below(most)) * kj::MILLISECONDS;
}

void FaultSource::RestartLater(const std::string& name) {
  cluster_.world().After(DrawPause(), [this, name]() {
    cluster_.world().Soon([this, name]() {
      if (!stopped_ && cluster_.worker(name) == nullptr) cluster_.RestartWorker(name);
    });
  });
}

void FaultSource::RestartMasterLater() {
  cluster_.world().After(DrawPause(), [this]() {
    cluster_.world().Soon([this]() {
      if (stopped_ || cluster_.master() != nullptr) return;
      cluster_.journal_disk().broken = false;
      cluster_.StartMaster();
    });
  });
}

// At one of its next steps that the world can see, or between two turns of the loop.
void FaultSource::DieInTheMiddle(SimProcess& victim) {
  if (random_.Chance(0.5)) {
    victim.life().DieAfter(random_.Below(60));
    return;
  }
  cluster_.world().AfterTurns(random_.Below(2000), [this, name = victim.name()]() {
    SimProcess* const process = cluster_.process(name);
    if (process != nullptr && !stopped_) process->life().Kill();
  });
}

void FaultSource::HealLater() {
  cluster_.world().After(DrawPause(), [this]() { cluster_.network().Heal(); });
}

// --- Workers ---

bool FaultSource::KillWorker() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr) return false;
  RestartLater(victim->name());
  victim->life().Kill();
  return true;
}

bool FaultSource::KillWorkerSoon() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr) return false;
  DieInTheMiddle(*victim);
  RestartLater(victim->name());
  return true;
}

bool FaultSource::StopWorker() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr || victim->life().stopped()) return false;
  victim->life().Stop();
  cluster_.world().After(DrawPause(), [this, name = victim->name()]() {
    if (SimProcess* process = cluster_.process(name); process != nullptr)
      process->life().Continue();
  });
  return true;
}

bool FaultSource::PowerOffWorker() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr || victim->host() == kMasterHost) return false;
  std::vector<std::string> gone;
  for (const std::string& name : cluster_.worker_names()) {
    SimProcess* const worker = cluster_.worker(name);
    if (worker != nullptr && worker->host() == victim->host()) gone.push_back(name);
  }
  cluster_.PowerOff(victim->host());
  for (const std::string& name : gone) RestartLater(name);
  return true;
}

bool FaultSource::DrainWorker() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr || static_cast<WorkerProcess*>(victim)->drains()) return false;
  static_cast<WorkerProcess*>(victim)->Drain();
  RestartLater(victim->name());
  return true;
}

// --- Master ---

bool FaultSource::KillMaster() {
  if (cluster_.master() == nullptr) return false;
  cluster_.master()->life().Kill();
  RestartMasterLater();
  return true;
}

bool FaultSource::KillMasterSoon() {
  if (cluster_.master() == nullptr) return false;
  DieInTheMiddle(*cluster_.master());
  RestartMasterLater();
  return true;
}

bool FaultSource::StopMaster() {
  if (cluster_.master() == nullptr || cluster_.master()->life().stopped()) return false;
  cluster_.master()->life().Stop();
  cluster_.world().After(DrawPause(), [this]() {
    if (cluster_.master() != nullptr) cluster_.master()->life().Continue();
  });
  return true;
}

bool FaultSource::BreakJournal() {
  if (cluster_.master() == nullptr || cluster_.journal_disk().broken) return false;
  cluster_.journal_disk().broken = true;
  RestartMasterLater();
  cluster_.world().After(DrawPause(), [this]() { cluster_.journal_disk().broken = false; });
  return true;
}

// --- Network ---

bool FaultSource::CutOneWay() {
  cluster_.network().Cut(AnyHost(), AnyHost());
  HealLater();
  return true;
}

bool FaultSource::PartTwo() {
  cluster_.network().Part(AnyHost(), AnyHost());
  HealLater();
  return true;
}

bool FaultSource::IsolateOne() {
  cluster_.network().Isolate(AnyHost());
  HealLater();
  return true;
}

bool FaultSource::ClogLink() {
  cluster_.network().Clog(AnyHost(), AnyHost(), DrawPause(), cluster_.world().now() + DrawPause());
  return true;
}

bool FaultSource::ResetLink() {
  cluster_.network().ResetConnections(AnyHost(), AnyHost());
  return true;
}

// Connections that are made for a while, beginning with those that have to be made anew. What is
// launched on a worker by way of its echo is lost: like damage, that is for a few times only.
bool FaultSource::DuplicateConnections() {
  if (struck_["duplicate_connections"] >= kDamagesMax) return false;
  const std::string from = AnyHost();
  const std::string to = random_.Chance(0.5) ? kMasterHost : AnyHost();
  cluster_.network().Duplicate(from, to, cluster_.world().now() + DrawPause() / 10);
  cluster_.network().ResetConnections(from, to);
  HealLater();
  return true;
}

// --- Disks ---

// Flips a bit of a run, cuts it short, or removes it.
bool FaultSource::DamageRun() {
  if (struck_["damage_run"] >= kDamagesMax) return false;
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr) return false;
  MemoryFileSystem& disk = cluster_.DiskOf(victim->host());
  const std::string scratch = static_cast<WorkerProcess*>(victim)->scratch_folder();
  std::vector<std::string> runs;
  const auto jobs = disk.List(scratch);
  if (!jobs.ok()) return false;
  for (const std::string& job : *jobs) {
    const auto names = disk.List(JoinPath(scratch, job));
    if (!names.ok() || job.compare(0, 4, "job-") != 0) continue;
    for (const std::string& name : *names) runs.push_back(JoinPath(JoinPath(scratch, job), name));
  }
  if (runs.empty()) return false;
  const std::string& run = random_.Pick(runs);
  const auto info = disk.Stat(run);
  if (!info.ok() || info->kind != FileKind::kRegular || info->size == 0) return false;
  cluster_.world().Note(victim->name(), absl::StrCat("damaged ", run));
  switch (random_.Below(3)) {
    case 0: return FlipBit(disk, run, random_.Below(info->size * 8)).ok();
    case 1: return disk.RemoveFile(run).ok();
    default: {
      const auto content = ReadFile(disk, run, 64 << 20);
      auto file = disk.OpenForWriting(run);
      return file.ok() && (*file)->Append(content->substr(0, random_.Below(info->size))).ok() &&
             (*file)->Close().ok();
    }
  }
}

bool FaultSource::FillDisk() {
  SimProcess* const victim = RunningWorker();
  if (victim == nullptr) return false;
  cluster_.world().Note(victim->host(), "has a full disk");
  cluster_.DiskOf(victim->host()).SetCapacity(random_.Below(2000));
  cluster_.world().After(DrawPause(), [this, host = victim->host()]() {
    cluster_.DiskOf(host).SetCapacity(MemoryFileSystem::kUnlimited);
  });
  return true;
}

bool FaultSource::SlowDisk() {
  const std::vector<SimProcess*> all = cluster_.processes();
  if (all.empty()) return false;
  SimProcess* const victim = random_.Pick(all);
  cluster_.world().Note(victim->name(), "has a slow disk");
  victim->disk().SetDelay(DrawPause() / 10);
  return true;
}

// --- Clients ---

bool FaultSource::KillClient() {
  for (const auto& job : cluster_.jobs()) {
    ClientProcess* const client = cluster_.client(*job);
    if (job->done() || client == nullptr || random_.Chance(0.5)) continue;
    client->life().Kill();
    return true;
  }
  return false;
}

bool FaultSource::CancelJob() {
  for (const auto& job : cluster_.jobs()) {
    ClientProcess* const client = cluster_.client(*job);
    if (job->done() || client == nullptr || !job->id.is_set() || random_.Chance(0.7)) continue;
    job->may_be_cancelled = true;
    client->Cancel();
    return true;
  }
  return false;
}

bool FaultSource::SubmitTwice() {
  for (const auto& job : cluster_.jobs()) {
    if (job->done() || random_.Chance(0.5)) continue;
    cluster_.SubmitAgain(*job);
    return true;
  }
  return false;
}

}  // namespace millrace::sim
