#include "tests/sim/processes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/status_exception.h"

namespace millrace::sim {
namespace {

// Clocks of cheap machines are off by less than this.
constexpr double kClockError = 0.002;

double DrawClockRate(Random& random) {
  return 1.0 + kClockError * (static_cast<double>(random.Below(2001)) / 1000.0 - 1.0);
}

kj::Own<kj::TaskSet> NewTaskSet(kj::TaskSet::ErrorHandler& handler) {
  return kj::heap<kj::TaskSet>(handler);
}

}  // namespace

// --- SimProcess ---

SimProcess::SimProcess(const Ground& ground, const std::string& name, const std::string& host,
                       MemoryFileSystem& host_disk)
    : host_(host),
      life_(ground.world, name, DrawClockRate(ground.world.random())),
      random_(ground.world.random().Fork()),
      interface_(ground.network, life_, host),
      files_(life_, host_disk, ground.shared_disk, ground.watcher),
      runner_(life_) {
  ground.world.Note(name, "started");
}

SimProcess::~SimProcess() noexcept(false) { life_.Kill(); }

ConnectionOptions SimProcess::MakeConnectionOptions() {
  ConnectionOptions options;
  options.entropy = [this](uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(random_.Next());
  };
  return options;
}

// --- Master ---

MasterProcess::MasterProcess(const Ground& ground, MemoryFileSystem& host_disk,
                             JournalDisk& journal_disk, absl::Duration lease)
    : SimProcess(ground, "master", kMasterHost, host_disk),
      journal_(life_, journal_disk),
      tasks_(NewTaskSet(*this)) {
  Master::Options options;
  options.epoch = Epoch(++journal_disk.epoch);
  options.cluster_id = "0123456789abcdef0123456789abcdef";
  // Wall clocks jump, back too; nothing may depend on them.
  options.started_wall_us = static_cast<int64_t>(random_.Below(4'000'000'000'000'000));
  options.lease = lease;
  // News of sources is cut up as that of jobs with thousands of maps is, and in every other life
  // gathered as on thousands of workers.
  options.link.sources_per_call = 2;
  if (options.started_wall_us % 2 == 0) options.source_messages_per_second = 10;
  options.binaries_folder = "/state/binaries";
  options.host_id = "one host";
  master_ = std::make_unique<Master>(Master::Environment{life_.timer(), files_, journal_, runner_},
                                     options);
  const absl::Status recovered = master_->Recover();
  CHECK(recovered.ok()) << "the master cannot recover: " << recovered;

  kj::Own<kj::ConnectionReceiver> receiver;
  tasks_->add(
      interface_.parseAddress(kMasterAddress, 0).then([this](kj::Own<kj::NetworkAddress> address) {
        acceptor_ = std::make_unique<Acceptor>(
            life_.timer(), address->listen(), MakeConnectionOptions(), Master::Roles(),
            [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
              master_->Accept(peer, kj::mv(stream));
            });
        tasks_->add(acceptor_->Run());
      }));
  tasks_->add(master_->Run());
}

MasterProcess::~MasterProcess() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

// The journal has failed: a real master's process ends with a message.
void MasterProcess::taskFailed(kj::Exception&& exception) {
  life_.world().Note(name(), absl::StrCat("ends: ", exception.getDescription().cStr()));
  life_.Kill();
}

// --- Worker ---

WorkerProcess::WorkerProcess(const Ground& ground, MemoryFileSystem& host_disk,
                             const Options& options, UserCode& user_code)
    : SimProcess(ground, options.name, options.host, host_disk),
      options_(options),
      connection_(MakeConnectionOptions()),
      executors_(life_, files_, user_code, options.name),
      tasks_(NewTaskSet(*this)) {
  // What an earlier life has left is of no use to anybody.
  files_.RemoveTree(options_.scratch_folder).IgnoreError();
  CHECK(files_.CreateFolders(options_.scratch_folder).ok());

  WorkerShellOptions shell;
  shell.info.name = options_.name;
  shell.info.incarnation = Incarnation(random_.Next() | 1);
  shell.info.slots = options_.slots;
  shell.info.host = options_.host;
  shell.info.host_id = "one host";  // so that the job's binary is found in place
  shell.info.pid = 1;
  shell.info.scratch_folder = options_.scratch_folder;
  shell.info.shuffle_address = absl::StrCat(options_.host, ":", options_.port);
  shell.connection = connection_;
  shell.master_address = kMasterAddress;
  shell.new_incarnation = [this]() { return Incarnation(random_.Next() | 1); };
  shell_ = std::make_unique<WorkerShell>(
      WorkerShell::Host{life_.timer(), interface_, files_, runner_, executors_}, std::move(shell));
  Listen();
  tasks_->add(StayJoined());
}

WorkerProcess::~WorkerProcess() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

void WorkerProcess::Listen() {
  const std::string address = absl::StrCat(options_.host, ":", options_.port);
  tasks_->add(
      interface_.parseAddress(address.c_str(), 0).then([this](kj::Own<kj::NetworkAddress> parsed) {
        acceptor_ = std::make_unique<Acceptor>(
            life_.timer(), parsed->listen(), connection_, std::vector<Role>{Role::kFetcher},
            [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
              ServeFetcher(peer, kj::mv(stream));
            });
        tasks_->add(acceptor_->Run());
      }));
}

kj::Promise<void> WorkerProcess::StayJoined() {
  redialer_ = std::make_unique<Redialer>(
      life_.timer(), "the master", BackoffOptions(), random_.Next(),
      [this]() {
        return Dial(interface_, life_.timer(), kMasterAddress, Role::kWorker, connection_);
      },
      [this](Connection& connection) { return shell_->Serve(connection); });
  return redialer_->Run();
}

void WorkerProcess::ServeFetcher(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream) {
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         shell_->NewShuffleServer(), peer.address);
  auto gone = connection->OnDisconnect();
  tasks_->add(gone.attach(kj::mv(connection)));
}

void WorkerProcess::Drain() {
  life_.world().Note(name(), "drains");
  drains_ = true;
  tasks_->add(shell_->Drain().then([this]() {
    life_.world().Note(name(), "has drained");
    life_.Kill();
  }));
}

void WorkerProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "the worker's process ends: " << kj::str(exception).cStr();
}

// --- Client ---

ClientProcess::ClientProcess(const Ground& ground, MemoryFileSystem& host_disk,
                             const std::string& name, JobSpec spec, kj::Duration patience)
    : SimProcess(ground, name, name, host_disk),
      spec_(std::move(spec)),
      patience_(patience),
      link_(interface_, life_.timer(), kMasterAddress, MakeConnectionOptions()),
      tasks_(NewTaskSet(*this)) {
  tasks_->add(Run());
}

ClientProcess::~ClientProcess() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

kj::Promise<void> ClientProcess::Run() {
  return link_.Connect(patience_)
      .then([this]() {
        submission_ = kj::heap<JobSubmission>(link_, spec_, patience_);
        return submission_->Run();
      })
      .then([this](absl::StatusOr<JobId> job) { return Follow(std::move(job)); })
      .catch_([this](kj::Exception&& exception) {
        gave_up_ = true;
        refused_ = absl::StrCat("cannot reach the master: ", exception.getDescription().cStr());
        Tell(refused_);
      });
}

kj::Promise<void> ClientProcess::Follow(absl::StatusOr<JobId> job) {
  if (!job.ok()) {
    refused_ = std::string(job.status().message());
    Tell(refused_);
    return kj::READY_NOW;
  }
  job_ = *job;
  Tell(absl::StrCat("has ", ToString(job_)));
  watch_ = kj::heap<JobWatch>(link_, job_, JobWatchOptions());
  return watch_->Run().then([this](absl::StatusOr<JobView> view) {
    CHECK(view.ok()) << "an accepted job is not known any more: " << view.status();
    ended_ = *std::move(view);
    Tell(absl::StrCat("hears that ", ToString(job_), " has ", millrace::Name(ended_->state), " ",
                      ended_->error));
  });
}

void ClientProcess::Tell(const std::string& what) {
  life_.world().Note(name(), what);
  if (listener_) listener_(*this);
}

void ClientProcess::Cancel() {
  if (!job_.is_set()) return;
  life_.world().Note(name(), "cancels");
  tasks_->add(kj::evalNow([this]() {
                return link_.Cancel(job_, "the simulation wanted it");
              }).then([](absl::StatusOr<std::string>) {}, [](kj::Exception&&) {}));
}

void ClientProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "the client's process ends: " << kj::str(exception).cStr();
}

}  // namespace millrace::sim
