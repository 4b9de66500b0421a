#include "apps/secret_strings/slow_reverser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

constexpr kj::Duration kTakes = 100 * kj::MILLISECONDS;

class SlowReverserTest : public ::testing::Test {
 protected:
  ~SlowReverserTest() noexcept override {}

  kj::Promise<void> Add(const std::string& text) {
    return reverser_.Add(text)
        .then([this](Reversal reversal) { done_.push_back(reversal.text); },
              [this](kj::Exception&& e) {
                EXPECT_EQ(e.getType(), kj::Exception::Type::OVERLOADED);
                done_.push_back("refused: " + TextOf(e));
              })
        .eagerlyEvaluate(nullptr);
  }
  static std::string TextOf(const kj::Exception& e) { return e.getDescription().cStr(); }

  void Pass(kj::Duration time) {
    timer_.advanceTo(timer_.now() + time);
    scope_.poll();
  }

  using Texts = std::vector<std::string>;

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  SlowReverser reverser_{timer_, kTakes, /*waiting_max=*/3};
  Texts done_;
};

TEST_F(SlowReverserTest, AStringTakesItsTime) {
  auto abc = Add("abc");
  Pass(kTakes - 1 * kj::MILLISECONDS);
  EXPECT_EQ(done_, Texts{});
  Pass(1 * kj::MILLISECONDS);
  EXPECT_EQ(done_, (Texts{"cba"}));
}

TEST_F(SlowReverserTest, OneAtATimeInOrder) {
  auto first = Add("ab"), second = Add("cd"), third = Add("ef");
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"ba"}));
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"ba", "dc"}));
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"ba", "dc", "fe"}));
}

TEST_F(SlowReverserTest, OneThatComesWhenNobodyWaitsStartsAtOnce) {
  auto first = Add("ab");
  Pass(kTakes);
  Pass(10 * kTakes);
  auto second = Add("cd");
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"ba", "dc"}));
}

TEST_F(SlowReverserTest, TooManyAreRefused) {
  auto first = Add("ab"), second = Add("cd"), third = Add("ef");
  auto fourth = Add("gh");
  scope_.poll();
  EXPECT_EQ(done_, (Texts{"refused: 3 strings wait already"}));
  Pass(kTakes);
  auto fifth = Add("ij");
  Pass(kTakes);
  Pass(kTakes);
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"refused: 3 strings wait already", "ba", "dc", "fe", "ji"}));
}

TEST_F(SlowReverserTest, WhoGoesAwayWhileHeWaitsCostsNobodyTime) {
  auto first = Add("ab"), second = Add("cd"), third = Add("ef");
  Pass(kTakes / 2);
  second = nullptr;
  EXPECT_EQ(reverser_.waiting(), 2u);
  Pass(kTakes / 2);
  EXPECT_EQ(done_, (Texts{"ba"}));
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"ba", "fe"}));
}

TEST_F(SlowReverserTest, WhoGoesAwayInTheMiddleLetsTheNextStart) {
  auto first = Add("ab"), second = Add("cd");
  Pass(kTakes / 2);
  first = nullptr;
  Pass(kTakes - 1 * kj::MILLISECONDS);
  EXPECT_EQ(done_, Texts{});
  Pass(1 * kj::MILLISECONDS);
  EXPECT_EQ(done_, (Texts{"dc"}));
  EXPECT_EQ(reverser_.waiting(), 0u);
}

TEST_F(SlowReverserTest, WhenAllGoAwayTheNextStartsAnew) {
  auto first = Add("ab"), second = Add("cd");
  Pass(kTakes / 2);
  first = nullptr;
  second = nullptr;
  EXPECT_EQ(reverser_.waiting(), 0u);
  Pass(kTakes);
  auto third = Add("ef");
  Pass(kTakes);
  EXPECT_EQ(done_, (Texts{"fe"}));
}

}  // namespace
}  // namespace millrace
