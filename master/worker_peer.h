// What one connection from a worker can reach: the Registry, and once registered the session.
//
// Decodes, asks WorkerLinks, encodes. Lives exactly as long as its connection and is destroyed
// after it; its destruction is the news that the worker has disconnected.
#ifndef MILLRACE_MASTER_WORKER_PEER_H_
#define MILLRACE_MASTER_WORKER_PEER_H_

#include <capnp/capability.h>
#include <kj/async.h>

#include <cstdint>
#include <functional>
#include <string>

#include "master/pending_answers.h"
#include "master/worker_links.h"
#include "rpc/call_scope.h"
#include "rpc/master.capnp.h"

namespace millrace {

struct WorkerTerms {
  std::string cluster_id;
  uint32_t heartbeat_ms = 1000;
  uint32_t lease_ms = 10'000;
  // Whether other workers can fetch from the shuffle server at `address`, found out by dialling it.
  // Rejects when they cannot. Empty: nothing is checked.
  std::function<kj::Promise<void>(std::string address)> check_shuffle;
};

class WorkerPeer final : public LinkHolder {
 public:
  // `links` and `terms` must outlive it. `address` names the other end in messages.
  // `bulk_address` is where the worker finds this master when it did not dial it itself.
  WorkerPeer(WorkerLinks& links, const WorkerTerms& terms, std::string address,
             std::string bulk_address = "");
  ~WorkerPeer() noexcept(false) override;
  KJ_DISALLOW_COPY(WorkerPeer);

  // What the worker finds at its end; a capnp_master::Registry. Once.
  capnp::Capability::Client Registry();

  // Resolves with the reason when the connection is to be closed.
  kj::Promise<std::string> Closing();

  void Close(std::string reason) override;

 private:
  class RegistryServer;
  class SessionServer;

  WorkerLinks& links_;
  const WorkerTerms& terms_;
  const std::string address_;
  const std::string bulk_address_;
  std::string close_reason_;  // set: close as soon as somebody listens
  PendingAnswers<int, std::string> closing_;
  CallScope calls_;  // last, so that they end first
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_WORKER_PEER_H_
