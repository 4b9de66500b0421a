// Connections to the shuffle servers of other workers, one for each, shared by all fetches.
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

#include "rpc/connection.h"
#include "rpc/worker.capnp.h"

namespace millrace {

// One shared connection; it lives as long as the pool or a fetch holds it.
class Peer final : public kj::Refcounted {
 public:
  explicit Peer(kj::Own<Connection> connection)
      : connection_(kj::mv(connection)),
        shuffle_(connection_->Peer().castAs<capnp_worker::Shuffle>()) {}

  capnp_worker::Shuffle::Client& shuffle() { return shuffle_; }
  Connection& connection() { return *connection_; }
  kj::Own<Peer> addRef() { return kj::addRef(*this); }  // for the branches of a forked promise

 private:
  kj::Own<Connection> connection_;
  capnp_worker::Shuffle::Client shuffle_;
};

class PeerPool final : private kj::TaskSet::ErrorHandler {
 public:
  // Beyond them the connection that was asked for longest ago is left to whoever still uses it.
  static constexpr size_t kMaxPeers = 64;

  PeerPool(kj::Network& network, kj::Timer& timer, const ConnectionOptions& options);
  KJ_DISALLOW_COPY(PeerPool);

  // Rejects as Dial does. The promise must not outlive the pool.
  kj::Promise<kj::Own<Peer>> Connect(const std::string& address);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t number;  // tells it from a later one for the same address
    uint64_t last_use;
    kj::ForkedPromise<kj::Own<Peer>> peer;
  };

  kj::Promise<void> Watch(std::string address, uint64_t number);
  void Remove(const std::string& address, uint64_t number);
  void MakeRoom();
  void taskFailed(kj::Exception&& exception) override;

  kj::Network& network_;
  kj::Timer& timer_;
  const ConnectionOptions options_;
  uint64_t clock_ = 0;  // counts uses
  std::map<std::string, Entry> entries_;
  kj::TaskSet watches_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_PEER_POOL_H_
