// The processes of a simulated cluster: the shells of the real ones on simulated clocks, networks
// and disks. What is left out is what needs an operating system: signals, flags, child processes.
//
// Each object is one life of one process. Destroy it only after Kill (the destructor kills).
#ifndef MILLRACE_TESTS_SIM_PROCESSES_H_
#define MILLRACE_TESTS_SIM_PROCESSES_H_

#include <kj/async.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/job_submission.h"
#include "client/job_watch.h"
#include "client/master_link.h"
#include "master/master.h"
#include "rpc/acceptor.h"
#include "rpc/redialer.h"
#include "tests/sim/disk_runner.h"
#include "tests/sim/executors.h"
#include "tests/sim/gated_journal.h"
#include "tests/sim/network.h"
#include "tests/sim/process_file_system.h"
#include "tests/sim/world.h"
#include "worker/worker_shell.h"

namespace millrace::sim {

constexpr char kMasterHost[] = "master";
constexpr char kMasterAddress[] = "master:7070";

// What every process stands on.
struct Ground {
  World& world;
  Network& network;
  MemoryFileSystem& shared_disk;
  OutputWatcher* watcher;
};

class SimProcess {
 public:
  SimProcess(const Ground& ground, const std::string& name, const std::string& host,
             MemoryFileSystem& host_disk);
  virtual ~SimProcess() noexcept(false);
  KJ_DISALLOW_COPY(SimProcess);

  Life& life() { return life_; }
  const std::string& name() const { return life_.name(); }
  const std::string& host() const { return host_; }
  DiskRunner& disk() { return runner_; }

 protected:
  ConnectionOptions MakeConnectionOptions();

  const std::string host_;
  Life life_;
  Random random_;
  Interface interface_;
  ProcessFileSystem files_;
  DiskRunner runner_;
};

class MasterProcess final : public SimProcess, private kj::TaskSet::ErrorHandler {
 public:
  MasterProcess(const Ground& ground, MemoryFileSystem& host_disk, JournalDisk& journal_disk,
                absl::Duration lease);
  ~MasterProcess() noexcept(false) override;

  const Master& master() const { return *master_; }

 private:
  void taskFailed(kj::Exception&& exception) override;

  GatedJournal journal_;
  std::unique_ptr<Master> master_;
  std::unique_ptr<Acceptor> acceptor_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

class WorkerProcess final : public SimProcess, private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    std::string name;
    std::string host;
    uint32_t slots = 1;
    uint port = 7100;  // of the shuffle server; one for each worker of a host
    std::string scratch_folder;
  };

  WorkerProcess(const Ground& ground, MemoryFileSystem& host_disk, const Options& options,
                UserCode& user_code);
  ~WorkerProcess() noexcept(false) override;

  bool has_session() const { return shell_->has_session(); }
  const Executors& executors() const { return executors_; }
  const std::string& scratch_folder() const { return options_.scratch_folder; }
  // As SIGTERM: the process ends when it has drained.
  void Drain();
  bool drains() const { return drains_; }

 private:
  void Listen();
  kj::Promise<void> StayJoined();
  void ServeFetcher(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& exception) override;

  const Options options_;
  const ConnectionOptions connection_;
  Executors executors_;
  bool drains_ = false;
  std::unique_ptr<WorkerShell> shell_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Redialer> redialer_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

// A person at a terminal: submits one job and follows it to its end.
class ClientProcess final : public SimProcess, private kj::TaskSet::ErrorHandler {
 public:
  // `patience` bounds how long it looks for a master before the job is accepted.
  ClientProcess(const Ground& ground, MemoryFileSystem& host_disk, const std::string& name,
                JobSpec spec, kj::Duration patience);
  ~ClientProcess() noexcept(false) override;

  const JobSpec& spec() const { return spec_; }
  JobId job() const { return job_; }
  // Why there is no job: refused by the master, or it gave up looking for one.
  const std::string& refused() const { return refused_; }
  bool gave_up() const { return gave_up_; }
  // Set when the client has heard of the job's end.
  const std::optional<JobView>& ended() const { return ended_; }

  // Called whenever one of the above has changed.
  void OnNews(std::function<void(const ClientProcess&)> listener) {
    listener_ = std::move(listener);
  }
  void Cancel();

 private:
  kj::Promise<void> Run();
  kj::Promise<void> Follow(absl::StatusOr<JobId> job);
  void Tell(const std::string& what);
  void taskFailed(kj::Exception&& exception) override;

  const JobSpec spec_;
  const kj::Duration patience_;
  MasterLink link_;
  JobId job_;
  std::string refused_;
  bool gave_up_ = false;
  std::optional<JobView> ended_;
  std::function<void(const ClientProcess&)> listener_;
  kj::Own<JobSubmission> submission_;
  kj::Own<JobWatch> watch_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_PROCESSES_H_
