#include "worker/peer_pool.h"

#include <glog/logging.h>

#include <utility>

#include "rpc/pinger.h"
#include "rpc/redialer.h"

namespace millrace {
namespace {

ConnectionOptions WithTimeout(ConnectionOptions options, kj::Duration timeout) {
  options.handshake_timeout = timeout;
  return options;
}

}  // namespace

Peer::Peer(kj::Own<Connection> connection)
    : connection_(kj::mv(connection)),
      shuffle_(connection_->Peer().castAs<capnp_worker::Shuffle>()),
      lost_(nullptr) {
  auto lost = kj::newPromiseAndFulfiller<void>();
  lose_ = kj::mv(lost.fulfiller);
  lost_ = lost.promise.fork();
}

void Peer::Heard() {
  if (asked_.get() != nullptr) asked_->fulfill();
}

kj::Promise<void> Peer::Ask() {
  auto heard = kj::newPromiseAndFulfiller<void>();
  asked_ = kj::mv(heard.fulfiller);
  return connection_->Ping().exclusiveJoin(kj::mv(heard.promise));
}

PeerPool::PeerPool(kj::Network& network, kj::Timer& timer, const ConnectionOptions& options,
                   const PeerPatience& patience)
    : network_(network),
      timer_(timer),
      options_(WithTimeout(options, patience.dial_timeout)),
      patience_(patience),
      watches_(*this) {}

kj::Promise<kj::Own<Peer>> PeerPool::Connect(const std::string& address) {
  auto entry = entries_.find(address);
  if (entry == entries_.end()) {
    MakeRoom();
    const uint64_t number = ++clock_;
    entry =
        entries_.emplace(address, Entry{number, number, DialPeer(address, number).fork()}).first;
    watches_.add(Watch(address, number));
  }
  entry->second.last_use = ++clock_;
  return entry->second.peer.addBranch();
}

kj::Promise<kj::Own<Peer>> PeerPool::DialPeer(const std::string& address, uint64_t number) {
  // Seeded by a count, so that a simulation repeats itself.
  return DialUntil(timer_, patience_.dialling, Backoff(patience_.backoff, number),
                   [this, address]() {
                     return Dial(network_, timer_, address, Role::kFetcher, options_);
                   })
      .then(
          [](kj::Own<Connection> connection) { return kj::refcounted<Peer>(kj::mv(connection)); });
}

// A connection that could not be made, or that has ended, makes way for the next try. A peer that
// has frozen, or is cut off, counts as gone: its fetches need not wait for deadlines of their own.
kj::Promise<void> PeerPool::Watch(std::string address, uint64_t number) {
  return entries_.find(address)
      ->second.peer.addBranch()
      .then([this, address](kj::Own<Peer> peer) {
        auto pinger = kj::heap<Pinger>(timer_, patience_.ping_period, patience_.silence, address,
                                       [peer = peer.get()]() { return peer->Ask(); });
        auto end = peer->connection().OnDisconnect().exclusiveJoin(pinger->Run());
        Peer& lost = *peer;
        return end.then([&lost]() { lost.Lose(); }, [&lost](kj::Exception&&) { lost.Lose(); })
            .attach(kj::mv(pinger), kj::mv(peer));
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
