// A whole Millrace cluster in one process: a vocabulary for scenarios that read as prose.
//
//   Cluster cluster({.seed = 1});
//   cluster.StartMaster();
//   cluster.AddWorker("red");
//   cluster.AddWorker("blue");
//   Job& job = cluster.Submit(workload);
//   cluster.RunUntil([&]() { return job.Runs("red"); });
//   cluster.Isolate("red");
//   cluster.RunUntil([&]() { return job.done(); });
//   EXPECT_EQ(cluster.Check(), "");
//
// Master, workers and clients run their real shells over real Cap'n Proto RPC; time, network, disks
// and child processes are simulated. Everything follows from the seed.
#ifndef MILLRACE_TESTS_SIM_CLUSTER_H_
#define MILLRACE_TESTS_SIM_CLUSTER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/output_log.h"
#include "tests/sim/processes.h"
#include "tests/sim/workload.h"

namespace millrace::sim {

struct ClusterOptions {
  uint64_t seed = 1;
  bool print_trace = false;
  absl::Duration lease = absl::Seconds(10);
  NetworkOptions network;
  UserCode user_code;
};

// A job as the person sees it who submitted it.
struct Job {
  std::string client;  // the name of the client process that watches it now
  Workload workload;
  JobSpec spec;
  JobId id;  // when some client has heard that it was accepted
  std::string refused;
  std::optional<JobView> ended;
  // What may go wrong with it by rights.
  bool may_be_cancelled = false;
  bool may_fail = false;

  bool done() const { return ended.has_value() || !refused.empty(); }
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options);
  ~Cluster() noexcept(false);
  KJ_DISALLOW_COPY(Cluster);

  World& world() { return world_; }
  Network& network() { return network_; }
  UserCode& user_code() { return user_code_; }
  OutputLog& outputs() { return outputs_; }
  JournalDisk& journal_disk() { return journal_disk_; }
  MemoryFileSystem& shared_disk() { return shared_disk_; }
  MemoryFileSystem& DiskOf(const std::string& host);

  // --- Processes ---

  void StartMaster();
  MasterProcess* master() { return master_.get(); }
  // A worker called `name`, on a host of its own of the same name unless said otherwise.
  void AddWorker(const std::string& name, uint32_t slots = 1, const std::string& host = "");
  // Null: it does not run.
  WorkerProcess* worker(const std::string& name);
  std::vector<std::string> worker_names() const;
  // The same flags, a new life.
  void RestartWorker(const std::string& name);
  // Null: it does not run.
  SimProcess* process(const std::string& name);
  // All that run.
  std::vector<SimProcess*> processes();
  void Kill(const std::string& name);
  // Kills all that runs there and loses what was not synced.
  void PowerOff(const std::string& host);
  void PowerOn(const std::string& host);

  // --- Jobs ---

  struct SubmitOptions {
    bool overwrite = false;
    ShuffleMode shuffle = ShuffleMode::kNetwork;
    uint32_t max_attempts = 4;
    uint32_t speculation_floor_ms = 3000;
    uint32_t progress_timeout_ms = 20'000;
    uint32_t skip_bad_records = 0;
    std::string output_folder;      // empty: one of its own
    std::string keep_folder;        // empty: map outputs stay with their workers
    bool reuse = false;             // takes map outputs of earlier jobs, and leaves them
    const Job* input_of = nullptr;  // reads the very files of that job, whose workload it has
  };
  Job& Submit(const Workload& workload) { return Submit(workload, SubmitOptions()); }
  Job& Submit(const Workload& workload, const SubmitOptions& options);
  // Another client with the same request, as when the person does not know whether it arrived.
  void SubmitAgain(Job& job);
  const std::vector<std::unique_ptr<Job>>& jobs() const { return jobs_; }
  ClientProcess* client(const Job& job);
  bool AllJobsDone() const;
  // Attempts of all jobs that run on `worker` now.
  size_t RunningOn(const std::string& worker);

  // --- Time ---

  void RunFor(kj::Duration duration) { world_.RunFor(duration); }
  bool RunUntil(const std::function<bool()>& done, kj::Duration limit = 3600 * kj::SECONDS) {
    return world_.RunUntil(done, limit);
  }
  // Everything that was broken works again, and everything that should run does.
  void Heal();

  // --- Results ---

  // The lines of the job's output: sorted, or in input order for a job without reduces.
  std::vector<std::string> OutputOf(const Job& job);

 private:
  // Whether the synced part of the journal says that a job publishes to `folder`.
  bool Publishes(const std::string& folder) const;
  Ground MakeGround() { return Ground{world_, network_, shared_disk_, &outputs_}; }
  void Adopt(SimProcess& process);
  void Reap();
  JobSpec MakeSpec(const Workload& workload, const SubmitOptions& options);
  void WriteInput(const Workload& workload, JobSpec* spec);
  void StartClient(Job& job);

  World world_;
  Network network_;
  UserCode user_code_;
  const absl::Duration lease_;
  MemoryFileSystem shared_disk_;
  OutputLog outputs_;
  std::map<std::string, std::unique_ptr<MemoryFileSystem>> disks_;
  JournalDisk journal_disk_;

  std::unique_ptr<MasterProcess> master_;
  std::map<std::string, WorkerProcess::Options> worker_options_;
  std::map<std::string, std::unique_ptr<WorkerProcess>> workers_;
  std::map<std::string, std::unique_ptr<ClientProcess>> clients_;
  std::vector<std::unique_ptr<Job>> jobs_;
  uint64_t clients_started_ = 0;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_CLUSTER_H_
