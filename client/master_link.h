// Our end of the connection to a master: one method per call that a client may make.
//
// Each call has a deadline and rejects with a kj::Exception when the world failed (DISCONNECTED,
// OVERLOADED: Connect again and retry); what the master answered is in the result. One event loop.
#ifndef MILLRACE_CLIENT_MASTER_LINK_H_
#define MILLRACE_CLIENT_MASTER_LINK_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc/connection.h"
#include "rpc/job_views.h"
#include "rpc/lineage_view.h"
#include "rpc/master.capnp.h"

namespace millrace {

class MasterLink {
 public:
  // `address` is HOST:PORT.
  MasterLink(kj::Network& network, kj::Timer& timer, std::string address,
             ConnectionOptions options);
  KJ_DISALLOW_COPY(MasterLink);

  // A connection of its own for whoever asks; tries again until `patience` has passed. Rejects as
  // Dial does (rpc/connection.h).
  kj::Promise<kj::Own<Connection>> Open(kj::Duration patience);

  // Opens a connection, in place of the old one if there was one; otherwise as Open.
  kj::Promise<void> Connect(kj::Duration patience);

  kj::Promise<std::vector<JobView>> Jobs();
  kj::Promise<std::vector<WorkerView>> Workers();

  // kNotFound when the master does not know the job, here and below. Answers when the job's version
  // has passed `known_version`, or after `wait`.
  kj::Promise<absl::StatusOr<JobView>> Watch(JobId job, uint64_t known_version, kj::Duration wait);

  // The state in which the job had ended before, or "" when it is cancelled now.
  kj::Promise<absl::StatusOr<std::string>> Cancel(JobId job, std::string reason);

  // All attempts, in the order in which they started.
  kj::Promise<absl::StatusOr<std::vector<AttemptView>>> Attempts(JobId job);

  // Of attempts of one worker, at most kMaxLogsPerCall. Resolves too when the worker is lost.
  kj::Promise<WorkerLogs> LogsOf(WorkerId worker, const std::vector<AttemptId>& attempts);

  // With all its sources. kNotFound also when the job has no such task.
  kj::Promise<absl::StatusOr<LineageView>> Lineage(TaskId task);

  kj::Timer& timer() { return timer_; }
  const std::string& address() const { return address_; }
  const Entropy& entropy() const { return options_.entropy; }

 private:
  // Throws DISCONNECTED when there is no connection.
  capnp_master::Jobs::Client& jobs();
  absl::Status UnknownJob(JobId job) const;
  // Appends those that `known` has not got yet; it must outlive the promise.
  kj::Promise<absl::Status> MoreAttempts(JobId job, std::vector<AttemptView>& known);
  // Appends to `known` the sources that it has not got yet; it must outlive the promise.
  kj::Promise<absl::Status> MoreLineage(TaskId task, LineageView& known);

  kj::Network& network_;
  kj::Timer& timer_;
  const std::string address_;
  const ConnectionOptions options_;
  kj::Own<Connection> connection_;
  kj::Maybe<capnp_master::Jobs::Client> jobs_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_MASTER_LINK_H_
