// What happens to a chat when one thing breaks at one moment. Each ends with the checker
// (sim_chat.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/chat/sim_chat.h"

namespace millrace::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Lines = std::vector<std::string>;

constexpr char kLost[] = "the connection is lost; trying again";
constexpr char kFound[] = "connected again";

chat::RoomOptions SmallRoom() {
  chat::RoomOptions options;
  options.window = 100;
  options.grace = absl::Seconds(15);
  return options;
}

class ChatScenariosTest : public testing::Test {
 protected:
  ~ChatScenariosTest() noexcept override {}

  void SetUp() override {
    for (const char* name : {"ann", "bob", "cat"}) Join(name);
  }

  void TearDown() override {
    chat_.network().Heal();
    chat_.RunFor(60 * kj::SECONDS);
    EXPECT_EQ(CheckChat(chat_, /*calm=*/true), "");
  }

  void Join(const std::string& name) {
    chat_.Add(name);
    ASSERT_TRUE(chat_.RunUntil([&]() { return !chat_.transcript(name).notes.empty(); }));
  }

  void Say(const std::string& name, const std::string& text) { chat_.person(name).Type(text); }
  // On a healthy network an answer takes less than a millisecond.
  void Soon() { chat_.RunFor(10 * kj::MILLISECONDS); }

  const Lines& SeenBy(const std::string& name) { return chat_.transcript(name).shown; }
  size_t Count(const std::string& line) {
    return std::count(chat_.order().begin(), chat_.order().end(), line);
  }
  bool IsOver(const std::string& name) { return chat_.transcript(name).over(); }
  std::string ReasonOf(const std::string& name) {
    const Transcript& transcript = chat_.transcript(name);
    return transcript.end.has_value() ? transcript.end->reason : "it has not ended";
  }
  bool RunUntilFound(const std::string& name) {
    return chat_.RunUntil([&]() { return chat_.transcript(name).CountNotes(kFound) > 0; });
  }

  ChatWorld chat_{/*seed=*/1, SmallRoom()};
};

TEST_F(ChatScenariosTest, EverybodySeesTheSameInTheSameOrderAndNotItself) {
  Say("ann", "one");
  Soon();
  Say("bob", "two");
  Say("bob", "three");
  Soon();
  EXPECT_THAT(SeenBy("cat"), ElementsAre("ann: one", "bob: two", "bob: three"));
  EXPECT_THAT(SeenBy("ann"), ElementsAre("* bob joined", "* cat joined", "bob: two", "bob: three"));
  EXPECT_THAT(SeenBy("bob"), ElementsAre("* cat joined", "ann: one"));
  EXPECT_THAT(chat_.transcript("cat").notes,
              ElementsAre("you are cat; with you: ann, bob, witness"));
}

TEST_F(ChatScenariosTest, AtTheEndOfInputAllIsHeardAndTheClientLeaves) {
  for (int i = 0; i < 100; ++i) Say("ann", absl::StrCat(i));  // more than are kept at a time
  chat_.person("ann").Finish();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_EQ(ReasonOf("ann"), "");
  Soon();
  EXPECT_EQ(Count("ann: 99"), 1u);
  EXPECT_EQ(SeenBy("bob").back(), "* ann left");
}

TEST_F(ChatScenariosTest, WhoInterruptsTheClientLeavesAtOnce) {
  chat_.person("ann").Interrupt();
  Soon();
  EXPECT_EQ(SeenBy("bob").back(), "* ann left");
}

// --- Names ---

TEST_F(ChatScenariosTest, TheSecondOfOneNameIsRefused) {
  chat_.Add("another ann", "ann");
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("another ann"); }));
  EXPECT_THAT(ReasonOf("another ann"), HasSubstr("the name \"ann\" is taken"));
  Say("ann", "still here");
  Soon();
  EXPECT_EQ(SeenBy("bob").back(), "ann: still here");
}

// --- What gets lost ---

TEST_F(ChatScenariosTest, ALostRequestIsSentAgain) {
  chat_.LoseRequestsOf("ann");
  Say("ann", "hello");
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(Count("ann: hello"), 0u) << "it is lost";
  chat_.ResetConnections("ann");
  chat_.network().Heal();
  ASSERT_TRUE(RunUntilFound("ann"));
  Soon();
  EXPECT_EQ(Count("ann: hello"), 1u);
}

TEST_F(ChatScenariosTest, WhatIsSentAgainBecauseTheReplyWasLostIsHeardOnce) {
  chat_.LoseRepliesTo("ann");
  Say("ann", "hello");
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(Count("ann: hello"), 1u) << "the request arrives";
  chat_.ResetConnections("ann");
  chat_.network().Heal();
  ASSERT_TRUE(RunUntilFound("ann"));
  Say("ann", "again");
  Soon();
  EXPECT_EQ(Count("ann: hello"), 1u);
  EXPECT_EQ(Count("ann: again"), 1u) << "the first one was sent again before it";
}

// More than go out at a time, and more are typed before it is back. The checker compares.
TEST_F(ChatScenariosTest, OfMuchThatIsUnderWayAllIsHeardOnceAndInOrder) {
  chat_.LoseRepliesTo("ann");
  for (int i = 0; i < 50; ++i) Say("ann", absl::StrCat(i));
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(Count("ann: 0"), 1u) << "it arrives, and its answer does not";
  ASSERT_EQ(Count("ann: 1"), 0u);
  chat_.ResetConnections("ann");
  for (int i = 50; i < 100; ++i) Say("ann", absl::StrCat(i));
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return Count("ann: 99") == 1; }));
  Soon();
  EXPECT_EQ(SeenBy("bob").size(), 101u) << "that cat has joined, and all that ann has said";
}

TEST_F(ChatScenariosTest, WhatIsSaidMeanwhileIsSeenOnceByWhoComesBack) {
  const size_t before = SeenBy("ann").size();
  Say("bob", "seen");
  chat_.LoseRepliesTo("ann");
  Say("bob", "lost on its way");
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(SeenBy("ann").size(), before) << "replies are lost";
  chat_.ResetConnections("ann");
  chat_.RunFor(1 * kj::SECONDS);
  Say("bob", "said to nobody's connection");
  chat_.network().Heal();
  ASSERT_TRUE(RunUntilFound("ann"));
  Soon();
  EXPECT_THAT(Lines(SeenBy("ann").begin() + before, SeenBy("ann").end()),
              ElementsAre("bob: seen", "bob: lost on its way", "bob: said to nobody's connection"));
  EXPECT_THAT(SeenBy("bob"), Not(Contains(HasSubstr("ann left")))) << "nobody has noticed";
}

TEST_F(ChatScenariosTest, WhoseWelcomeWasLostIsInTheRoomOnce) {
  chat_.Add("dan");
  ASSERT_TRUE(chat_.RunUntil([&]() { return chat_.room().members() == 5; }));
  chat_.LoseRepliesTo("dan");
  Say("bob", "hello dan");
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_THAT(chat_.transcript("dan").notes, IsEmpty()) << "it does not know that it is in";
  chat_.ResetConnections("dan");
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return !SeenBy("dan").empty(); }));
  EXPECT_THAT(SeenBy("dan"), ElementsAre("bob: hello dan"));
  EXPECT_EQ(Count("* dan joined"), 1u);
}

TEST_F(ChatScenariosTest, WhoseFarewellWasLostHasLeft) {
  Say("ann", "bye");
  Soon();
  chat_.LoseRepliesTo("ann");
  chat_.person("ann").Finish();
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(Count("* ann left"), 1u);
  ASSERT_FALSE(IsOver("ann")) << "the answer is lost";
  chat_.ResetConnections("ann");
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_EQ(ReasonOf("ann"), "");
  EXPECT_EQ(Count("* ann left"), 1u);
}

TEST_F(ChatScenariosTest, WhatIsTypedWhileCutOffIsHeardBeforeTheClientLeaves) {
  chat_.CutOff("ann");
  chat_.ResetConnections("ann");
  Say("ann", "hello");
  chat_.person("ann").Finish();
  chat_.RunFor(5 * kj::SECONDS);
  ASSERT_FALSE(IsOver("ann"));
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_EQ(ReasonOf("ann"), "");
  EXPECT_EQ(Count("ann: hello"), 1u);
}

TEST_F(ChatScenariosTest, WhatArrivesTwiceIsHeardOnce) {
  chat_.network().Duplicate("dan", kServer, chat_.world().now() + 1 * kj::MINUTES);
  Join("dan");
  Say("dan", "one");
  Say("bob", "two");
  Soon();
  Say("dan", "three");
  Soon();
  EXPECT_EQ(Count("* dan joined"), 1u);
  EXPECT_EQ(Count("dan: one"), 1u);
  EXPECT_EQ(Count("dan: three"), 1u);
  EXPECT_THAT(SeenBy("dan"), ElementsAre("bob: two"));
  // The copy of the connection is what keeps dan in the room now.
  chat_.Kill("dan");
  chat_.RunFor(20 * kj::SECONDS);
  EXPECT_EQ(Count("dan: one"), 1u);
  chat_.network().Heal();
  chat_.RunFor(20 * kj::SECONDS);
  EXPECT_EQ(chat_.order().back(), "* dan left (connection lost for 15s)");
}

// --- Away ---

TEST_F(ChatScenariosTest, WhoComesBackTooLateIsToldSoAndWhatNobodyHeard) {
  Say("ann", "heard");
  Soon();
  chat_.CutOff("ann");
  Say("ann", "not heard");
  chat_.RunFor(35 * kj::SECONDS);
  ASSERT_EQ(chat_.order().back(), "* ann left (connection lost for 15s)");
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_EQ(ReasonOf("ann"), "you are not in the room any more: connection lost for 15s");
  EXPECT_THAT(chat_.transcript("ann").end->unheard, ElementsAre("not heard"));
}

TEST_F(ChatScenariosTest, AKilledClientIsMissedAndDisturbsNobody) {
  Say("ann", "my last words");
  Soon();
  chat_.Kill("ann");
  Say("bob", "ann?");
  Soon();
  EXPECT_EQ(SeenBy("cat").back(), "bob: ann?");
  chat_.RunFor(16 * kj::SECONDS);
  EXPECT_EQ(SeenBy("bob").back(), "* ann left (connection lost for 15s)");
  EXPECT_EQ(SeenBy("cat").back(), "* ann left (connection lost for 15s)");
  for (const char* name : {"bob", "cat"}) EXPECT_EQ(chat_.transcript(name).CountNotes(kLost), 0u);
}

// --- Who does not read ---

TEST_F(ChatScenariosTest, AClientThatIsStoppedIsDroppedWhenItsQueueIsFullAndDelaysNobody) {
  chat_.person("ann").life().Stop();
  for (int i = 0; i < 100; ++i) {
    Say("bob", absl::StrCat(i));
    Soon();
    ASSERT_EQ(SeenBy("cat").back(), absl::StrCat("bob: ", i));
  }
  ASSERT_EQ(Count("* ann left (did not read: 100 messages waited)"), 0u);
  Say("bob", "one more");
  Soon();
  EXPECT_EQ(SeenBy("cat").back(), "* ann left (did not read: 100 messages waited)");
  chat_.person("ann").life().Continue();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_EQ(ReasonOf("ann"), "you are not in the room any more: did not read: 100 messages waited");
}

TEST_F(ChatScenariosTest, AClientWhoseScreenIsFrozenStaysUntilItsQueueIsFull) {
  const size_t before = SeenBy("ann").size();
  chat_.person("ann").Freeze();
  Say("bob", "0");
  chat_.RunFor(1 * kj::HOURS);
  ASSERT_EQ(chat_.room().members(), 4u) << "it answers, and nothing is lost";
  for (int i = 1; i < 10; ++i) Say("bob", absl::StrCat(i)), Soon();
  EXPECT_LE(SeenBy("ann").size(), before + 1) << "it has asked for nothing more";
  chat_.person("ann").Thaw();
  Soon();
  EXPECT_EQ(SeenBy("ann").size(), before + 10);

  chat_.person("ann").Freeze();
  for (int i = 0; i < 110; ++i) Say("bob", absl::StrCat("again ", i)), Soon();
  EXPECT_EQ(Count("* ann left (did not read: 100 messages waited)"), 1u);
  chat_.person("ann").Thaw();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_THAT(ReasonOf("ann"), HasSubstr("did not read"));
}

TEST_F(ChatScenariosTest, AReaderFarAwayKeepsUpWithWhoPoursAFileIntoTheRoom) {
  const kj::TimePoint until = chat_.world().now() + 10 * kj::MINUTES;
  chat_.network().Clog("cat", kServer, 40 * kj::MILLISECONDS, until);
  chat_.network().Clog(kServer, "cat", 40 * kj::MILLISECONDS, until);
  for (int i = 0; i < 1000; ++i) Say("bob", absl::StrCat(i));
  ASSERT_TRUE(chat_.RunUntil([&]() { return Count("bob: 999") == 1; }));
  chat_.RunFor(1 * kj::SECONDS);
  EXPECT_EQ(SeenBy("cat").size(), 1000u) << "ten times what may wait for it";
}

// --- The server ---

TEST_F(ChatScenariosTest, AServerThatWasStartedAnewKnowsNobodyAndSaysSo) {
  chat_.RestartServer();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann") && IsOver("bob"); }));
  EXPECT_THAT(ReasonOf("ann"), HasSubstr("the server was started anew"));
}

// Nobody knows any more what the old one has heard.
TEST_F(ChatScenariosTest, WhatAServerHeardBeforeItWasStartedAnewIsNotCalledUnheard) {
  chat_.LoseRepliesTo("ann");
  Say("ann", "hello");
  chat_.RunFor(1 * kj::SECONDS);
  ASSERT_EQ(Count("ann: hello"), 1u);
  chat_.ResetConnections("ann");
  chat_.RestartServer();
  chat_.network().Heal();
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_THAT(chat_.transcript("ann").end->unheard, ElementsAre("hello"));
  EXPECT_TRUE(chat_.transcript("ann").end->forgotten);
}

TEST_F(ChatScenariosTest, AServerThatIsGoneForGoodIsGivenUpByName) {
  chat_.CutOff("ann");
  Say("ann", "anybody?");
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("ann"); }));
  EXPECT_THAT(chat_.transcript("ann").error,
              testing::AllOf(HasSubstr("cannot connect to server:7300"), HasSubstr("tried for"),
                             HasSubstr("nobody may have heard:\n  anybody?")));
}

TEST_F(ChatScenariosTest, AServerThatCannotBeReachedAtFirstIsGivenUpAtOnce) {
  chat_.network().AddHost("dan");
  chat_.CutOff("dan");
  const kj::TimePoint began = chat_.world().now();
  chat_.Add("dan");
  ASSERT_TRUE(chat_.RunUntil([&]() { return IsOver("dan"); }));
  EXPECT_THAT(chat_.transcript("dan").error, HasSubstr("cannot connect to server:7300"));
  EXPECT_LT(chat_.world().now() - began, 6 * kj::SECONDS) << "one try";
}

}  // namespace
}  // namespace millrace::sim
