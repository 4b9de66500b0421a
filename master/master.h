// A whole master without its process: the core, its shell and its services, put together, and the
// connections they are reached over. What it runs on (timer, network, files, journal, the runner
// for blocking work) is handed in, so a simulation runs this very class.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_MASTER_H_
#define MILLRACE_MASTER_MASTER_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "master/admission.h"
#include "master/binary_store.h"
#include "master/client_views.h"
#include "master/core/master_core.h"
#include "master/job_service.h"
#include "master/job_store.h"
#include "master/journal.h"
#include "master/master_shell.h"
#include "master/publisher.h"
#include "master/worker_links.h"
#include "master/worker_peer.h"
#include "rpc/acceptor.h"
#include "rpc/connection.h"
#include "rpc/io_thread.h"
#include "storage/file_system.h"

namespace millrace {

class Master final : private ActionPerformer, private kj::TaskSet::ErrorHandler {
 public:
  struct Environment {
    kj::Timer& timer;
    FileSystem& fs;
    Journal& journal;
    BlockingRunner& runner;
  };

  struct Options {
    Epoch epoch{1};
    std::string cluster_id;
    int64_t started_wall_us = 0;  // wall time now, for display
    absl::Duration lease = absl::Seconds(10);
    uint32_t source_messages_per_second = CoreOptions().source_messages_per_second;
    uint64_t reuse_bytes = uint64_t{10} << 30;  // of map outputs that workers retain; 0: none
    std::string binaries_folder;                // for uploaded job binaries
    std::string host_id;
    bool jobs_end_with_master =
        false;  // nobody recovers them, so what they staged is abandoned then
    // See WorkerTerms.
    std::function<kj::Promise<void>(std::string address)> check_shuffle;
    WorkerLink::Options link;
  };

  // Everything in `environment` must outlive the master.
  Master(const Environment& environment, const Options& options);
  ~Master() noexcept override { shell_.Close(); }
  KJ_DISALLOW_COPY(Master);

  // Reads the journal; blocks. Once, before Run. kDataLoss when it cannot be followed.
  absl::Status Recover();

  // Never resolves; rejects when the journal has failed.
  kj::Promise<void> Run();

  // The roles that may dial a master.
  static std::vector<Role> Roles() { return {Role::kClient, Role::kWorker, Role::kBulk}; }
  // Serves a stream whose preamble went well, as long as it lasts.
  void Accept(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream);

  // Dials a worker that waits to be dialled, again and again for as long as the promise lives.
  // `own_address` is where it finds this master; `dial` connects, with what the peer can reach at
  // our end.
  using DialWorker = std::function<kj::Promise<kj::Own<Connection>>(capnp::Capability::Client own)>;
  kj::Promise<void> KeepDialling(const std::string& address, const std::string& own_address,
                                 DialWorker dial);

  // Takes no more work, ends all connections and resolves when all that was decided is durable.
  kj::Promise<void> Stop();

  const ClientViews& views() const { return views_; }
  const MasterCore& core() const { return core_; }

 private:
  class Performer;
  class DialledWorker;

  void Perform(const Action& action) override;
  void Publish(JobId job);
  void Abort(JobId job);
  void DropJob(JobId job);
  absl::Status Restore(const JournalEntry& entry);
  void RestoreStaging();
  void Serve(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream,
             capnp::Capability::Client own);
  void ServeWorker(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  FileSystem& fs_;
  Journal& journal_;
  const Options options_;
  const WorkerTerms terms_;
  MasterCore core_;
  JobStore jobs_;
  MasterShell shell_;
  WorkerLinks links_;
  Publisher publisher_;
  std::set<JobId> aborting_;  // jobs that have ended and whose staging is being removed
  BinaryStore binaries_;
  ClientViews views_;
  Admission admission_;
  JobService service_;
  bool stopping_ = false;
  kj::Own<kj::TaskSet> connections_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_MASTER_H_
