// One connection of the simulated network, seen from outside and from its two ends.
//
// Bytes are copied when they are written, are under way for as long as the link takes, and wait at
// the other end until they are read. A process that is stopped or dead neither reads nor writes.
#ifndef MILLRACE_TESTS_SIM_CONVERSATION_H_
#define MILLRACE_TESTS_SIM_CONVERSATION_H_

#include <kj/async-io.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/network.h"

namespace millrace::sim {

class StreamEnd;

kj::Exception Disconnected(const char* why);

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
  // A connection on which the acceptor hears again what the dialler says on this one.
  std::shared_ptr<Conversation> Duplicate();

  Network& network;
  Side sides[2];
  Direction directions[2];  // by the side that writes
  std::shared_ptr<Conversation> duplicate;
  bool is_duplicate = false;
};

class StreamEnd final : public kj::AsyncIoStream {
 public:
  StreamEnd(std::shared_ptr<Conversation> conversation, int side)
      : conversation_(std::move(conversation)), side_(side) {
    conversation_->sides[side_].end = this;
  }
  ~StreamEnd() noexcept(false);

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override;

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

  kj::Promise<void> whenWriteDisconnected() override;

  void shutdownWrite() override;

  void getpeername(sockaddr* address, uint* length) override;

  // Does what has become possible: hands out bytes, wakes writers, tells that it is broken. A
  // process that is stopped notices when it goes on.
  void Advance();

 private:
  Direction& incoming() { return conversation_->directions[1 - side_]; }
  Direction& outgoing() { return conversation_->directions[side_]; }
  bool broken() const { return conversation_->sides[side_].broken; }
  bool MayAct() {
    Life* life = conversation_->sides[side_].life;
    return life != nullptr && life->Step();
  }

  kj::Promise<void> WriteString(std::string bytes);

  bool HasRoom();

  void AdvanceWriter();

  void AdvanceReader();

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

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_CONVERSATION_H_
