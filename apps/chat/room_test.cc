#include "apps/chat/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apps/chat/plain_text.h"

namespace millrace::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

// The secret that somebody of this name would hold.
std::string SessionOf(const std::string& name) {
  return name + std::string(kSessionBytes - name.size(), '.');
}

class RoomTest : public testing::Test {
 protected:
  static RoomOptions SmallRoom() {
    RoomOptions options;
    options.window = 4;
    options.grace = absl::Seconds(10);
    options.members_max = 4;
    options.farewells_max = 3;
    return options;
  }

  // Joins on a connection of its own, as everybody does.
  void Join(const std::string& name) {
    const JoinOutcome outcome = Ask(name);
    ASSERT_TRUE(std::holds_alternative<Welcome>(outcome)) << Why(outcome);
    after_[name] = std::get<Welcome>(outcome).after;
    room_.Attach(SessionOf(name));
  }
  JoinOutcome Ask(const std::string& name) {
    return room_.Join(SessionOf(name), name, /*again=*/false, now_);
  }
  JoinOutcome AskAgain(const std::string& name) {
    return room_.Join(SessionOf(name), name, /*again=*/true, now_);
  }
  static std::string Why(const JoinOutcome& outcome) {
    if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->reason;
    if (const auto* gone = std::get_if<Farewell>(&outcome)) return "gone: " + gone->reason;
    return "welcome";
  }

  void Say(const std::string& name, const std::string& text) {
    room_.Say(SessionOf(name), ++said_[name], {text});
  }

  // What is new to this member, which has it then.
  Lines Hear(const std::string& name) {
    Lines lines;
    for (;;) {
      const ListenOutcome outcome = room_.Listen(SessionOf(name), after_[name]);
      if (const auto* gone = std::get_if<Farewell>(&outcome)) return {"gone: " + gone->reason};
      const News& news = std::get<News>(outcome);
      for (const Entry& entry : news.entries) lines.push_back(EntryText(entry));
      if (news.up_to == after_[name]) return lines;
      after_[name] = news.up_to;
    }
  }
  // As Hear, but the answer is lost on its way.
  Lines HearInVain(const std::string& name) {
    Lines lines;
    const News lost = std::get<News>(room_.Listen(SessionOf(name), after_[name]));
    for (const Entry& entry : lost.entries) lines.push_back(EntryText(entry));
    return lines;
  }

  absl::Time now_ = absl::UnixEpoch();
  Room room_{SmallRoom()};
  std::map<std::string, uint64_t> after_;
  std::map<std::string, uint64_t> said_;
};

// --- What is heard ---

TEST_F(RoomTest, EverybodyElseHearsAMessageOnce) {
  Join("alice");
  Join("bob");
  Join("carol");
  Hear("alice"), Hear("bob"), Hear("carol");
  Say("alice", "hello");
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: hello"));
  EXPECT_THAT(Hear("carol"), ElementsAre("alice: hello"));
  EXPECT_THAT(Hear("alice"), IsEmpty()) << "she has typed it herself";
  EXPECT_THAT(Hear("bob"), IsEmpty());
}

TEST_F(RoomTest, AllHearTheSameOrder) {
  for (const char* name : {"alice", "bob", "carol", "dave"}) Join(name);
  for (const char* name : {"alice", "bob", "carol", "dave"}) Hear(name);
  Say("alice", "1");
  Say("bob", "2");
  Say("alice", "3");
  EXPECT_THAT(Hear("carol"), ElementsAre("alice: 1", "bob: 2", "alice: 3"));
  EXPECT_THAT(Hear("dave"), ElementsAre("alice: 1", "bob: 2", "alice: 3"));
}

TEST_F(RoomTest, JoinsAndLeavesAreAnnouncedToTheOthers) {
  Join("alice");
  Join("bob");
  EXPECT_THAT(Hear("alice"), ElementsAre("* bob joined"));
  EXPECT_THAT(Hear("bob"), IsEmpty());
  room_.Leave(SessionOf("bob"));
  EXPECT_THAT(Hear("alice"), ElementsAre("* bob left"));
}

TEST_F(RoomTest, WhoJoinsIsToldWhoIsThereAndHearsWhatIsSaidFromThenOn) {
  Join("bob");
  Join("alice");
  Say("bob", "before");
  const JoinOutcome outcome = Ask("carol");
  EXPECT_THAT(std::get<Welcome>(outcome).others, ElementsAre("alice", "bob"));
  after_["carol"] = std::get<Welcome>(outcome).after;
  EXPECT_THAT(Hear("carol"), IsEmpty());
  Say("bob", "after");
  EXPECT_THAT(Hear("carol"), ElementsAre("bob: after"));
}

TEST_F(RoomTest, ManyEntriesComeInSeveralAnswers) {
  RoomOptions options;
  options.window = 10 * kNewsMax;
  Room room(options);
  room.Join(SessionOf("alice"), "alice", /*again=*/false, now_);
  room.Join(SessionOf("bob"), "bob", /*again=*/false, now_);
  room.Say(SessionOf("alice"), 1, Lines(kNewsMax + 1, "x"));
  const News first = std::get<News>(room.Listen(SessionOf("bob"), 0));
  EXPECT_EQ(first.entries.size(), kNewsMax);
  const News second = std::get<News>(room.Listen(SessionOf("bob"), first.up_to));
  EXPECT_EQ(second.entries.size(), 1u);
}

// --- What is said ---

TEST_F(RoomTest, AMessageThatIsSentAgainIsHeardOnce) {
  Join("alice");
  Join("bob");
  const std::string alice = SessionOf("alice");
  EXPECT_EQ(std::get<uint64_t>(room_.Say(alice, 1, {"a"})), 1u);
  EXPECT_EQ(std::get<uint64_t>(room_.Say(alice, 1, {"a"})), 1u) << "the reply was lost";
  EXPECT_EQ(std::get<uint64_t>(room_.Say(alice, 1, {"a", "b"})), 2u) << "meanwhile more was typed";
  EXPECT_EQ(std::get<uint64_t>(room_.Say(alice, 1, {"a"})), 2u) << "an old copy comes late";
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: a", "alice: b"));
}

TEST_F(RoomTest, ThereIsNoGapInWhatIsHeard) {
  Join("alice");
  Join("bob");
  EXPECT_EQ(std::get<uint64_t>(room_.Say(SessionOf("alice"), 2, {"b"})), 0u);
  EXPECT_THAT(Hear("bob"), IsEmpty());
}

TEST_F(RoomTest, TextsAreCleanedAndBounded) {
  Join("alice");
  Join("bob");
  Say("alice", "\x1b[2J\ncarol: hi");
  Say("alice", std::string(3 * kTextBytesMax, 'x'));
  EXPECT_THAT(Hear("bob"),
              ElementsAre("alice: ?[2J?carol: hi", "alice: " + std::string(kTextBytesMax, 'x')));
}

// --- Names and sessions ---

TEST_F(RoomTest, ANameIsTakenOnce) {
  Join("alice");
  const JoinOutcome second = room_.Join(SessionOf("eve"), "alice", /*again=*/false, now_);
  EXPECT_THAT(Why(second), HasSubstr("the name \"alice\" is taken"));
  EXPECT_EQ(room_.members(), 1u);
}

TEST_F(RoomTest, ANameStaysTakenWhileItsOwnerIsWaitedFor) {
  Join("alice");
  room_.Detach(SessionOf("alice"), now_);
  EXPECT_THAT(Why(room_.Join(SessionOf("eve"), "alice", /*again=*/false, now_)),
              HasSubstr("may come back"));
  EXPECT_EQ(Why(AskAgain("alice")), "welcome");
}

TEST_F(RoomTest, ANameIsFreeAgainAfterItsOwnerHasLeft) {
  Join("alice");
  Join("bob");
  room_.Leave(SessionOf("alice"));
  EXPECT_EQ(Why(room_.Join(SessionOf("eve"), "alice", /*again=*/false, now_)), "welcome");
}

TEST_F(RoomTest, ASecondAliceHearsWhatTheFirstHasSaidLast) {
  Join("alice");
  Join("bob");
  room_.Leave(SessionOf("alice"));
  room_.Join(SessionOf("eve"), "alice", /*again=*/false, now_);
  Hear("bob");
  Say("bob", "which alice?");
  const ListenOutcome heard = room_.Listen(SessionOf("eve"), 0);
  EXPECT_THAT(std::get<News>(heard).entries.back().text, "which alice?");
}

TEST_F(RoomTest, TheRoomIsBounded) {
  for (const char* name : {"alice", "bob", "carol", "dave"}) Join(name);
  EXPECT_THAT(Why(Ask("eve")), HasSubstr("the room is full: 4 members"));
}

TEST_F(RoomTest, BadNamesAndSessionsAreRefused) {
  EXPECT_THAT(Why(room_.Join(SessionOf("eve"), "e:ve", /*again=*/false, now_)), HasSubstr("colon"));
  EXPECT_THAT(Why(room_.Join("short", "eve", /*again=*/false, now_)), HasSubstr("no session"));
  Join("alice");
  EXPECT_THAT(Why(room_.Join(SessionOf("alice"), "bob", /*again=*/false, now_)),
              HasSubstr("another name"));
}

TEST_F(RoomTest, JoiningTwiceIsJoiningOnce) {
  Join("alice");
  Join("bob");
  Say("alice", "before bob knows that he is in");
  EXPECT_EQ(Why(Ask("bob")), "welcome") << "the first answer was lost";
  EXPECT_THAT(Hear("alice"), ElementsAre("* bob joined"));
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: before bob knows that he is in"));
}

// --- Away and back ---

TEST_F(RoomTest, WhoComesBackInTimeMissesNothingAndHearsNothingTwice) {
  Join("alice");
  Join("bob");
  Say("alice", "1");
  EXPECT_THAT(HearInVain("bob"), ElementsAre("alice: 1"));
  room_.Detach(SessionOf("bob"), now_);
  Say("alice", "2");
  now_ += absl::Seconds(9);
  room_.Expire(now_);
  EXPECT_EQ(Why(AskAgain("bob")), "welcome");
  room_.Attach(SessionOf("bob"));
  now_ += absl::Seconds(100);
  room_.Expire(now_);
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: 1", "alice: 2"));
  EXPECT_THAT(Hear("alice"), ElementsAre("* bob joined")) << "nobody noticed";
}

TEST_F(RoomTest, WhoComesBackTooLateIsToldWhyAndWhatWasHeardOfIt) {
  Join("alice");
  Join("bob");
  Say("bob", "1");
  room_.Detach(SessionOf("bob"), now_);
  now_ += absl::Seconds(10);
  room_.Expire(now_);
  EXPECT_THAT(Hear("alice"),
              ElementsAre("* bob joined", "bob: 1", "* bob left (connection lost for 10s)"));
  EXPECT_EQ(Why(AskAgain("bob")), "gone: connection lost for 10s");
  EXPECT_EQ(std::get<Farewell>(AskAgain("bob")).taken, 1u);
  EXPECT_FALSE(std::get<Farewell>(AskAgain("bob")).forgotten);
}

TEST_F(RoomTest, AMemberWithAnotherConnectionIsNotAway) {
  Join("alice");
  room_.Attach(SessionOf("alice"));
  room_.Detach(SessionOf("alice"), now_);
  now_ += absl::Hours(1);
  room_.Expire(now_);
  EXPECT_EQ(room_.members(), 1u);
}

// The room has forgotten that the session has left; its old connection ends at last.
TEST_F(RoomTest, AConnectionThatEndsTwiceKeepsNobodyInTheRoom) {
  Join("alice");
  room_.Detach(SessionOf("alice"), now_);
  room_.Detach(SessionOf("alice"), now_);
  now_ += absl::Seconds(10);
  room_.Expire(now_);
  EXPECT_EQ(room_.members(), 0u);
}

TEST_F(RoomTest, AMemberWhoseConnectionNeverCameIsLetGo) {
  Ask("alice");
  now_ += absl::Seconds(10);
  room_.Expire(now_);
  EXPECT_EQ(room_.members(), 0u);
}

TEST_F(RoomTest, AnOldCopyOfARequestBringsNobodyBack) {
  Join("alice");
  room_.Leave(SessionOf("alice"));
  EXPECT_EQ(Why(Ask("alice")), "gone: ");
  EXPECT_TRUE(std::holds_alternative<Farewell>(room_.Say(SessionOf("alice"), 1, {"boo"})));
  EXPECT_EQ(room_.members(), 0u);
}

TEST_F(RoomTest, AnOldCopyOfAListenerTakesNothingAway) {
  Join("alice");
  Join("bob");
  Say("alice", "1");
  const uint64_t old = after_["bob"];
  Hear("bob");
  Say("alice", "2");
  room_.Listen(SessionOf("bob"), old);
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: 2"));
}

TEST_F(RoomTest, WhoClaimsToHaveBeenHereAndIsUnknownIsToldSo) {
  EXPECT_THAT(Why(AskAgain("alice")), HasSubstr("gone: unknown session: the server was started"));
  EXPECT_TRUE(std::get<Farewell>(AskAgain("alice")).forgotten) << "of what was heard, too";
  EXPECT_EQ(room_.members(), 0u);
}

TEST_F(RoomTest, EndingsAreForgottenInTheEnd) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    Join(name);
    room_.Leave(SessionOf(name));
  }
  EXPECT_EQ(room_.farewells(), 3u);
  EXPECT_THAT(Why(AskAgain("a")), HasSubstr("unknown session"));
  EXPECT_EQ(Why(AskAgain("e")), "gone: ");
}

// --- Who does not read ---

TEST_F(RoomTest, WhoDoesNotReadIsDroppedWithAReasonWhenItsWindowIsFull) {
  Join("alice");
  Join("bob");
  for (const char* text : {"1", "2", "3", "4"}) Say("alice", text), Hear("alice");
  EXPECT_EQ(room_.members(), 2u) << "four may wait";
  Say("alice", "5");
  EXPECT_EQ(room_.members(), 1u);
  EXPECT_THAT(Hear("alice"), ElementsAre("* bob left (did not read: 4 messages waited)"));
  EXPECT_THAT(Hear("bob"), ElementsAre("gone: did not read: 4 messages waited"));
}

TEST_F(RoomTest, WhoReadsInTimeIsNotDropped) {
  Join("alice");
  Join("bob");
  for (int i = 0; i < 100; ++i) {
    Say("alice", absl::StrCat(i));
    Hear("alice");
    EXPECT_THAT(Hear("bob"), ElementsAre(absl::StrCat("alice: ", i)));
  }
}

TEST_F(RoomTest, AnAnswerThatWasNotSeenStillCountsAsWaiting) {
  Join("alice");
  Join("bob");
  for (const char* text : {"1", "2", "3", "4"}) {
    Say("alice", text);
    HearInVain("bob");
    Hear("alice");
  }
  Say("alice", "5");
  EXPECT_THAT(Hear("bob"), ElementsAre("gone: did not read: 4 messages waited"));
}

TEST_F(RoomTest, SayingThatOneIsDroppedMayDropAnother) {
  Join("alice");
  Join("bob");    // has one entry less to hear of than alice
  Join("carol");  // reads
  for (const char* text : {"1", "2", "3"}) Say("carol", text), Hear("carol");
  EXPECT_EQ(room_.members(), 1u) << "alice has 5 to hear; bob has 4, and that alice is dropped";
  EXPECT_EQ(room_.history(), 4u);
}

TEST_F(RoomTest, WhoTalksWithoutListeningIsDroppedTooAndToldWhatWasHeard) {
  Join("bob");
  const SayOutcome outcome = room_.Say(SessionOf("bob"), 1, {"1", "2", "3", "4", "5", "6", "7"});
  ASSERT_TRUE(std::holds_alternative<Farewell>(outcome));
  EXPECT_EQ(std::get<Farewell>(outcome).taken, 5u);
}

TEST_F(RoomTest, MemoryIsBoundedWhateverIsSaid) {
  Join("alice");
  Join("bob");
  for (int i = 0; i < 1000; ++i) Say("alice", "x"), Hear("alice");
  EXPECT_EQ(room_.history(), 4u);
}

TEST_F(RoomTest, ANumberFromTheFutureDoesNoHarm) {
  Join("alice");
  Join("bob");
  const ListenOutcome ahead = room_.Listen(SessionOf("bob"), 1'000'000);
  EXPECT_THAT(std::get<News>(ahead).entries, IsEmpty());
  Say("alice", "1");
  EXPECT_THAT(Hear("bob"), ElementsAre("alice: 1"));
}

}  // namespace
}  // namespace millrace::chat
