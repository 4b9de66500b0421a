// A buddy in the ring: performs over connections what ring_state.h decides.
//
//   Buddy buddy(timer, network, options, voice);
//   ... serve buddy.NewServer() to whoever comes ...
//   if (starts) buddy.Start(99);
//   buddy.Run()
//
// The connection to the next buddy is made when it is first needed. A call to sing is answered
// before the next buddy is called: no call ever waits for another, however long the song.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_BOTTLES_BUDDY_H_
#define MILLRACE_APPS_BOTTLES_BUDDY_H_

#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "apps/bottles/bottles.capnp.h"
#include "apps/bottles/ring_state.h"
#include "rpc/backoff.h"
#include "rpc/call_scope.h"
#include "rpc/connection.h"

namespace millrace {

class BuddyLink;

// How a buddy is heard. Neither may throw.
struct Voice {
  std::function<void(uint32_t verse)> sing;  // returns when it is sung
  std::function<void(const std::string& news)> report;
};

class Buddy {
 public:
  struct Options {
    RingState::Options ring;
    ConnectionOptions connection;
    // Between a verse and the next one.
    kj::Duration beat = 0 * kj::SECONDS;
    // How long a buddy that has something to hand on looks for the next one.
    kj::Duration patience = 30 * kj::SECONDS;
  };

  // Its age counts from here on: made when it listens, after any earlier life at its address.
  Buddy(kj::Timer& timer, kj::Network& network, const Options& options, Voice voice);
  ~Buddy() noexcept(false);
  KJ_DISALLOW_COPY(Buddy);

  // What others can reach.
  capnp::Capability::Client NewServer();

  // Sings the first verse. Once, before Run.
  void Start(uint32_t bottles);

  // Resolves when the song is over and this buddy need not stay. Rejects with DISCONNECTED when the
  // song cannot go on, with UNIMPLEMENTED when the next buddy is of another version. Must not
  // outlive the buddy.
  kj::Promise<void> Run();

 private:
  class Server;

  kj::Promise<void> Perform(const Rest&);
  kj::Promise<void> Perform(const Meet& meet);
  kj::Promise<void> Perform(const Hand& hand);
  kj::Promise<void> Perform(const Watch&);
  kj::Promise<void> Perform(const TellEnd&);
  kj::Promise<void> Perform(const AwaitEnd&);
  kj::Promise<void> Perform(const Leave& leave);

  kj::Promise<Card> AskForCard();
  kj::Promise<void> TryAgainLater(const std::string& buddy, const kj::Exception& failure);
  void Sing(uint32_t verse);
  void Changed();
  absl::Time Now() const;

  kj::Timer& timer_;
  kj::Network& network_;
  const Options options_;
  const Voice voice_;
  RingState state_;
  Backoff backoff_;
  std::string sought_;  // the buddy that we try to meet; empty: none
  kj::TimePoint sought_since_;
  kj::TimePoint next_verse_at_;
  std::unique_ptr<BuddyLink> link_;              // to the next buddy; may be lost
  kj::Own<kj::PromiseFulfiller<void>> changed_;  // a call has changed what is to be done
  CallScope calls_;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_BOTTLES_BUDDY_H_
