// Connections to the shuffle servers of other workers, one for each, shared by all fetches.
//
// A peer that cannot be reached costs all who want it one wait, together. One that is connected is
// reachable as long as anything arrives from it, however slow its disk is: it answers pings
// meanwhile.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_PEER_POOL_H_
#define MILLRACE_WORKER_PEER_POOL_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <string>

#include "rpc/backoff.h"
#include "rpc/connection.h"
#include "rpc/worker.capnp.h"

namespace millrace {

// When a peer counts as out of reach: about when the lease of a worker that died would end, so that
// it is the master that notices a death, and a pause that the lease forgives is no cut.
struct PeerPatience {
  kj::Duration dial_timeout = 2 * kj::SECONDS;  // of one try
  kj::Duration dialling = 8 * kj::SECONDS;      // after that no other try begins
  BackoffOptions backoff;
  // A connected peer is asked so often, and may be silent for so long.
  kj::Duration ping_period = 1 * kj::SECONDS;
  kj::Duration silence = 10 * kj::SECONDS;
};

// One shared connection; it lives as long as the pool or a fetch holds it.
class Peer final : public kj::Refcounted {
 public:
  explicit Peer(kj::Own<Connection> connection);

  capnp_worker::Shuffle::Client& shuffle() { return shuffle_; }
  Connection& connection() { return *connection_; }
  kj::Own<Peer> addRef() { return kj::addRef(*this); }  // for the branches of a forked promise

  // Whoever gets an answer says so: a ping may wait behind much data.
  void Heard();
  // Resolves with the next sign of life.
  kj::Promise<void> Ask();

  // Resolves when the peer has fallen silent, or its connection has ended.
  kj::Promise<void> OnLost() { return lost_.addBranch(); }
  void Lose() { lose_->fulfill(); }

 private:
  kj::Own<Connection> connection_;
  capnp_worker::Shuffle::Client shuffle_;
  kj::Own<kj::PromiseFulfiller<void>> asked_;  // null when nobody waits
  kj::Own<kj::PromiseFulfiller<void>> lose_;
  kj::ForkedPromise<void> lost_;
};

class PeerPool final : private kj::TaskSet::ErrorHandler {
 public:
  // Beyond them the connection that was asked for longest ago is left to whoever still uses it.
  static constexpr size_t kMaxPeers = 64;

  PeerPool(kj::Network& network, kj::Timer& timer, const ConnectionOptions& options,
           const PeerPatience& patience = PeerPatience());
  KJ_DISALLOW_COPY(PeerPool);

  // Rejects as DialUntil does, when the peer is out of reach. The promise must not outlive the
  // pool.
  kj::Promise<kj::Own<Peer>> Connect(const std::string& address);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t number;  // tells it from a later one for the same address
    uint64_t last_use;
    kj::ForkedPromise<kj::Own<Peer>> peer;
  };

  kj::Promise<kj::Own<Peer>> DialPeer(const std::string& address, uint64_t number);
  kj::Promise<void> Watch(std::string address, uint64_t number);
  void Remove(const std::string& address, uint64_t number);
  void MakeRoom();
  void taskFailed(kj::Exception&& exception) override;

  kj::Network& network_;
  kj::Timer& timer_;
  const ConnectionOptions options_;
  const PeerPatience patience_;
  uint64_t clock_ = 0;  // counts uses
  std::map<std::string, Entry> entries_;
  kj::TaskSet watches_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_PEER_POOL_H_
