// Lists of words, reversed by servers on simulated time and a simulated network on which everything
// goes wrong.
//
// What is promised: lines come in the order of the words, each once and right; when the run says
// that it is done, they are all there; and when it cannot go on, it says which server failed, and
// why.
#include "apps/secret_strings/word_list_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "apps/secret_strings/premium_tokens.h"
#include "apps/secret_strings/reversal.h"
#include "apps/secret_strings/secret_strings_service.h"
#include "tests/sim/station.h"

namespace millrace {
namespace {

using sim::Station;

constexpr kj::Duration kSlow = 100 * kj::MILLISECONDS;
// More than any run here takes: 60 words at one server and, for a fault, patience and time-outs.
constexpr kj::Duration kLongest = 60 * kj::SECONDS;

std::vector<std::string> Words(size_t count) {
  std::vector<std::string> words;
  for (size_t i = 0; i < count; ++i) words.push_back(absl::StrCat("wört-", i));
  return words;
}

// One server's process.
struct Server {
  Server(sim::World& world, sim::Network& network, const std::string& host,
         const SecretStringsOptions& options)
      : station(world, network, host), service(station.timer(), options) {
    station.Serve(7200, [this](const PeerInfo&) { return service.Welcome(); });
  }
  ~Server() noexcept(false) { station.Kill(); }

  Station station;
  SecretStringsService service;
};

// A client's process with one list, and the checker of what comes out.
class Client {
 public:
  Client(sim::World& world, sim::Network& network, const std::string& host)
      : station(world, network, host), world_(world) {}
  ~Client() noexcept(false) { Kill(); }

  void Start(std::vector<std::string> words, const WordListOptions& options) {
    words_ = std::move(words);
    began_ = world_.now();
    run_ = ReverseWords(station.timer(),
                        [this](const std::string& address) { return station.Dial(address); },
                        words_, options,
                        {[this](const Reversal& line) { return CheckLine(line); },
                         [this](const std::string& what) { trouble += what + "\n"; }})
               .then([this](WordListResult ended) {
                 took = world_.now() - began_;
                 result_ = std::move(ended);
               })
               .eagerlyEvaluate([](kj::Exception&& e) { ADD_FAILURE() << kj::str(e).cStr(); });
  }
  void Kill() {
    station.Kill();
    run_ = nullptr;
  }

  bool ended() const { return result_.has_value(); }
  absl::Status status() const {
    return ended() ? result_->status : absl::UnknownError("it has not ended");
  }
  size_t answered_by(size_t server) const { return ended() ? result_->answered_by[server] : 0; }

  void ExpectPromiseKept() const {
    ASSERT_TRUE(ended());
    EXPECT_EQ(result_->lines, lines);
    if (status().ok()) {
      EXPECT_EQ(lines, words_.size());
    } else {
      EXPECT_TRUE(absl::StrContains(status().message(), ":7200")) << status();
    }
  }

  Station station;
  size_t lines = 0;
  size_t lines_wanted = SIZE_MAX;
  std::string trouble;
  kj::Duration took = 0 * kj::SECONDS;

 private:
  bool CheckLine(const Reversal& line) {
    EXPECT_LT(lines, words_.size());
    EXPECT_EQ(line.text, Reverse(words_.at(lines)).text) << "in line " << lines;
    ++lines;
    return lines < lines_wanted;
  }

  sim::World& world_;
  std::vector<std::string> words_;
  std::optional<WordListResult> result_;
  kj::TimePoint began_ = kj::origin<kj::TimePoint>();
  kj::Promise<void> run_ = nullptr;
};

class WordListRunTest : public ::testing::Test {
 protected:
  explicit WordListRunTest(uint64_t seed = 1)
      : world_(seed, /*print_trace=*/false), network_(world_, {}) {
    service_.slow = kSlow;
  }
  ~WordListRunTest() noexcept override {}

  // Starts it, instead of the one that is there.
  Server& StartServer(const std::string& host) {
    servers_.erase(host);
    auto server = std::make_unique<Server>(world_, network_, host, service_);
    return *(servers_[host] = std::move(server));
  }
  Server& At(const std::string& host) { return *servers_.at(host); }
  void StartServers(const std::vector<std::string>& hosts) {
    for (const std::string& host : hosts) StartServer(host);
  }

  static WordListOptions Options(const std::vector<std::string>& hosts) {
    WordListOptions options;
    for (const std::string& host : hosts) options.servers.push_back(host + ":7200");
    return options;
  }

  // Returns when so many lines are there.
  void RunToLine(Client& client, size_t lines) {
    ASSERT_TRUE(world_.RunUntil([&]() { return client.lines >= lines; }, kLongest));
  }
  void Finish(Client& client) {
    ASSERT_TRUE(world_.RunUntil([&]() { return client.ended(); }, kLongest));
    client.ExpectPromiseKept();
  }
  void FinishAll(Client& client) {
    Finish(client);
    EXPECT_TRUE(client.status().ok()) << client.status();
  }
  int64_t MillisecondsFor(size_t words, const std::vector<std::string>& hosts) {
    Client client(world_, network_, "client");
    client.Start(Words(words), Options(hosts));
    FinishAll(client);
    return client.took / kj::MILLISECONDS;
  }

  sim::World world_;
  sim::Network network_;
  SecretStringsOptions service_;
  std::map<std::string, std::unique_ptr<Server>> servers_;
};

// --- How long it takes ---

TEST_F(WordListRunTest, AReversalTakes100MillisecondsIfNothingElseIsSaid) {
  service_ = SecretStringsOptions();
  StartServers({"red"});
  const int64_t took = MillisecondsFor(1, {"red"});
  EXPECT_GE(took, 100);
  EXPECT_LE(took, 110);
}

TEST_F(WordListRunTest, OneServerReversesOneStringAtATime) {
  StartServers({"red"});
  const int64_t took = MillisecondsFor(60, {"red"});
  EXPECT_GE(took, 6000);
  EXPECT_LE(took, 6100);
}

TEST_F(WordListRunTest, ThreeServersTakeAtMost45PercentOfTheTimeOfOne) {
  StartServers({"red", "blue", "green"});
  const int64_t one = MillisecondsFor(60, {"red"});
  const int64_t three = MillisecondsFor(60, {"red", "blue", "green"});
  EXPECT_LE(100 * three, 45 * one) << three << " ms, " << one << " ms";
}

TEST_F(WordListRunTest, AServerReversesOneStringAtATimeWhoeverAsks) {
  StartServers({"red"});
  Client one(world_, network_, "one"), two(world_, network_, "two");
  one.Start(Words(10), Options({"red"}));
  two.Start(Words(10), Options({"red"}));
  FinishAll(one);
  FinishAll(two);
  EXPECT_GE(std::max(one.took, two.took) / kj::MILLISECONDS, 2000);
}

TEST_F(WordListRunTest, WordsAreSpreadEvenly) {
  StartServers({"red", "blue", "green"});
  Client client(world_, network_, "client");
  client.Start(Words(60), Options({"red", "blue", "green"}));
  FinishAll(client);
  for (size_t server : {0, 1, 2}) EXPECT_NEAR(client.answered_by(server), 20, 2);
}

TEST_F(WordListRunTest, ASlowerServerGetsFewerWords) {
  StartServers({"red"});
  service_.slow = 5 * kSlow;
  StartServers({"blue"});
  Client client(world_, network_, "client");
  client.Start(Words(60), Options({"red", "blue"}));
  FinishAll(client);
  EXPECT_NEAR(client.answered_by(1), 10, 2);
}

// --- Premium ---

class PremiumTest : public WordListRunTest {
 protected:
  PremiumTest() {
    service_.premium = PremiumTokens::Parse("gold\nsilver\n").value();
    StartServers({"red"});
  }

  WordListOptions Fast(const std::string& token) {
    WordListOptions options = Options({"red"});
    options.tier = {/*fast=*/true, token};
    return options;
  }
};

TEST_F(PremiumTest, APremiumUserWaitsForNothing) {
  Client client(world_, network_, "client");
  client.Start(Words(60), Fast("silver"));
  FinishAll(client);
  EXPECT_LT(client.took / kj::MILLISECONDS, 100);
}

TEST_F(PremiumTest, OthersAreRefusedAndTheirTokenIsNotRepeated) {
  for (const std::string token : {"", "bronze", "gold ", "goldsilver"}) {
    Client client(world_, network_, "client");
    client.Start(Words(60), Fast(token));
    Finish(client);
    EXPECT_EQ(client.status(), absl::PermissionDeniedError("red:7200: premium tier required"));
    EXPECT_EQ(client.lines, 0u);
  }
}

TEST_F(PremiumTest, WithoutFastEvenAPremiumUserWaits) {
  Client client(world_, network_, "client");
  WordListOptions options = Fast("gold");
  options.tier.fast = false;
  client.Start(Words(10), options);
  FinishAll(client);
  EXPECT_GE(client.took / kj::MILLISECONDS, 1000);
}

TEST_F(PremiumTest, TheSlowDoNotDelayTheFast) {
  Client slow(world_, network_, "slow"), fast(world_, network_, "fast");
  slow.Start(Words(60), Options({"red"}));
  RunToLine(slow, 5);
  fast.Start(Words(60), Fast("gold"));
  FinishAll(fast);
  EXPECT_LT(fast.took / kj::MILLISECONDS, 100);
  FinishAll(slow);
}

// --- Strings ---

TEST_F(WordListRunTest, BytesThatAreNoUtf8AreKeptAndSaidSo) {
  StartServers({"red"});
  std::vector<Reversal> lines;
  std::optional<WordListResult> result;
  Station client(world_, network_, "client");
  auto run =
      ReverseWords(client.timer(), [&](const std::string& address) { return client.Dial(address); },
                   {"héllo", "", "\xFFx"}, Options({"red"}),
                   {[&](const Reversal& line) {
                      lines.push_back(line);
                      return true;
                    },
                    nullptr})
          .then([&](WordListResult ended) { result = std::move(ended); })
          .eagerlyEvaluate(nullptr);
  ASSERT_TRUE(world_.RunUntil([&]() { return result.has_value(); }, kLongest));
  EXPECT_EQ(lines, (std::vector<Reversal>{{"olléh", true}, {"", true}, {"x\xFF", false}}));
}

TEST_F(WordListRunTest, AStringThatIsTooLongIsRefusedAndSaysSo) {
  StartServers({"red"});
  Client client(world_, network_, "client");
  client.Start({std::string(kMaxStringBytes, 'a'), std::string(kMaxStringBytes + 1, 'a')},
               Options({"red"}));
  Finish(client);
  EXPECT_TRUE(absl::StrContains(client.status().message(),
                                "red:7200: the string has 1048577 bytes, at most 1048576"))
      << client.status();
}

TEST_F(WordListRunTest, AnEmptyListIsDone) {
  StartServers({"red"});
  EXPECT_EQ(MillisecondsFor(0, {"red"}), 0);
}

// --- Servers that cannot be reached ---

TEST_F(WordListRunTest, AServerThatIsNotThereIsNamedAndTheOthersGoOn) {
  StartServers({"red", "green"});
  Station blue(world_, network_, "blue");  // a host where nobody listens
  Client client(world_, network_, "client");
  client.Start(Words(20), Options({"red", "blue", "green"}));
  FinishAll(client);
  EXPECT_TRUE(absl::StrContains(client.trouble, "cannot connect to blue:7200")) << client.trouble;
  EXPECT_TRUE(absl::StrContains(client.trouble, "going on without it")) << client.trouble;
  EXPECT_EQ(client.answered_by(1), 0u);
}

TEST_F(WordListRunTest, WhereNoServerIsTheRunEndsAtOnceAndNamesIt) {
  Station red(world_, network_, "red");
  Client client(world_, network_, "client");
  client.Start(Words(20), Options({"red"}));
  Finish(client);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StartsWith(client.status().message(), "cannot connect to red:7200: "))
      << client.status();
  EXPECT_LT(client.took / kj::MILLISECONDS, 10);
}

TEST_F(WordListRunTest, WhereNoneOfSeveralIsEachIsNamed) {
  Station red(world_, network_, "red"), blue(world_, network_, "blue");
  Client client(world_, network_, "client");
  client.Start(Words(20), Options({"red", "blue"}));
  Finish(client);
  const std::string said = absl::StrCat(client.trouble, client.status().message());
  EXPECT_TRUE(absl::StrContains(said, "cannot connect to red:7200: ")) << said;
  EXPECT_TRUE(absl::StrContains(said, "cannot connect to blue:7200: ")) << said;
  EXPECT_TRUE(absl::StartsWith(client.status().message(), "no server is left: ")) << said;
}

TEST_F(WordListRunTest, AServerOfAnotherKindIsNamed) {
  Station red(world_, network_, "red");
  red.Serve(7200, [](const PeerInfo&) { return capnp::Capability::Client(nullptr); });
  Client client(world_, network_, "client");
  client.Start(Words(20), Options({"red"}));
  Finish(client);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(
      absl::StartsWith(client.status().message(), "red:7200 is no server of secret strings: "))
      << client.status();
}

// --- Servers that are lost ---

class LostServerTest : public WordListRunTest {
 protected:
  LostServerTest() : client_(world_, network_, "client") {
    StartServers({"red", "blue", "green"});
    client_.Start(Words(60), Options({"red", "blue", "green"}));
    RunToLine(client_, 30);
    // The stage is set: half of the lines are there, and blue has work.
    EXPECT_GT(At("blue").service.waiting(), 0u);
    EXPECT_EQ(client_.trouble, "");
  }
  ~LostServerTest() noexcept override {}

  void ExpectThatBlueWasLost() {
    EXPECT_TRUE(absl::StartsWith(client_.trouble, "lost blue:7200 (")) << client_.trouble;
    EXPECT_TRUE(absl::StrContains(client_.trouble, "2 words of it must be reversed again"))
        << client_.trouble;
  }

  Client client_;
};

TEST_F(LostServerTest, KillingOneHalfWayLosesAndRepeatsNoLine) {
  At("blue").station.Kill();
  FinishAll(client_);
  ExpectThatBlueWasLost();
  EXPECT_LT(client_.took / kj::MILLISECONDS, 3000);  // the others need not wait for anything
}

TEST_F(LostServerTest, AConnectionThatIsResetIsMadeAgain) {
  network_.ResetConnections("client", "blue");
  ASSERT_GT(network_.resets(), 0u);
  FinishAll(client_);
  ExpectThatBlueWasLost();
  EXPECT_GT(client_.answered_by(1), 12u);  // it has helped afterwards
}

TEST_F(LostServerTest, AnswersThatAreLostAreAskedForElsewhere) {
  network_.Cut("blue", "client");
  FinishAll(client_);
  ExpectThatBlueWasLost();
}

TEST_F(LostServerTest, QuestionsThatAreLostAreAskedElsewhere) {
  network_.Cut("client", "blue");
  FinishAll(client_);
  ExpectThatBlueWasLost();
}

TEST_F(LostServerTest, AServerThatIsStoppedIsNoticedInSeconds) {
  At("blue").station.life().Stop();
  FinishAll(client_);
  ExpectThatBlueWasLost();
  EXPECT_LT(client_.took / kj::MILLISECONDS, 8000);
}

TEST_F(LostServerTest, AServerThatComesBackHelpsAgain) {
  StartServer("blue");
  FinishAll(client_);
  ExpectThatBlueWasLost();
  EXPECT_GT(At("blue").service.calls(), 0u);
}

TEST_F(LostServerTest, WhenTheOnlyOneThatIsLeftComesBackTheRunGoesOn) {
  for (const char* host : {"red", "blue", "green"}) At(host).station.Kill();
  world_.RunFor(5 * kj::SECONDS);
  EXPECT_FALSE(client_.ended());
  StartServer("green");
  FinishAll(client_);
}

TEST_F(LostServerTest, WhenNoneComesBackTheRunEndsAndNamesOne) {
  for (const char* host : {"red", "blue", "green"}) At(host).station.Kill();
  Finish(client_);
  EXPECT_EQ(client_.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(client_.status().message(), "no server is left: "));
  EXPECT_GE(client_.lines, 30u);
  EXPECT_LT(client_.lines, 60u);
}

TEST_F(LostServerTest, AClientThatIsKilledLeavesNoWorkBehind) {
  client_.Kill();
  world_.RunFor(kSlow / 10);  // what is not dropped would still be there
  for (const char* host : {"red", "blue", "green"}) EXPECT_EQ(At(host).service.waiting(), 0u);
}

// As when the lines go to a pipe and its reader has ended.
TEST_F(WordListRunTest, WhenNobodyTakesMoreLinesTheRunEndsAndLeavesNoWorkBehind) {
  StartServers({"red"});
  Client client(world_, network_, "client");
  client.lines_wanted = 5;
  client.Start(Words(60), Options({"red"}));
  ASSERT_TRUE(world_.RunUntil([&]() { return client.ended(); }, kLongest));
  EXPECT_EQ(client.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(client.lines, 5u);
  world_.RunFor(kSlow / 10);
  EXPECT_EQ(At("red").service.waiting(), 0u);
}

TEST_F(WordListRunTest, AServerThatIsTooBusyIsAskedAgainLater) {
  service_.waiting_max = 3;
  StartServers({"red"});
  Client one(world_, network_, "one"), two(world_, network_, "two");
  one.Start(Words(20), Options({"red"}));
  two.Start(Words(20), Options({"red"}));
  FinishAll(one);
  FinishAll(two);
  EXPECT_TRUE(absl::StrContains(one.trouble + two.trouble, "3 strings wait already"))
      << "the fault hit nothing";
}

// --- By chance ---

class WordListSwarm : public WordListRunTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  WordListSwarm() : WordListRunTest(GetParam()) {}

  void Strike() {
    static const std::vector<std::string> kHosts = {"red", "blue", "green"};
    const std::string& host = world_.random().Pick(kHosts);
    switch (world_.random().Below(6)) {
      case 0: network_.Cut("client", host); break;
      case 1: network_.Cut(host, "client"); break;
      case 2: network_.Part(host, "client"); break;
      case 3: network_.ResetConnections("client", host); break;
      case 4: At(host).station.Kill(); break;
      case 5: StartServer(host); break;  // kills the one before
    }
  }
};

TEST_P(WordListSwarm, NoLineIsLostOrRepeated) {
  StartServers({"red", "blue", "green"});
  Client client(world_, network_, "client");
  client.Start(Words(150), Options({"red", "blue", "green"}));
  RunToLine(client, 10);
  network_.ResetConnections("client", "blue");  // one that is sure to hit
  for (int strikes = 0; strikes < 8 && !client.ended(); ++strikes) {
    world_.RunFor(world_.random().Below(1000) * kj::MILLISECONDS);
    Strike();
    world_.RunFor(world_.random().Below(2000) * kj::MILLISECONDS);
    network_.Heal();
  }
  EXPECT_NE(client.trouble, "") << "the faults hit nothing";
  // Whoever was given up stays so; whoever was not is there from now on.
  for (const char* host : {"red", "blue", "green"}) StartServer(host);
  Finish(client);
}

INSTANTIATE_TEST_SUITE_P(Seeds, WordListSwarm, ::testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace millrace
