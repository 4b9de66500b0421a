// A worker as its master sees it: registers, says that it lives, runs attempts, reports outcomes.
//
// It takes part in one session with one master at a time; whatever a session leaves unfinished is
// taken up by the next one. Nothing here decides about jobs: the master says what runs, and what
// the worker knows of it survives a lost connection. Attempts go on without a session for
// `orphan_timeout`; a master that has forgotten everything (another cluster) finds a worker that
// has forgotten everything too.
//
// Lives on one event loop; disks are touched through the I/O thread alone, so a slow one never
// stops a heartbeat. Must outlive the connections it serves.
#ifndef MILLRACE_WORKER_WORKER_SHELL_H_
#define MILLRACE_WORKER_WORKER_SHELL_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rpc/call_scope.h"
#include "rpc/connection.h"
#include "rpc/io_thread.h"
#include "rpc/master.capnp.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"
#include "worker/attempt_table.h"
#include "worker/binary_cache.h"
#include "worker/binary_source.h"
#include "worker/executor_pool.h"
#include "worker/job_table.h"
#include "worker/outcome_reporter.h"
#include "worker/peer_pool.h"
#include "worker/retained_outputs.h"
#include "worker/worker_session.h"

namespace millrace {

struct WorkerShellOptions {
  WorkerInfo info;  // with the scratch folder, which exists
  ConnectionOptions connection;
  // Where bulk connections go until the master says otherwise; empty when it dials us.
  std::string master_address;
  // How long attempts go on without a master.
  kj::Duration orphan_timeout = 60 * kj::SECONDS;
  // For calls that may wait for a journal's sync.
  kj::Duration call_timeout = 30 * kj::SECONDS;
  uint64_t binary_cache_bytes = uint64_t{2} << 30;
  // Draws the incarnation that this worker takes when it comes to another cluster.
  std::function<Incarnation()> new_incarnation;
};

class WorkerShell final : private kj::TaskSet::ErrorHandler {
 public:
  // The world around a worker; all of it outlives the shell.
  struct Host {
    kj::Timer& timer;
    kj::Network& network;
    FileSystem& file_system;
    BlockingRunner& io;
    ExecutorFactory& executors;
  };

  WorkerShell(const Host& host, WorkerShellOptions options);
  ~WorkerShell() noexcept(false);
  KJ_DISALLOW_COPY(WorkerShell);

  // Where peers reach the shuffle server; to be set before Serve.
  void SetShuffleAddress(std::string address) {
    options_.info.shuffle_address = std::move(address);
  }

  // Holds a session over a connection that has passed the preamble, whoever dialled. Resolves when
  // the worker has drained; rejects with DISCONNECTED when another connection is worth a try. The
  // promise must not outlive the shell or the connection.
  kj::Promise<void> Serve(Connection& connection);
  bool has_session() const { return session_ != nullptr; }

  // What fetching peers can reach, one for each connection.
  capnp::Capability::Client NewShuffleServer();

  // Takes no more work; resolves when nothing runs and everything is reported. Without a master
  // nothing can be reported, so then only what runs is waited for. Call it once.
  kj::Promise<void> Drain();

  // --- What the master asks for (see worker.capnp) ---

  // Whether a message comes from the current session; others are counted.
  bool IsCurrent(const WorkerSessionId& session);
  uint64_t stale_messages() const { return stale_messages_; }

  kj::Promise<std::string> PrepareJob(const JobContext& context);
  void PublishSources(JobId job, uint64_t version, const std::vector<ShuffleAddress>& addresses,
                      const std::vector<MapSource>& sources);
  void Launch(AttemptSpec spec);
  void GrantSlot(const AttemptId& attempt) { attempts_.Grant(attempt); }
  void Cancel(const AttemptId& attempt);
  void ReleaseJob(JobId job);
  void RetainOutputs(const std::vector<ListedAttempt>& outputs);
  void DropOutputs(const std::vector<ListedAttempt>& outputs);
  std::vector<AttemptLog> LogsOf(const std::vector<AttemptId>& attempts);

 private:
  kj::Promise<kj::Own<WorkerSession>> Register(Connection& connection,
                                               capnp_worker::Worker::Client own);
  kj::Promise<kj::Own<WorkerSession>> Accept(capnp_master::Registration::Reader registration);
  void Begin(WorkerSession& session);
  kj::Promise<void> Live(kj::Own<WorkerSession> session);
  void End();
  kj::Promise<void> Watch(Connection& connection);
  void Tell(kj::Promise<void> call);
  void ForgetEverything();

  void OnSourcesReady(const AttemptId& attempt, uint64_t version);
  void OnVerdict(const AttemptOutcome& outcome, OutcomeVerdict verdict);
  bool IsMapOutput(const TaskId& task) const;
  void RemoveOutput(const TaskId& task, const AttemptId& attempt);
  void Background(std::function<absl::Status()> work);
  void CheckDrained();
  void taskFailed(kj::Exception&& exception) override;

  const Host host_;
  WorkerShellOptions options_;
  std::string cluster_id_;
  bool draining_ = false;
  uint64_t stale_messages_ = 0;
  uint64_t sessions_ = 0;
  WorkerSession* session_ = nullptr;  // the one that is registered

  MasterBinarySource binary_source_;
  BinaryCache binaries_;
  PeerPool peers_;
  ShuffleCpu shuffle_cpu_;
  ExecutorPool executors_;
  JobTable jobs_;
  // Outputs that the master has accepted, by attempt.
  std::map<AttemptId, TaskId> held_outputs_;
  // Outputs that outlive their jobs; some are held, too.
  RetainedOutputs retained_;
  const AttemptHost attempt_host_;
  AttemptTable attempts_;
  OutcomeReporter reporter_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> drained_;
  kj::TaskSet tasks_;
  CallScope calls_;  // last, so that they end first
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_WORKER_SHELL_H_
