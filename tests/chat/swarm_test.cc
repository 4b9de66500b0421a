// Many chats, each with people, talk and faults of its own seed. The promise (CheckChat) holds at
// every moment, and once the faults are over everybody who is there sees everything and can leave.
//
//   CHAT_SEED=17 CHAT_SEEDS=1 CHAT_TRACE=1 swarm_test     replays one seed, and prints what happens
#include <glog/logging.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/chat/sim_chat.h"

namespace millrace::sim {
namespace {

uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// What happened over all seeds: a fault that never strikes proves nothing.
using Counts = std::map<std::string, uint64_t>;

class Swarm {
 public:
  Swarm(uint64_t seed, Counts* counts)
      : chat_(seed, Options(seed), Setting("CHAT_TRACE", 0) != 0),
        random_(seed ^ 0x5eed),
        counts_(*counts) {}

  // What went wrong, or "".
  std::string Run() {
    const uint64_t people = random_.Between(2, 5);
    for (uint64_t i = 0; i < people; ++i) Join();
    Talk();
    Strike();
    for (int i = 0; i < 7; ++i) {
      chat_.RunFor(10 * kj::SECONDS);
      if (std::string problem = CheckChat(chat_, /*calm=*/false); !problem.empty()) {
        return problem;
      }
    }
    EndFaults();
    chat_.RunFor(40 * kj::SECONDS);
    if (std::string problem = CheckChat(chat_, /*calm=*/true); !problem.empty()) {
      return problem;
    }
    return Part();
  }

  uint64_t trace_hash() { return chat_.world().trace().hash(); }

 private:
  static chat::RoomOptions Options(uint64_t seed) {
    chat::RoomOptions options;
    options.window = seed % 2 == 0 ? 64 : 1000;
    options.grace = absl::Seconds(15);
    return options;
  }

  void Join() { chat_.Add(absl::StrCat("person", ++joined_)); }

  std::string Anybody() {
    const std::vector<std::string> alive = chat_.Alive();
    return alive.empty() ? "" : random_.Pick(alive);
  }

  void After(uint64_t ms_min, uint64_t ms_max, std::function<void()> what) {
    const auto delay = static_cast<int64_t>(random_.Between(ms_min, ms_max)) * kj::MILLISECONDS;
    chat_.world().After(delay, std::move(what));
  }

  // Somebody says something, again and again, now and then much at once.
  void Talk() {
    After(1, 800, [this]() {
      if (calm_) return;
      const std::string name = Anybody();
      const uint64_t count = random_.Chance(0.05) ? 40 : 1;
      for (uint64_t i = 0; i < count && !name.empty(); ++i) {
        chat_.person(name).Type(absl::StrCat(++said_));
      }
      Talk();
    });
  }

  void Strike() {
    After(100, 8000, [this]() {
      if (calm_) return;
      const std::string name = Anybody();
      if (!name.empty()) StrikeAt(name);
      Strike();
    });
  }

  void StrikeAt(const std::string& name) {
    switch (random_.Below(9)) {
      case 0: return Reset(name);
      case 1: return Cut("lost requests", name, [&]() { chat_.LoseRequestsOf(name); });
      case 2: return Cut("lost replies", name, [&]() { chat_.LoseRepliesTo(name); });
      case 3: return Cut("partition", name, [&]() { chat_.CutOff(name); });
      case 4: return Duplicate(name);
      case 5: return Slow(name);
      case 6: return Kill(name);
      case 7: return Stop(name);
      default: return Freeze(name);
    }
  }

  void Reset(const std::string& name) {
    ++counts_["reset"];
    // In the middle of whatever goes on.
    chat_.world().AfterTurns(random_.Below(50), [this, name]() { chat_.ResetConnections(name); });
  }

  // What was on its way is lost for good when the connection is reset before the network heals.
  void Cut(const char* kind, const std::string& name, const std::function<void()>& cut) {
    ++counts_[kind];
    cut();
    const bool resets = random_.Chance(0.7);
    HealAfter(100, random_.Chance(0.3) ? 50'000 : 8'000, [this, name, resets]() {
      if (resets) chat_.ResetConnections(name);
    });
  }

  void Duplicate(const std::string& name) {
    ++counts_["duplicates"];
    chat_.network().Duplicate(name, kServer, chat_.world().now() + 10 * kj::SECONDS);
    chat_.ResetConnections(name);  // it is new connections that have copies
    HealAfter(1000, 20'000, []() {});
  }

  // All that is wrong with the network heals when the last trouble is over.
  void HealAfter(uint64_t ms_min, uint64_t ms_max, std::function<void()> before) {
    ++troubles_;
    After(ms_min, ms_max, [this, before = std::move(before)]() {
      before();
      if (--troubles_ == 0) chat_.network().Heal();
    });
  }

  void Slow(const std::string& name) {
    ++counts_["slow"];
    const kj::TimePoint until = chat_.world().now() + 5 * kj::SECONDS;
    const auto extra = static_cast<int64_t>(random_.Between(10, 2000)) * kj::MILLISECONDS;
    chat_.network().Clog(name, kServer, extra, until);
    chat_.network().Clog(kServer, name, extra, until);
  }

  void Kill(const std::string& name) {
    ++counts_["killed"];
    chat_.Kill(name);
    Join();
  }

  void Stop(const std::string& name) {
    ++counts_["stopped"];
    chat_.person(name).life().Stop();
    After(100, random_.Chance(0.5) ? 60'000 : 8'000, [this, name]() { Continue(name); });
  }
  void Continue(const std::string& name) {
    if (!chat_.transcript(name).killed) chat_.person(name).life().Continue();
  }

  void Freeze(const std::string& name) {
    ++counts_["frozen"];
    chat_.person(name).Freeze();
    After(100, random_.Chance(0.5) ? 60'000 : 8'000, [this, name]() { Thaw(name); });
  }
  void Thaw(const std::string& name) {
    if (!chat_.transcript(name).killed) chat_.person(name).Thaw();
  }

  void EndFaults() {
    calm_ = true;
    chat_.network().Heal();
    for (const std::string& name : chat_.Alive()) {
      Continue(name);
      Thaw(name);
    }
  }

  // Everybody leaves.
  std::string Part() {
    Join();  // who comes now finds a room that works
    const std::string last = absl::StrCat("person", joined_);
    chat_.person(last).Type("the end");
    for (const std::string& name : chat_.Alive()) chat_.person(name).Finish();
    const bool all_ended = chat_.RunUntil([this]() {
      for (const std::string& name : chat_.Alive()) {
        if (!chat_.transcript(name).over()) return false;
      }
      return true;
    });
    if (!all_ended) return "somebody cannot leave";
    chat_.RunFor(1 * kj::SECONDS);
    if (chat_.room().members() != 1) return "somebody is still in the room";
    Count();
    if (!chat_.transcript(last).end.has_value() || !chat_.transcript(last).end->reason.empty()) {
      return "the last one was not heard";
    }
    return CheckChat(chat_, /*calm=*/true);
  }

  void Count() {
    counts_["messages"] += said_;
    for (const auto& [name, transcript] : chat_.transcripts()) {
      counts_["came back"] += transcript.CountNotes("connected again");
      if (!transcript.end.has_value()) continue;
      const std::string& reason = transcript.end->reason;
      if (reason.empty()) ++counts_["left"];
      if (absl::StrContains(reason, "connection lost")) ++counts_["too late"];
      if (absl::StrContains(reason, "did not read")) ++counts_["dropped"];
      counts_["unheard"] += transcript.end->unheard.size();
    }
  }

  ChatWorld chat_;
  Random random_;
  Counts& counts_;
  bool calm_ = false;
  int troubles_ = 0;
  uint64_t joined_ = 0;
  uint64_t said_ = 0;
};

class ChatSwarmTest : public testing::Test {
 protected:
  void SetUp() override { FLAGS_minloglevel = google::GLOG_ERROR; }
};

TEST_F(ChatSwarmTest, ThePromiseHoldsWhateverGoesWrong) {
  Counts counts;
  const uint64_t first = Setting("CHAT_SEED", 1);
  const uint64_t seeds = Setting("CHAT_SEEDS", 24);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    ASSERT_EQ(Swarm(seed, &counts).Run(), "") << "replay with CHAT_SEED=" << seed;
  }
  for (const auto& [what, count] : counts) RecordProperty(what, std::to_string(count));
  if (seeds < 24) return;
  for (const char* what :
       {"reset", "lost requests", "lost replies", "partition", "duplicates", "slow", "killed",
        "stopped", "frozen", "came back", "left", "too late", "dropped", "unheard"}) {
    EXPECT_GE(counts[what], 3u) << what << " happened too rarely to prove anything";
  }
}

TEST_F(ChatSwarmTest, ASeedRepeatsItself) {
  const auto hash = []() {
    Counts counts;
    Swarm swarm(7, &counts);
    EXPECT_EQ(swarm.Run(), "");
    return swarm.trace_hash();
  };
  EXPECT_EQ(hash(), hash());
}

}  // namespace
}  // namespace millrace::sim
