#include "tests/sim/conversation.h"

#include <netinet/in.h>
#include <string.h>

#include <algorithm>

namespace millrace::sim {

kj::Exception Disconnected(const char* why) {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str(why));
}

// --- StreamEnd ---

StreamEnd::~StreamEnd() noexcept(false) {
  Conversation::Side& mine = conversation_->sides[side_];
  mine.end = nullptr;
  if (mine.life == nullptr || !mine.life->alive() || mine.broken) return;
  if (!incoming().arrived.empty()) {
    conversation_->SendReset(side_);  // as a kernel does when somebody closes without reading
  } else if (!shut_) {
    conversation_->Send(side_, "", /*is_end=*/true);
  }
}

kj::Promise<size_t> StreamEnd::tryRead(void* buffer, size_t min_bytes, size_t max_bytes) {
  KJ_REQUIRE(reading_.get() == nullptr || !reading_->isWaiting(), "one read at a time");
  buffer_ = static_cast<char*>(buffer);
  min_bytes_ = min_bytes;
  max_bytes_ = max_bytes;
  auto paf = kj::newPromiseAndFulfiller<size_t>();
  reading_ = kj::mv(paf.fulfiller);
  Advance();
  return kj::mv(paf.promise);
}

void StreamEnd::getpeername(sockaddr* address, uint* length) {
  const std::vector<std::string>& hosts = conversation_->network.hosts();
  const std::string& peer = conversation_->sides[1 - side_].host;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  const auto number = std::find(hosts.begin(), hosts.end(), peer) - hosts.begin();
  in.sin_addr.s_addr = htonl(0x0a000001u + static_cast<uint32_t>(number));
  memcpy(address, &in, std::min<size_t>(*length, sizeof(in)));
  *length = sizeof(in);
}

void StreamEnd::Advance() {
  Life* life = conversation_->sides[side_].life;
  if (life == nullptr || !life->alive() || life->stopped()) return;
  if (broken()) {
    for (auto& watcher : watchers_) watcher->fulfill();
    watchers_.clear();
  }
  AdvanceWriter();
  AdvanceReader();
}

kj::Promise<void> StreamEnd::WriteString(std::string bytes) {
  if (broken()) return Disconnected("write(): Connection reset by peer");
  if (!MayAct()) return kj::NEVER_DONE;
  conversation_->Send(side_, std::move(bytes), /*is_end=*/false);
  if (HasRoom()) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  writing_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

bool StreamEnd::HasRoom() {
  return outgoing().under_way_bytes + outgoing().arrived.size() <=
         conversation_->network.options_.window;
}

void StreamEnd::AdvanceWriter() {
  if (writing_.get() == nullptr || !writing_->isWaiting()) return;
  if (broken()) {
    writing_->reject(Disconnected("write(): Connection reset by peer"));
  } else if (HasRoom()) {
    writing_->fulfill();
  }
}

void StreamEnd::AdvanceReader() {
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

void StreamEnd::shutdownWrite() {
  if (shut_ || broken() || !MayAct()) return;
  shut_ = true;
  conversation_->Send(side_, "", /*is_end=*/true);
}

kj::Promise<void> StreamEnd::whenWriteDisconnected() {
  if (broken()) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  watchers_.push_back(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

// --- Conversation ---

void Conversation::Send(int from, std::string bytes, bool is_end) {
  Direction& direction = directions[from];
  const std::string& sender = sides[from].host;
  const std::string& receiver = sides[1 - from].host;
  if (from == 0 && duplicate != nullptr) duplicate->Send(from, bytes, is_end);
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
    network.world_.After(
        network.options_.patience,
        [self = shared_from_this(), from, number = direction.under_way.front().number]() {
          self->CheckProgress(from, number);
        });
    return;
  }
  while (!direction.under_way.empty() && direction.under_way.front().due <= network.world_.now()) {
    Direction::Piece piece = std::move(direction.under_way.front());
    direction.under_way.pop_front();
    direction.under_way_bytes -= piece.bytes.size();
    if (sides[to].broken || (is_duplicate && to == 0)) continue;
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

std::shared_ptr<Conversation> Conversation::Duplicate() {
  duplicate = std::make_shared<Conversation>(network);
  for (int side : {0, 1}) duplicate->sides[side].host = sides[side].host;
  duplicate->is_duplicate = true;
  network.conversations_.push_back(duplicate);
  return duplicate;
}

void Conversation::Poke(int side) {
  if (sides[side].end != nullptr) sides[side].end->Advance();
}

}  // namespace millrace::sim
