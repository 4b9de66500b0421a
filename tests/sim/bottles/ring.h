// A ring of buddies on simulated clocks and a simulated network, and the judge of their song.
//
//   SimRing ring({.buddies = 3, .seed = 1});
//   ring.StartAll(/*bottles=*/99);            // the last one begins
//   ring.RunUntil([&]() { return ring.song().size() > 50; });
//   ring.Kill(1);
//   ring.RunToEnd();
//   EXPECT_EQ(ring.WhatIsWrong(), "");
#ifndef MILLRACE_TESTS_SIM_BOTTLES_RING_H_
#define MILLRACE_TESTS_SIM_BOTTLES_RING_H_

#include <kj/async.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/bottles/buddy.h"
#include "rpc/service_host.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace millrace::sim {

// What the world hears.
struct SungVerse {
  uint32_t verse;
  size_t buddy;
};

// One life of one buddy's process.
class SimBuddy final : private kj::TaskSet::ErrorHandler {
 public:
  struct Hearing {
    std::function<void(uint32_t verse)> sing;
    std::function<void(const std::string& news)> report;
  };

  SimBuddy(Network& network, const std::string& host, Buddy::Options options,
           std::optional<uint32_t> bottles, const Hearing& hearing);
  ~SimBuddy() noexcept(false);

  Life& life() { return life_; }
  bool has_left() const { return has_left_; }
  const std::string& problem() const { return problem_; }
  // Connections that were let in; repeated ones count.
  uint64_t guests() const { return guests_; }
  capnp_bottles::Buddy::Client server() {
    return buddy_->NewServer().castAs<capnp_bottles::Buddy>();
  }

 private:
  void Listen(const std::string& address);
  kj::Promise<void> TakePart();
  void taskFailed(kj::Exception&& exception) override;

  Life life_;
  Random random_;
  Interface interface_;
  Buddy::Options options_;
  const std::optional<uint32_t> bottles_;
  const Hearing hearing_;
  bool has_left_ = false;
  std::string problem_;
  uint64_t guests_ = 0;
  std::unique_ptr<Buddy> buddy_;
  std::unique_ptr<ServiceHost> service_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

class SimRing {
 public:
  struct Options {
    size_t buddies = 3;
    uint64_t seed = 1;
    bool skip_dead = false;
    kj::Duration beat = 10 * kj::MILLISECONDS;
    kj::Duration patience = 60 * kj::SECONDS;
  };

  explicit SimRing(const Options& options);
  KJ_DISALLOW_COPY(SimRing);

  static std::string Host(size_t buddy) { return "buddy-" + std::to_string(buddy); }

  // With a number of bottles it begins the song. Again: a new life.
  void Start(size_t buddy, std::optional<uint32_t> bottles = std::nullopt);
  void StartAll(uint32_t bottles);
  // As `kill -9`.
  void Kill(size_t buddy);
  // The same at the `steps`-th thing that the world sees it do from now on.
  void KillAfter(size_t buddy, uint64_t steps);

  bool RunUntil(const std::function<bool()>& done);
  // Until all living buddies have left; false: they do not.
  bool RunToEnd();

  // "" when the song was right: every verse once, in order, each by the next living buddy, all
  // living buddies gone in peace. A verse may be missing when it was reported to be with a dead
  // one.
  std::string WhatIsWrong();

  World& world() { return world_; }
  Network& network() { return network_; }
  SimBuddy& buddy(size_t i) { return *buddies_[i].back(); }
  const std::vector<SungVerse>& song() const { return song_; }
  const std::vector<std::string>& news() const { return news_; }
  size_t dead();

 private:
  std::string WhatIsWrongWithTheOrder() const;
  bool IsLost(uint32_t verse) const;
  bool WasKilled(size_t buddy) const;

  const Options options_;
  World world_;
  Network network_;
  std::vector<SungVerse> song_;
  std::vector<std::string> news_;
  std::optional<uint32_t> bottles_;
  std::vector<std::vector<std::unique_ptr<SimBuddy>>> buddies_;  // the lives of each; gone first
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_BOTTLES_RING_H_
