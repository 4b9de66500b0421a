// The word-count server on a simulated network on which everything goes wrong.
//
// What it promises: whoever asks hears either how often each word stands in that very text, or, in
// time, why there is no answer and from whom; and what befalls one client befalls no other.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "apps/wordcount_rpc/ways_to_call.h"
#include "apps/wordcount_rpc/word_count_service.h"
#include "tests/sim/station.h"

namespace millrace {
namespace {

using sim::Station;

constexpr char kAddress[] = "server:7100";
constexpr kj::Duration kTask = 1 * kj::SECONDS;
constexpr kj::Duration kLimit = 10 * kj::SECONDS;
// Five more for connecting.
constexpr kj::Duration kAtMost = 15 * kj::SECONDS;

// One question of a client, with a connection of its own as the program's.
class Asking {
 public:
  Asking(sim::World& world, Station& client, std::string text)
      : world_(world), text_(std::move(text)), asked_(world.now()) {
    call_ = CallWithCallback(
        client.Dial(kAddress).then([this, &client](kj::Own<Connection> connection) {
          auto counts = CountWordsAt(*connection, text_, client.timer(), kLimit);
          return counts.attach(kj::mv(connection));
        }),
        [this](absl::StatusOr<WordCounts> outcome) {
          outcome_ = std::move(outcome);
          answered_ = world_.now();
        });
  }
  KJ_DISALLOW_COPY(Asking);

  bool ended() const { return outcome_.has_value(); }
  bool right() const { return ended() && outcome_->ok() && **outcome_ == CountWords(text_); }
  std::string failure() const {
    return ended() ? std::string(outcome_->status().message()) : "it has not ended";
  }

  absl::StatusCode code() const {
    return ended() ? outcome_->status().code() : absl::StatusCode::kUnknown;
  }

  // The checker.
  void ExpectPromiseKept() const {
    ASSERT_TRUE(ended()) << text_;
    EXPECT_LE((answered_ - asked_) / kj::MILLISECONDS, kAtMost / kj::MILLISECONDS + 10) << text_;
    if (outcome_->ok()) {
      EXPECT_EQ(FormatCounts(**outcome_), FormatCounts(CountWords(text_)));
      return;
    }
    EXPECT_TRUE(absl::IsUnavailable(outcome_->status()) ||
                absl::IsResourceExhausted(outcome_->status()))
        << outcome_->status();
    EXPECT_TRUE(absl::StrContains(failure(), kAddress)) << failure();
  }

 private:
  sim::World& world_;
  const std::string text_;
  const kj::TimePoint asked_;
  kj::TimePoint answered_ = kj::origin<kj::TimePoint>();
  std::optional<absl::StatusOr<WordCounts>> outcome_;
  kj::Promise<void> call_ = nullptr;
};

class WordCountFaultsTest : public ::testing::Test {
 protected:
  // A server's process; asked for a word count it takes a second.
  struct Server {
    Server(sim::World& world, sim::Network& network)
        : station(world, network, "server"), service(station.timer(), kTask) {
      station.Serve(7100, [this](const PeerInfo&) { return service.Welcome(); });
    }
    ~Server() noexcept(false) { station.Kill(); }

    Station station;
    WordCountService service;
  };

  explicit WordCountFaultsTest(uint64_t seed = 1)
      : world_(seed, /*print_trace=*/false), network_(world_, {}) {
    StartServer();
  }
  ~WordCountFaultsTest() noexcept override {}

  void StartServer() {
    server_ = nullptr;
    server_ = std::make_unique<Server>(world_, network_);
  }

  Asking& Ask(Station& client, const std::string& text = "to be or not to be") {
    askings_.emplace_back(world_, client, text);
    return askings_.back();
  }
  // Asks, and returns when the server works on it.
  Asking& AskAndMeet(Station& client) {
    const size_t calls = server_->service.calls();
    Asking& asking = Ask(client);
    EXPECT_TRUE(world_.RunUntil([&]() { return server_->service.calls() > calls; }, kTask));
    return asking;
  }
  void Finish(Asking& asking) {
    EXPECT_TRUE(world_.RunUntil([&]() { return asking.ended(); }, kAtMost + kTask));
    asking.ExpectPromiseKept();
  }
  void ExpectAnAnswer(Station& client) {
    Asking& asking = Ask(client);
    Finish(asking);
    EXPECT_TRUE(asking.right()) << asking.failure();
  }

  sim::World world_;
  sim::Network network_;
  std::unique_ptr<Server> server_;
  Station red_{world_, network_, "red"};
  Station blue_{world_, network_, "blue"};
  std::deque<Asking> askings_;
};

TEST_F(WordCountFaultsTest, WithoutAFaultEveryQuestionIsAnswered) {
  Asking& of_red = AskAndMeet(red_);
  Asking& of_blue = AskAndMeet(blue_);
  Finish(of_red);
  Finish(of_blue);
  EXPECT_TRUE(of_red.right());
  EXPECT_TRUE(of_blue.right());
}

TEST_F(WordCountFaultsTest, AnAnswerThatIsLostIsMissedInTimeAndTheServerNamed) {
  Asking& asking = AskAndMeet(red_);
  network_.Cut("server", "red");
  Finish(asking);
  EXPECT_EQ(asking.failure(), "asking server:7100: no answer within 10 s");

  network_.Heal();
  ExpectAnAnswer(red_);
}

TEST_F(WordCountFaultsTest, AQuestionThatIsLostIsMissedInTimeAndTheServerNamed) {
  network_.Cut("red", "server");
  Asking& asking = Ask(red_);
  Finish(asking);
  EXPECT_EQ(server_->service.calls(), 0u);
  EXPECT_TRUE(absl::StrContains(asking.failure(), kAddress)) << asking.failure();

  network_.Heal();
  ExpectAnAnswer(red_);
}

TEST_F(WordCountFaultsTest, AResetConnectionFailsItsQuestionAloneAndAtOnce) {
  Asking& of_red = AskAndMeet(red_);
  Asking& of_blue = AskAndMeet(blue_);
  network_.ResetConnections("red", "server");
  ASSERT_GT(network_.resets(), 0u);
  world_.RunFor(kTask / 10);
  ASSERT_TRUE(of_red.ended());
  EXPECT_FALSE(of_red.right());
  of_red.ExpectPromiseKept();

  Finish(of_blue);
  EXPECT_TRUE(of_blue.right());
  ExpectAnAnswer(red_);
}

TEST_F(WordCountFaultsTest, AServerThatIsKilledFailsItsQuestionsAndTheNextOneAnswers) {
  Asking& asking = AskAndMeet(red_);
  server_->station.Kill();
  Finish(asking);
  EXPECT_FALSE(asking.right());

  Asking& nobody_there = Ask(red_);
  Finish(nobody_there);
  EXPECT_TRUE(absl::StrContains(nobody_there.failure(), "cannot connect to server:7100"))
      << nobody_there.failure();

  StartServer();
  ExpectAnAnswer(red_);
}

TEST_F(WordCountFaultsTest, AServerThatIsStoppedIsMissedInTimeAndAnswersWhenItGoesOn) {
  Asking& asking = AskAndMeet(red_);
  server_->station.life().Stop();
  Finish(asking);
  EXPECT_EQ(asking.failure(), "asking server:7100: no answer within 10 s");

  server_->station.life().Continue();
  ExpectAnAnswer(red_);
}

TEST_F(WordCountFaultsTest, AClientThatIsKilledDisturbsNobody) {
  auto victim = std::make_unique<Station>(world_, network_, "victim");
  AskAndMeet(*victim);
  Asking& of_blue = AskAndMeet(blue_);
  victim->Kill();
  Finish(of_blue);
  EXPECT_TRUE(of_blue.right());
  askings_.clear();  // the victim's goes before its station
}

TEST_F(WordCountFaultsTest, AClientThatIsKilledLeavesNoWorkBehind) {
  auto victim = std::make_unique<Station>(world_, network_, "victim");
  AskAndMeet(*victim);
  ASSERT_EQ(server_->service.under_way(), 1u);
  victim->Kill();
  world_.RunFor(kTask / 10);
  EXPECT_EQ(server_->service.under_way(), 0u);
  askings_.clear();  // the victim's goes before its station
}

TEST_F(WordCountFaultsTest, AServerOfAnotherKindIsNamed) {
  server_ = nullptr;
  Station other(world_, network_, "server");
  other.Serve(7100, [](const PeerInfo&) { return capnp::Capability::Client(nullptr); });
  Asking& asking = Ask(red_);
  EXPECT_TRUE(world_.RunUntil([&]() { return asking.ended(); }, kTask));
  EXPECT_EQ(asking.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::StartsWith(asking.failure(), "server:7100 is no word-count server: "))
      << asking.failure();
}

TEST_F(WordCountFaultsTest, ATextThatIsTooLongIsRefusedAndSaysSo) {
  Asking& asking = Ask(red_, std::string(kMaxTextBytes + 1, 'a'));
  EXPECT_TRUE(world_.RunUntil([&]() { return asking.ended(); }, kTask));
  EXPECT_TRUE(absl::StrContains(asking.failure(), "at most 1048576 are counted"));

  Asking& longest = Ask(red_, std::string(kMaxTextBytes, 'a'));
  Finish(longest);
  EXPECT_TRUE(longest.right());
}

TEST_F(WordCountFaultsTest, TheLargestAnswerFitsIntoAMessage) {
  std::string text;  // all words differ, and are as short as that allows
  for (int i = 0; text.size() + 5 <= kMaxTextBytes; ++i) absl::StrAppend(&text, absl::Hex(i), " ");
  Asking& asking = Ask(red_, text.substr(0, kMaxTextBytes));
  Finish(asking);
  EXPECT_TRUE(asking.right()) << asking.failure();
}

// --- By chance ---

class WordCountSwarm : public WordCountFaultsTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  WordCountSwarm() : WordCountFaultsTest(GetParam()) {}

  void Strike() {
    const std::string& client = world_.random().Chance(0.5) ? red_.host() : blue_.host();
    switch (world_.random().Below(5)) {
      case 0: network_.Cut("server", client); break;
      case 1: network_.Cut(client, "server"); break;
      case 2: network_.Part(client, "server"); break;
      case 3: network_.ResetConnections(client, "server"); break;
      case 4: StartServer(); break;  // kills the one before
    }
  }
};

TEST_P(WordCountSwarm, EveryQuestionIsAnsweredRightlyOrFailsInTime) {
  for (int round = 0; round < 12; ++round) {
    for (Station* client : {&red_, &blue_}) {
      Ask(*client, absl::StrCat("round ", round, " of ", client->host(), " in round ", round));
    }
    world_.RunFor(world_.random().Below(1200) * kj::MILLISECONDS);
    Strike();
    world_.RunFor(world_.random().Below(3000) * kj::MILLISECONDS);
    network_.Heal();
  }
  world_.RunFor(kAtMost + kTask);
  size_t right = 0;
  for (const Asking& asking : askings_) {
    asking.ExpectPromiseKept();
    right += asking.right();
  }
  EXPECT_LT(right, askings_.size()) << "the faults hit nothing";
  EXPECT_GT(right, 0u) << "the faults hit everything";
  ExpectAnAnswer(red_);
  ExpectAnAnswer(blue_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, WordCountSwarm, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace millrace
