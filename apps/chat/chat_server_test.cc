#include "apps/chat/chat_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/chat/chat_wire.h"

namespace millrace::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Lines = std::vector<std::string>;
using Door = capnp_chat::ChatRoom::Client;

// The secret that somebody of this name would hold.
std::string SessionOf(const std::string& name) {
  return name + std::string(kSessionBytes - name.size(), '.');
}

class ChatServerTest : public testing::Test {
 protected:
  ~ChatServerTest() noexcept override {}

  kj::Promise<JoinOutcome> Ask(Door door, const std::string& name) {
    auto request = door.joinRequest();
    const std::string session = SessionOf(name);
    request.setName(name.c_str());
    request.setSession(kj::StringPtr(session.c_str(), session.size()).asBytes());
    return request.send().then([](auto&& response) { return Read(response.getOutcome()); });
  }
  // Joins on a connection of its own.
  Door Join(const std::string& name) {
    Door door = chat_.NewDoor();
    EXPECT_TRUE(std::holds_alternative<Welcome>(Ask(door, name).wait(scope_)));
    return door;
  }

  kj::Promise<SayOutcome> Say(Door door, uint64_t first, const Lines& lines) {
    auto request = door.sayRequest();
    request.setFirst(first);
    auto texts = request.initTexts(static_cast<unsigned>(lines.size()));
    for (unsigned i = 0; i < texts.size(); ++i) texts.set(i, lines[i].c_str());
    return request.send().then([](auto&& response) { return Read(response.getOutcome()); });
  }
  kj::Promise<News> Listen(Door door, uint64_t after) {
    auto request = door.listenRequest();
    request.setAfter(after);
    return request.send().then(
        [](auto&& response) { return std::get<News>(Read(response.getOutcome())); });
  }

  template <typename T>
  std::string FailureOf(kj::Promise<T> promise) {
    std::string failure;
    promise.ignoreResult()
        .catch_([&](kj::Exception&& e) { failure = e.getDescription().cStr(); })
        .wait(scope_);
    return failure;
  }

  void Advance(kj::Duration time) {
    scope_.poll();
    timer_.advanceTo(timer_.now() + time);
    scope_.poll();
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  ChatServer chat_{timer_, RoomOptions()};
};

// --- Pace ---

TEST_F(ChatServerTest, WhatIsSaidIsHeardAtOnceAndOnlyTheAnswerWaits) {
  Door ann = Join("ann");
  Door bob = Join("bob");
  auto heard = Listen(bob, 2);
  auto said = Say(ann, 1, Lines(kTextsPerCall, "x"));
  ASSERT_TRUE(heard.poll(scope_));
  EXPECT_THAT(heard.wait(scope_).entries, SizeIs(kTextsPerCall));
  EXPECT_FALSE(said.poll(scope_));
  Advance(2 * kTextsPerCall * kj::MILLISECONDS - 1 * kj::MICROSECONDS);
  EXPECT_FALSE(said.poll(scope_)) << "500 lines a second";
  Advance(1 * kj::MICROSECONDS);
  ASSERT_TRUE(said.poll(scope_));
  EXPECT_EQ(std::get<uint64_t>(said.wait(scope_)), kTextsPerCall);
}

TEST_F(ChatServerTest, WhoDoesNotAwaitTheAnswerIsNotHeard) {
  Door ann = Join("ann");
  auto said = Say(ann, 1, {"one"});
  EXPECT_THAT(FailureOf(Say(ann, 2, {"two"})), testing::HasSubstr("has not been awaited"));
  Advance(2 * kj::MILLISECONDS);
  said.wait(scope_);
  auto again = Say(ann, 2, {"two"});
  Advance(2 * kj::MILLISECONDS);
  EXPECT_EQ(std::get<uint64_t>(again.wait(scope_)), 2u);
}

TEST_F(ChatServerTest, TooManyMessagesAtOnceAreNotHeard) {
  Door ann = Join("ann");
  EXPECT_THAT(FailureOf(Say(ann, 1, Lines(kTextsPerCall + 1, "x"))),
              testing::HasSubstr("too many messages"));
  EXPECT_EQ(chat_.room().last(), 1u) << "only that ann has joined";
}

// --- Listeners: what nobody reads must not pile up ---

TEST_F(ChatServerTest, AConnectionHasOneListenerAtATime) {
  Door ann = Join("ann");
  auto first = Listen(ann, 1);
  EXPECT_FALSE(first.poll(scope_));
  EXPECT_THAT(FailureOf(Listen(ann, 1)), testing::HasSubstr("has not been awaited"));
  Join("bob");
  EXPECT_THAT(first.wait(scope_).entries, ElementsAre(Entry{Entry::Kind::kJoined, "bob", ""}));
}

TEST_F(ChatServerTest, AListenerThatWasDroppedMakesRoomForAnother) {
  Door ann = Join("ann");
  {
    auto dropped = Listen(ann, 1);
    EXPECT_FALSE(dropped.poll(scope_));
  }
  scope_.poll();
  auto listener = Listen(ann, 1);
  Join("bob");
  EXPECT_THAT(listener.wait(scope_).entries, SizeIs(1));
}

TEST_F(ChatServerTest, WhatWasAnsweredIsAnsweredAgainOnAnotherConnectionOnly) {
  Door ann = Join("ann");
  Join("bob");
  EXPECT_THAT(Listen(ann, 1).wait(scope_).entries, SizeIs(1));
  EXPECT_THAT(FailureOf(Listen(ann, 1)), testing::HasSubstr("was answered"));
  Door again = Join("ann");
  EXPECT_THAT(Listen(again, 1).wait(scope_).entries, SizeIs(1)) << "the answer was lost";
}

// --- Connections ---

TEST_F(ChatServerTest, AConnectionBelongsToOneMember) {
  Door ann = Join("ann");
  EXPECT_THAT(FailureOf(Ask(ann, "bob")), testing::HasSubstr("has joined already"));
  EXPECT_EQ(chat_.room().members(), 1u);
}

TEST_F(ChatServerTest, AConnectionOnWhichNobodyHasJoinedSaysNothing) {
  Door door = chat_.NewDoor();
  auto said = Say(door, 1, {"boo"});
  Advance(2 * kj::MILLISECONDS);
  EXPECT_TRUE(std::holds_alternative<Farewell>(said.wait(scope_)));
  EXPECT_EQ(chat_.room().last(), 0u);
}

TEST_F(ChatServerTest, AMemberWithoutAConnectionIsLetGoAfterItsGrace) {
  { Door ann = Join("ann"); }
  scope_.poll();
  Advance(14 * kj::SECONDS);
  EXPECT_EQ(chat_.room().members(), 1u);
  Advance(1 * kj::SECONDS);
  Advance(1 * kj::SECONDS);
  EXPECT_EQ(chat_.room().members(), 0u);
}

}  // namespace
}  // namespace millrace::chat
