#include "tests/sim/cluster.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/sha256.h"
#include "storage/digest.h"
#include "storage/paths.h"

namespace millrace::sim {
namespace {

constexpr uint kFirstShufflePort = 7100;

void MustSucceed(const absl::Status& status) { CHECK(status.ok()) << status; }

std::string BinaryContent(Program program) { return absl::StrCat("the program ", Name(program)); }
std::string BinaryPath(Program program) { return absl::StrCat("/bin/", Name(program)); }

// Equal on every host, times and inode numbers included, because they are counted.
std::unique_ptr<MemoryFileSystem> NewHostDisk() {
  auto disk = std::make_unique<MemoryFileSystem>();
  MustSucceed(disk->CreateFolders("/bin"));
  for (int i = 0; i < kProgramCount; ++i) {
    const auto program = static_cast<Program>(i);
    MustSucceed(WriteFileAtomically(*disk, BinaryPath(program), BinaryContent(program)));
  }
  return disk;
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : world_(options.seed, options.print_trace),
      network_(world_, options.network),
      user_code_(options.user_code),
      lease_(options.lease),
      outputs_(shared_disk_, [this](const std::string& folder) { return Publishes(folder); }) {
  MustSucceed(shared_disk_.CreateFolders(kSharedFolder));
  MustSucceed(shared_disk_.SyncFolder("/"));
  network_.AddHost(kMasterHost);
}

Cluster::~Cluster() noexcept(false) {
  // While the world is still there.
  for (SimProcess* process : processes()) process->life().Kill();
  Reap();
  world_.Settle();
}

bool Cluster::Publishes(const std::string& folder) const {
  std::set<JobId> writers;
  for (const JobEdit& edit : journal_disk_.history) {
    if (const auto* accepted = std::get_if<JobAccepted>(&edit)) {
      if (accepted->plan.output_folder == folder) writers.insert(accepted->job);
    } else if (const auto* publishing = std::get_if<JobPublishing>(&edit)) {
      if (writers.count(publishing->job) > 0) return true;
    }
  }
  return false;
}

MemoryFileSystem& Cluster::DiskOf(const std::string& host) {
  std::unique_ptr<MemoryFileSystem>& disk = disks_[host];
  if (disk == nullptr) disk = NewHostDisk();
  return *disk;
}

// --- Processes ---

void Cluster::Adopt(SimProcess& process) {
  Life* const life = &process.life();
  life->OnChange([this, life]() {
    if (!life->alive()) world_.Soon([this]() { Reap(); });
  });
}

// Destroys what has been killed, when nothing of it is on the stack.
void Cluster::Reap() {
  if (master_ != nullptr && !master_->life().alive()) {
    master_ = nullptr;
    // What was not synced may be on disk all the same, or not.
    if (world_.random().Chance(0.5) && !journal_disk_.broken) {
      MustSucceed(journal_disk_.journal.Sync());
      for (JobEdit& edit : journal_disk_.unsynced) journal_disk_.history.push_back(std::move(edit));
    }
    journal_disk_.journal.Crash();
    journal_disk_.unsynced.clear();
  }
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    worker = worker->second->life().alive() ? std::next(worker) : workers_.erase(worker);
  }
  for (auto client = clients_.begin(); client != clients_.end();) {
    client = client->second->life().alive() ? std::next(client) : clients_.erase(client);
  }
}

void Cluster::StartMaster() {
  CHECK(master_ == nullptr);
  network_.SetPower(kMasterHost, /*on=*/true);
  master_ =
      std::make_unique<MasterProcess>(MakeGround(), DiskOf(kMasterHost), journal_disk_, lease_);
  Adopt(*master_);
}

void Cluster::AddWorker(const std::string& name, uint32_t slots, const std::string& host) {
  WorkerProcess::Options options;
  options.name = name;
  options.host = host.empty() ? name : host;
  options.slots = slots;
  options.port = kFirstShufflePort + static_cast<uint>(worker_options_.size());
  options.scratch_folder = absl::StrCat("/scratch/", name);
  worker_options_[name] = options;
  RestartWorker(name);
}

void Cluster::RestartWorker(const std::string& name) {
  CHECK(worker(name) == nullptr);
  const WorkerProcess::Options& options = worker_options_.at(name);
  network_.SetPower(options.host, /*on=*/true);
  auto started =
      std::make_unique<WorkerProcess>(MakeGround(), DiskOf(options.host), options, user_code_);
  Adopt(*started);
  workers_[name] = std::move(started);
}

WorkerProcess* Cluster::worker(const std::string& name) {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Cluster::worker_names() const {
  std::vector<std::string> names;
  for (const auto& [name, options] : worker_options_) names.push_back(name);
  return names;
}

SimProcess* Cluster::process(const std::string& name) {
  for (SimProcess* process : processes()) {
    if (process->name() == name) return process;
  }
  return nullptr;
}

std::vector<SimProcess*> Cluster::processes() {
  std::vector<SimProcess*> all;
  if (master_ != nullptr) all.push_back(master_.get());
  for (const auto& [name, worker] : workers_) all.push_back(worker.get());
  for (const auto& [name, client] : clients_) all.push_back(client.get());
  return all;
}

void Cluster::Kill(const std::string& name) {
  SimProcess* const victim = process(name);
  CHECK(victim != nullptr) << name << " does not run";
  victim->life().Kill();
  world_.Settle();
}

void Cluster::PowerOff(const std::string& host) {
  world_.Note(host, "loses power");
  network_.SetPower(host, /*on=*/false);
  for (SimProcess* process : processes()) {
    if (process->host() == host) process->life().Kill();
  }
  world_.Soon([this, host]() { DiskOf(host).Crash(); });
}

void Cluster::PowerOn(const std::string& host) { network_.SetPower(host, /*on=*/true); }

void Cluster::Heal() {
  world_.Note("cluster", "everything heals");
  network_.Heal();
  user_code_.stuck_chance = 0;
  journal_disk_.broken = false;
  for (const auto& [host, disk] : disks_) disk->SetCapacity(MemoryFileSystem::kUnlimited);
  shared_disk_.SetCapacity(MemoryFileSystem::kUnlimited);
  world_.Settle();
  for (SimProcess* process : processes()) {
    process->disk().Heal();
    process->life().DieAfter(UINT64_MAX);
    process->life().Continue();
  }
  // What was about to leave is replaced at once.
  for (const auto& [name, worker] : workers_) {
    if (worker->drains()) worker->life().Kill();
  }
  world_.Settle();
  if (master_ == nullptr) StartMaster();
  for (const auto& [name, options] : worker_options_) {
    if (worker(name) == nullptr) RestartWorker(name);
  }
  for (const auto& job : jobs_) {
    if (!job->done() && (client(*job) == nullptr || client(*job)->gave_up())) SubmitAgain(*job);
  }
}

// --- Jobs ---

void Cluster::WriteInput(const Workload& workload, JobSpec* spec) {
  const std::string folder = absl::StrCat(kSharedFolder, "/in-", jobs_.size());
  MustSucceed(shared_disk_.CreateFolders(folder));
  for (size_t i = 0; i < workload.files.size(); ++i) {
    const std::string path = absl::StrCat(folder, "/file-", i);
    MustSucceed(WriteFileAtomically(shared_disk_, path, workload.files[i]));
    const absl::StatusOr<FileInfo> info = shared_disk_.Stat(path);
    spec->inputs.push_back(InputFile{path, info->size, info->mtime_ns});
  }
  for (const BadLine& bad : BadLines(workload)) {
    user_code_.bad_records.insert({spec->inputs[bad.file].path, bad.offset, bad.bytes});
  }
}

JobSpec Cluster::MakeSpec(const Workload& workload, const SubmitOptions& options) {
  JobSpec spec;
  spec.name = Name(workload.program);
  spec.request_id = absl::StrCat("request-", jobs_.size());
  spec.binary.path = BinaryPath(workload.program);
  spec.binary.sha256 = Sha256Hex(BinaryContent(workload.program));
  const absl::StatusOr<FileInfo> binary = DiskOf(kMasterHost).Stat(spec.binary.path);
  spec.binary.size = binary->size;
  spec.binary.mtime_ns = binary->mtime_ns;
  spec.binary.inode = binary->inode;
  spec.binary.host_id = "one host";
  spec.argv = {Name(workload.program)};
  if (workload.chained) {
    spec.argv.push_back("chained");
    spec.before.push_back({spec.name, workload.reducers});
    spec.name = "values";
  }
  if (options.input_of == nullptr) {
    WriteInput(workload, &spec);
  } else {
    spec.inputs = options.input_of->spec.inputs;
  }
  if (options.reuse) spec.map_identity = DigestOf(spec.binary.sha256);
  spec.split_bytes = workload.split_bytes;
  spec.reducers = workload.reducers;
  spec.aggregated = workload.chained || workload.program == Program::kCount;
  spec.output_folder = options.output_folder.empty()
                           ? absl::StrCat(kSharedFolder, "/out-", jobs_.size())
                           : options.output_folder;
  spec.overwrite = options.overwrite;
  spec.max_attempts = options.max_attempts;
  spec.speculation_floor_ms = options.speculation_floor_ms;
  spec.progress_timeout_ms = options.progress_timeout_ms;
  spec.skip_bad_records = options.skip_bad_records;
  spec.shuffle = options.shuffle;
  spec.keep_folder = options.keep_folder;
  if (!spec.keep_folder.empty()) MustSucceed(shared_disk_.CreateFolders(spec.keep_folder));
  spec.task_memory_bytes = 16 << 20;
  return spec;
}

Job& Cluster::Submit(const Workload& workload, const SubmitOptions& options) {
  auto job = std::make_unique<Job>();
  job->workload = workload;
  job->spec = MakeSpec(workload, options);
  if (options.overwrite) outputs_.AllowOverwriting(job->spec.output_folder);
  jobs_.push_back(std::move(job));
  StartClient(*jobs_.back());
  return *jobs_.back();
}

void Cluster::SubmitAgain(Job& job) { StartClient(job); }

void Cluster::StartClient(Job& job) {
  job.client = absl::StrCat("client-", clients_started_++);
  auto client = std::make_unique<ClientProcess>(MakeGround(), DiskOf(job.client), job.client,
                                                job.spec, 3600 * kj::SECONDS);
  client->OnNews([&job](const ClientProcess& news) {
    if (news.job().is_set()) {
      CHECK(!job.id.is_set() || job.id == news.job())
          << "one request gave two jobs: " << job.id << " and " << news.job();
      job.id = news.job();
    }
    // One that did not find the master may try again.
    if (!job.done() && !news.gave_up()) job.refused = news.refused();
    if (!job.done() && news.ended().has_value()) job.ended = news.ended();
  });
  Adopt(*client);
  clients_[job.client] = std::move(client);
}

ClientProcess* Cluster::client(const Job& job) {
  const auto found = clients_.find(job.client);
  return found == clients_.end() ? nullptr : found->second.get();
}

bool Cluster::AllJobsDone() const {
  return std::all_of(jobs_.begin(), jobs_.end(), [](const auto& job) { return job->done(); });
}

size_t Cluster::RunningOn(const std::string& name) {
  const WorkerProcess* const found = worker(name);
  return found == nullptr ? 0 : found->executors().running().size();
}

std::vector<std::string> Cluster::OutputOf(const Job& job) {
  std::vector<std::string> lines;
  const auto names = shared_disk_.List(job.spec.output_folder);
  if (!names.ok()) return lines;
  for (const std::string& name : *names) {
    if (name.compare(0, 5, "part-") != 0) continue;
    const auto content = ReadFile(shared_disk_, JoinPath(job.spec.output_folder, name), 64 << 20);
    if (!content.ok()) continue;
    for (size_t begin = 0; begin < content->size();) {
      const size_t end = std::min(content->find('\n', begin), content->size());
      lines.push_back(content->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (job.spec.reducers > 0) std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace millrace::sim
