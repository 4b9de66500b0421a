#include "tests/sim/network.h"

#include <netinet/in.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace::sim {

class StreamEnd;

namespace {

kj::Exception Disconnected(const char* why) {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str(why));
}

}  // namespace

// Bytes in one direction, from the end that writes to the end that reads.
struct Direction {
  struct Piece {
    uint64_t number;
    kj::TimePoint due;
    std::string bytes;
    bool is_end = false;  // the writer writes no more
  };
  std::deque<Piece> under_way;
  size_t under_way_bytes = 0;
  kj::TimePoint last_due = kj::origin<kj::TimePoint>();
  uint64_t numbers = 0;

  std::string arrived;
  bool ended = false;
};

// One connection: two ends (0 dialled, 1 accepted), each of a process on a host.
struct Conversation : std::enable_shared_from_this<Conversation> {
  struct Side {
    std::string host;
    Life* life = nullptr;      // null: the process is gone, and its kernel answers with resets
    StreamEnd* end = nullptr;  // null: closed, or not accepted yet
    bool broken = false;
  };

  explicit Conversation(Network& of) : network(of) {}

  void Send(int from, std::string bytes, bool is_end);
  void Arrive(int to);
  void CheckProgress(int from, uint64_t number);
  // The end at `side` finds the connection broken.
  void Break(int side);
  // The peer of `side` is told that there is nobody any more.
  void SendReset(int from);
  void Poke(int side);

  Network& network;
  Side sides[2];
  Direction directions[2];  // by the side that writes
};

class StreamEnd final : public kj::AsyncIoStream {
 public:
  StreamEnd(std::shared_ptr<Conversation> conversation, int side)
      : conversation_(std::move(conversation)), side_(side) {
    conversation_->sides[side_].end = this;
  }
  ~StreamEnd() noexcept(false) {
    Conversation::Side& mine = conversation_->sides[side_];
    mine.end = nullptr;
    if (mine.life == nullptr || !mine.life->alive() || mine.broken) return;
    if (!incoming().arrived.empty()) {
      conversation_->SendReset(side_);  // as a kernel does when somebody closes without reading
    } else if (!shut_) {
      conversation_->Send(side_, "", /*is_end=*/true);
    }
  }

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override {
    KJ_REQUIRE(reading_.get() == nullptr || !reading_->isWaiting(), "one read at a time");
    buffer_ = static_cast<char*>(buffer);
    min_bytes_ = min_bytes;
    max_bytes_ = max_bytes;
    auto paf = kj::newPromiseAndFulfiller<size_t>();
    reading_ = kj::mv(paf.fulfiller);
    Advance();
    return kj::mv(paf.promise);
  }

  kj::Promise<void> write(const void* buffer, size_t size) override {
    return WriteString(std::string(static_cast<const char*>(buffer), size));
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    std::string bytes;
    for (const auto& piece : pieces) {
      bytes.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
    return WriteString(std::move(bytes));
  }

  kj::Promise<void> whenWriteDisconnected() override {
    if (broken()) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    watchers_.push_back(kj::mv(paf.fulfiller));
    return kj::mv(paf.promise);
  }

  void shutdownWrite() override {
    if (shut_ || broken() || !MayAct()) return;
    shut_ = true;
    conversation_->Send(side_, "", /*is_end=*/true);
  }

  void getpeername(sockaddr* address, uint* length) override {
    const std::vector<std::string>& hosts = conversation_->network.hosts();
    const std::string& peer = conversation_->sides[1 - side_].host;
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    const auto number = std::find(hosts.begin(), hosts.end(), peer) - hosts.begin();
    in.sin_addr.s_addr = htonl(0x0a000001u + static_cast<uint32_t>(number));
    memcpy(address, &in, std::min<size_t>(*length, sizeof(in)));
    *length = sizeof(in);
  }

  // Does what has become possible: hands out bytes, wakes writers, tells that it is broken. A
  // process that is stopped notices when it goes on.
  void Advance() {
    Life* life = conversation_->sides[side_].life;
    if (life == nullptr || !life->alive() || life->stopped()) return;
    if (broken()) {
      for (auto& watcher : watchers_) watcher->fulfill();
      watchers_.clear();
    }
    AdvanceWriter();
    AdvanceReader();
  }

 private:
  Direction& incoming() { return conversation_->directions[1 - side_]; }
  Direction& outgoing() { return conversation_->directions[side_]; }
  bool broken() const { return conversation_->sides[side_].broken; }
  bool MayAct() {
    Life* life = conversation_->sides[side_].life;
    return life != nullptr && life->Step();
  }

  kj::Promise<void> WriteString(std::string bytes) {
    if (broken()) return Disconnected("write(): Connection reset by peer");
    if (!MayAct()) return kj::NEVER_DONE;
    conversation_->Send(side_, std::move(bytes), /*is_end=*/false);
    if (HasRoom()) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    writing_ = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }

  bool HasRoom() {
    return outgoing().under_way_bytes + outgoing().arrived.size() <=
           conversation_->network.options_.window;
  }

  void AdvanceWriter() {
    if (writing_.get() == nullptr || !writing_->isWaiting()) return;
    if (broken()) {
      writing_->reject(Disconnected("write(): Connection reset by peer"));
    } else if (HasRoom()) {
      writing_->fulfill();
    }
  }

  void AdvanceReader() {
    if (reading_.get() == nullptr || !reading_->isWaiting()) return;
    Direction& in = incoming();
    if (in.arrived.size() >= min_bytes_ || (in.ended && !broken())) {
      const size_t count = std::min(in.arrived.size(), max_bytes_);
      memcpy(buffer_, in.arrived.data(), count);
      in.arrived.erase(0, count);
      reading_->fulfill(size_t{count});
      conversation_->Poke(1 - side_);  // there may be room for its next write
    } else if (broken()) {
      reading_->reject(Disconnected("read(): Connection reset by peer"));
    }
  }

  const std::shared_ptr<Conversation> conversation_;
  const int side_;
  bool shut_ = false;
  char* buffer_ = nullptr;
  size_t min_bytes_ = 0;
  size_t max_bytes_ = 0;
  kj::Own<kj::PromiseFulfiller<size_t>> reading_;
  kj::Own<kj::PromiseFulfiller<void>> writing_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> watchers_;
};

// --- Conversation ---

void Conversation::Send(int from, std::string bytes, bool is_end) {
  Direction& direction = directions[from];
  const std::string& sender = sides[from].host;
  const std::string& receiver = sides[1 - from].host;
  World& world = network.world_;
  world.trace().Mix(bytes);
  kj::TimePoint due = world.now() + network.Latency(sender, receiver);
  due = std::max(due, direction.last_due);  // in order
  direction.last_due = due;
  direction.under_way_bytes += bytes.size();
  const uint64_t number = ++direction.numbers;
  direction.under_way.push_back({number, due, std::move(bytes), is_end});
  world.At(due, [self = shared_from_this(), to = 1 - from]() { self->Arrive(to); });
  // What is not acknowledged for long breaks the sender's end; asked only where it can happen.
  if (network.IsCut(sender, receiver) || !network.HasPower(receiver)) {
    world.After(network.options_.patience,
                [self = shared_from_this(), from, number]() { self->CheckProgress(from, number); });
  }
}

void Conversation::Arrive(int to) {
  const int from = 1 - to;
  Direction& direction = directions[from];
  if (!network.HasPower(sides[to].host) || network.IsCut(sides[from].host, sides[to].host)) {
    if (direction.under_way.empty()) return;
    network.world_.After(network.options_.patience,
                         [self = shared_from_this(), from,
                          number = direction.under_way.front().number]() {
                           self->CheckProgress(from, number);
                         });
    return;
  }
  while (!direction.under_way.empty() && direction.under_way.front().due <= network.world_.now()) {
    Direction::Piece piece = std::move(direction.under_way.front());
    direction.under_way.pop_front();
    direction.under_way_bytes -= piece.bytes.size();
    if (sides[to].broken) continue;
    if (sides[to].life == nullptr || (sides[to].end == nullptr && !piece.is_end)) {
      SendReset(to);  // nobody is there
      continue;
    }
    direction.arrived += piece.bytes;
    direction.ended = direction.ended || piece.is_end;
  }
  Poke(to);
  Poke(from);
}

void Conversation::CheckProgress(int from, uint64_t number) {
  const Direction& direction = directions[from];
  if (!direction.under_way.empty() && direction.under_way.front().number <= number) Break(from);
}

void Conversation::Break(int side) {
  if (sides[side].broken) return;
  sides[side].broken = true;
  ++network.resets_;
  Poke(side);
}

void Conversation::SendReset(int from) {
  const int to = 1 - from;
  network.world_.After(network.Latency(sides[from].host, sides[to].host),
                       [self = shared_from_this(), from, to]() {
                         if (self->network.IsCut(self->sides[from].host, self->sides[to].host)) {
                           return;  // lost; whatever the peer sends later is answered again
                         }
                         self->Break(to);
                       });
}

void Conversation::Poke(int side) {
  if (sides[side].end != nullptr) sides[side].end->Advance();
}

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
    network_.world().After(network_.Latency(own_host_, host_),
                           [conversation, dialling, port = port_]() {
                             KnockAt(conversation, dialling, port);
                           });
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
    if (listener != nullptr) listener->Add(conversation);
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
  const uint port =
      colon == std::string::npos ? port_hint : static_cast<uint>(std::stoul(text.substr(colon + 1)));
  const std::vector<std::string>& hosts = network_.hosts();
  if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
    return Disconnected("getaddrinfo(): Name or service not known");
  }
  return kj::Own<kj::NetworkAddress>(
      kj::heap<RemoteAddress>(network_, life_, host_, host, port));
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
  world_.Note("network", absl::StrCat("clog ", from, " -> ", to, " by ", extra / kj::MILLISECONDS,
                                      " ms"));
  clogs_[{from, to}] = {extra, until};
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
  if (cuts_.empty() && clogs_.empty()) return;
  world_.Note("network", "healed");
  cuts_.clear();
  clogs_.clear();
  for (const auto& conversation : Conversations()) {
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
