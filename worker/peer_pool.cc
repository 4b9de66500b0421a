#include "worker/peer_pool.h"

#include <glog/logging.h>

#include <utility>

#include "rpc/pinger.h"

namespace millrace {

PeerPool::PeerPool(kj::Network& network, kj::Timer& timer, const ConnectionOptions& options)
    : network_(network), timer_(timer), options_(options), watches_(*this) {}

kj::Promise<kj::Own<Peer>> PeerPool::Connect(const std::string& address) {
  auto entry = entries_.find(address);
  if (entry == entries_.end()) {
    MakeRoom();
    const uint64_t number = ++clock_;
    auto peer = Dial(network_, timer_, address, Role::kFetcher, options_)
                    .then([](kj::Own<Connection> connection) {
                      return kj::refcounted<Peer>(kj::mv(connection));
                    });
    entry = entries_.emplace(address, Entry{number, number, peer.fork()}).first;
    watches_.add(Watch(address, number));
  }
  entry->second.last_use = ++clock_;
  return entry->second.peer.addBranch();
}

// A connection that could not be made, or that has ended, makes way for the next try. A peer that
// has frozen counts as gone.
kj::Promise<void> PeerPool::Watch(std::string address, uint64_t number) {
  return entries_.find(address)
      ->second.peer.addBranch()
      .then([this, address](kj::Own<Peer> peer) {
        Connection& connection = peer->connection();
        auto pinger = kj::heap<Pinger>(timer_, options_.ping_period, options_.ping_timeout, address,
                                       [&connection]() { return connection.Ping(); });
        auto end = connection.OnDisconnect().exclusiveJoin(pinger->Run());
        return end.attach(kj::mv(pinger), kj::mv(peer));
      })
      .then([this, address, number]() { Remove(address, number); },
            [this, address, number](kj::Exception&&) { Remove(address, number); });
}

void PeerPool::Remove(const std::string& address, uint64_t number) {
  const auto entry = entries_.find(address);
  if (entry != entries_.end() && entry->second.number == number) entries_.erase(entry);
}

void PeerPool::MakeRoom() {
  while (entries_.size() >= kMaxPeers) {
    auto oldest = entries_.begin();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->second.last_use < oldest->second.last_use) oldest = entry;
    }
    entries_.erase(oldest);
  }
}

void PeerPool::taskFailed(kj::Exception&& exception) {
  LOG(ERROR) << "watching a connection to a worker: " << exception.getDescription().cStr();
}

}  // namespace millrace
