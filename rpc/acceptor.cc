#include "rpc/acceptor.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/handshake.h"
#include "rpc/peer_address.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

constexpr uint32_t kLogLinesPerSecond = 5;
constexpr kj::Duration kPauseAfterFailure = 100 * kj::MILLISECONDS;

}  // namespace

// How many connections each host has. Outlives the acceptor while streams do.
class Acceptor::PeerCounts {
 public:
  size_t Of(const std::string& host) const {
    auto found = counts_.find(host);
    return found == counts_.end() ? 0 : found->second;
  }

  void Add(const std::string& host) { ++counts_[host]; }

  void Remove(const std::string& host) {
    auto found = counts_.find(host);
    if (--found->second == 0) counts_.erase(found);
  }

 private:
  std::map<std::string, size_t> counts_;
};

Acceptor::Acceptor(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
                   ConnectionOptions options, std::vector<Role> allowed, OnStream on_stream,
                   AcceptorLimits limits)
    : timer_(timer),
      receiver_(kj::mv(receiver)),
      options_(std::move(options)),
      allowed_(std::move(allowed)),
      on_stream_(kj::mv(on_stream)),
      limits_(limits),
      log_limiter_(kLogLinesPerSecond),
      per_peer_(std::make_shared<PeerCounts>()),
      tasks_(*this) {}

kj::Promise<void> Acceptor::Run() {
  return receiver_->accept()
      .then([this](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<void> {
        Admit(kj::mv(stream));
        return kj::READY_NOW;
      })
      .catch_([this](kj::Exception&& e) { return PauseAfter(e); })
      .then([this]() { return Run(); });  // the tail call: nothing may follow
}

// Gives a stranger a place among the handshakes.
void Acceptor::Admit(kj::Own<kj::AsyncIoStream> stream) {
  const HostPort peer = PeerAddress(*stream);
  const std::string name = PeerName(peer);
  if (per_peer_->Of(peer.host) >= limits_.max_per_peer) {
    Log(absl::StrCat("refused ", name, ": ", limits_.max_per_peer,
                     " connections from there are open"));
    return;
  }
  if (handshakes_.size() >= limits_.max_handshakes) {
    auto oldest = handshakes_.begin();
    oldest->second->cancel("too many strangers are waiting");
    handshakes_.erase(oldest);
  }
  TuneSocket(*stream);
  per_peer_->Add(peer.host);
  auto counted =
      stream.attach(kj::defer([counts = per_peer_, host = peer.host]() { counts->Remove(host); }));

  const uint64_t id = next_id_++;
  auto canceler = kj::heap<kj::Canceler>();
  tasks_.add(canceler->wrap(Welcome(name, kj::mv(counted)))
                 .catch_([this, name](kj::Exception&& e) {
                   Log(absl::StrCat("refused ", name, ": ", e.getDescription().cStr()));
                 })
                 .then([this, id]() { handshakes_.erase(id); }));
  handshakes_.emplace(id, kj::mv(canceler));
}

// Performs the preamble and hands the stream on.
kj::Promise<void> Acceptor::Welcome(std::string peer, kj::Own<kj::AsyncIoStream> stream) {
  kj::AsyncIoStream& borrowed = *stream;
  return WithDeadline(timer_, options_.handshake_timeout, "handshake",
                      AcceptPreamble(borrowed, allowed_, options_.key, options_.entropy))
      .then([this, peer = std::move(peer), stream = kj::mv(stream)](Role role) mutable {
        on_stream_(PeerInfo{role, std::move(peer)}, kj::mv(stream));
      });
}

// Most failures (no descriptors, no memory) last a while, and come back at once when tried at once.
kj::Promise<void> Acceptor::PauseAfter(const kj::Exception& failure) {
  Log(absl::StrCat("cannot accept connections: ", failure.getDescription().cStr()));
  return timer_.afterDelay(kPauseAfterFailure);
}

void Acceptor::Log(const std::string& line) {
  if (!log_limiter_.Allow(timer_.now())) return;
  const uint64_t left_out = log_limiter_.TakeLeftOut();
  if (left_out > 0) LOG(WARNING) << left_out << " similar lines left out";
  LOG(WARNING) << line;
}

void Acceptor::taskFailed(kj::Exception&& exception) {
  // Every task ends in a handler of its own.
  LOG(FATAL) << kj::str(exception).cStr();
}

}  // namespace millrace
