#include "tests/sim/network.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/conversation.h"

namespace millrace::sim {

// --- Listening and connecting ---

// Connections wait in the backlog until they are accepted.
class Listener final : public kj::ConnectionReceiver {
 public:
  Listener(Network& network, Life& life, std::string host, uint port)
      : network_(network), life_(life), host_(std::move(host)), port_(port) {
    network_.Listen(host_, port_, this);
  }
  ~Listener() noexcept(false) { network_.Forget(this); }

  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    auto paf = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
    accepting_ = kj::mv(paf.fulfiller);
    Advance();
    return kj::mv(paf.promise);
  }
  uint getPort() override { return port_; }

  void Add(std::shared_ptr<Conversation> conversation) {
    conversation->sides[1].life = &life_;
    backlog_.push_back(kj::heap<StreamEnd>(std::move(conversation), 1));
    Advance();
  }

  void Advance() {
    if (!life_.alive() || life_.stopped() || backlog_.empty()) return;
    if (accepting_.get() == nullptr || !accepting_->isWaiting()) return;
    kj::Own<kj::AsyncIoStream> next = kj::mv(backlog_.front());
    backlog_.pop_front();
    accepting_->fulfill(kj::mv(next));
  }

  Life& life() { return life_; }

 private:
  Network& network_;
  Life& life_;
  const std::string host_;
  const uint port_;
  std::deque<kj::Own<StreamEnd>> backlog_;
  kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> accepting_;
};

class RemoteAddress final : public kj::NetworkAddress {
 public:
  RemoteAddress(Network& network, Life& life, std::string own_host, std::string host, uint port)
      : network_(network),
        life_(life),
        own_host_(std::move(own_host)),
        host_(std::move(host)),
        port_(port) {}

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect() override {
    if (!life_.Step()) return kj::NEVER_DONE;
    auto paf = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
    auto conversation = std::make_shared<Conversation>(network_);
    conversation->sides[0].host = own_host_;
    conversation->sides[0].life = &life_;
    conversation->sides[1].host = host_;
    network_.conversations_.push_back(conversation);
    ++network_.connections_;
    auto end = kj::heap<StreamEnd>(conversation, 0);
    auto dialling = std::make_shared<Dialling>(kj::mv(paf.fulfiller), kj::mv(end));
    network_.world().After(
        network_.Latency(own_host_, host_),
        [conversation, dialling, port = port_]() { KnockAt(conversation, dialling, port); });
    return kj::mv(paf.promise);
  }

  kj::Own<kj::ConnectionReceiver> listen() override {
    const uint port = port_ == 0 ? network_.next_port_++ : port_;
    KJ_REQUIRE(network_.Find(own_host_, port) == nullptr, "bind(): Address already in use");
    return kj::heap<Listener>(network_, life_, own_host_, port);
  }

  kj::Own<kj::NetworkAddress> clone() override {
    return kj::heap<RemoteAddress>(network_, life_, own_host_, host_, port_);
  }
  kj::String toString() override { return kj::str(host_.c_str(), ":", port_); }

 private:
  struct Dialling {
    Dialling(kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> to, kj::Own<StreamEnd> of)
        : fulfiller(kj::mv(to)), end(kj::mv(of)) {}
    kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> fulfiller;
    kj::Own<StreamEnd> end;
  };

  static void KnockAt(const std::shared_ptr<Conversation>& conversation,
                      const std::shared_ptr<Dialling>& dialling, uint port) {
    Network& network = conversation->network;
    const std::string& from = conversation->sides[0].host;
    const std::string& to = conversation->sides[1].host;
    if (network.IsCut(from, to) || !network.HasPower(to)) return;  // the dialler gives up by itself
    Listener* const listener = network.Find(to, port);
    if (listener != nullptr) {
      listener->Add(conversation);
      if (network.Duplicates(from, to)) listener->Add(conversation->Duplicate());
    }
    network.world().After(network.Latency(to, from), [conversation, dialling,
                                                      found = listener != nullptr]() {
      if (conversation->network.IsCut(conversation->sides[1].host, conversation->sides[0].host)) {
        return;
      }
      Life* const life = conversation->sides[0].life;
      if (life == nullptr || !life->alive()) return;
      if (found) {
        dialling->fulfiller->fulfill(kj::mv(dialling->end));
      } else {
        dialling->fulfiller->reject(Disconnected("connect(): Connection refused"));
      }
    });
  }

  Network& network_;
  Life& life_;
  const std::string own_host_;
  const std::string host_;
  const uint port_;
};

Interface::Interface(sim::Network& network, Life& life, std::string host)
    : network_(network), life_(life), host_(std::move(host)) {
  network_.AddHost(host_);
  life_.OnChange([this]() {
    for (const auto& conversation : network_.Conversations()) {
      for (int side : {0, 1}) {
        if (conversation->sides[side].life != &life_) continue;
        if (life_.alive()) {
          conversation->Poke(side);
        } else {
          conversation->sides[side].life = nullptr;
          if (network_.HasPower(host_)) conversation->SendReset(side);
        }
      }
    }
    std::vector<Listener*> gone;
    for (const auto& [address, listener] : network_.listeners_) {
      if (&listener->life() != &life_) continue;
      life_.alive() ? listener->Advance() : gone.push_back(listener);
    }
    for (Listener* listener : gone) network_.Forget(listener);
  });
}

kj::Promise<kj::Own<kj::NetworkAddress>> Interface::parseAddress(kj::StringPtr address,
                                                                 uint port_hint) {
  const std::string text(address.cStr());
  const size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon);
  const uint port = colon == std::string::npos
                        ? port_hint
                        : static_cast<uint>(std::stoul(text.substr(colon + 1)));
  const std::vector<std::string>& hosts = network_.hosts();
  if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
    return Disconnected("getaddrinfo(): Name or service not known");
  }
  return kj::Own<kj::NetworkAddress>(kj::heap<RemoteAddress>(network_, life_, host_, host, port));
}

// --- Network ---

Network::Network(World& world, const NetworkOptions& options)
    : world_(world), options_(options), random_(world.random().Fork()) {}

Network::~Network() noexcept(false) = default;

void Network::AddHost(const std::string& host) {
  if (std::find(hosts_.begin(), hosts_.end(), host) == hosts_.end()) hosts_.push_back(host);
}

kj::Duration Network::Latency(const std::string& from, const std::string& to) {
  kj::Duration latency = options_.latency;
  if (const auto jitter_us = options_.jitter / kj::MICROSECONDS; jitter_us > 0) {
    latency += static_cast<int64_t>(random_.Below(jitter_us)) * kj::MICROSECONDS;
  }
  const auto clog = clogs_.find({from, to});
  if (clog != clogs_.end() && clog->second.until > world_.now()) latency += clog->second.extra;
  return latency;
}

bool Network::IsCut(const std::string& from, const std::string& to) const {
  return cuts_.count({from, to}) != 0;
}

void Network::Cut(const std::string& from, const std::string& to) {
  world_.Note("network", absl::StrCat("cut ", from, " -> ", to));
  cuts_.insert({from, to});
}

void Network::Part(const std::string& a, const std::string& b) {
  Cut(a, b);
  Cut(b, a);
}

void Network::Isolate(const std::string& host) {
  for (const std::string& other : hosts_) {
    if (other != host) Part(host, other);
  }
}

void Network::Clog(const std::string& from, const std::string& to, kj::Duration extra,
                   kj::TimePoint until) {
  world_.Note("network",
              absl::StrCat("clog ", from, " -> ", to, " by ", extra / kj::MILLISECONDS, " ms"));
  clogs_[{from, to}] = {extra, until};
}

void Network::Duplicate(const std::string& from, const std::string& to, kj::TimePoint until) {
  world_.Note("network", absl::StrCat("duplicate ", from, " -> ", to));
  duplicates_.insert_or_assign({from, to}, until);
}

bool Network::Duplicates(const std::string& from, const std::string& to) const {
  const auto found = duplicates_.find({from, to});
  return found != duplicates_.end() && world_.now() < found->second;
}

void Network::ResetConnections(const std::string& a, const std::string& b) {
  world_.Note("network", absl::StrCat("reset ", a, " - ", b));
  for (const auto& conversation : Conversations()) {
    const std::string& first = conversation->sides[0].host;
    const std::string& second = conversation->sides[1].host;
    if ((first != a || second != b) && (first != b || second != a)) continue;
    conversation->Break(0);
    conversation->Break(1);
  }
}

void Network::Heal() {
  if (cuts_.empty() && clogs_.empty() && duplicates_.empty()) return;
  world_.Note("network", "healed");
  cuts_.clear();
  clogs_.clear();
  duplicates_.clear();
  for (const auto& conversation : Conversations()) {
    if (conversation->is_duplicate) conversation->Break(1);
    for (int side : {0, 1}) conversation->Arrive(side);
  }
}

void Network::SetPower(const std::string& host, bool on) {
  if (on) {
    without_power_.erase(host);
  } else {
    without_power_.insert(host);
  }
}

void Network::Listen(const std::string& host, uint port, Listener* listener) {
  listeners_[{host, port}] = listener;
}

void Network::Forget(Listener* listener) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    it = it->second == listener ? listeners_.erase(it) : std::next(it);
  }
}

Listener* Network::Find(const std::string& host, uint port) {
  const auto found = listeners_.find({host, port});
  return found == listeners_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Conversation>> Network::Conversations() {
  std::vector<std::shared_ptr<Conversation>> all;
  std::vector<std::weak_ptr<Conversation>> kept;
  for (const auto& weak : conversations_) {
    if (auto conversation = weak.lock(); conversation != nullptr) {
      kept.push_back(weak);
      all.push_back(std::move(conversation));
    }
  }
  conversations_ = std::move(kept);
  return all;
}

}  // namespace millrace::sim
