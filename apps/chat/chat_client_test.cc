// A client and a server that says what a test wants. Chats with a real one: tests/chat.
#include "apps/chat/chat_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/chat/chat_wire.h"
#include "rpc/data_bytes.h"

namespace millrace::chat {
namespace {

using capnp::rpc::twoparty::Side;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What all connections to the server share.
struct Book {
  std::vector<bool> again;                        // of each request to join
  std::vector<std::string> sessions;              // of each, too
  std::optional<JoinOutcome> answer = Welcome();  // none: no answer
};

class ScriptedRoom final : public capnp_chat::ChatRoom::Server {
 public:
  explicit ScriptedRoom(Book& book) : book_(book) {}

  kj::Promise<void> join(JoinContext context) override {
    book_.again.push_back(context.getParams().getAgain());
    book_.sessions.emplace_back(ToBytes(context.getParams().getSession()));
    if (!book_.answer.has_value()) return kj::NEVER_DONE;
    Write(*book_.answer, /*grace_ms=*/15'000, context.getResults().initOutcome());
    return kj::READY_NOW;
  }
  kj::Promise<void> say(SayContext) override { return kj::NEVER_DONE; }
  kj::Promise<void> listen(ListenContext) override { return kj::NEVER_DONE; }

 private:
  Book& book_;
};

class DarkScreen final : public Screen {
 public:
  void Show(const std::string&) override {}
  kj::Promise<void> Shown() override { return kj::READY_NOW; }
  void Note(const std::string&) override {}
};

class ChatClientTest : public testing::Test {
 protected:
  ~ChatClientTest() noexcept override {}

  void Begin() {
    ChatClientOptions options;
    options.name = "ann";
    options.session = std::string(16, 's');
    options.server = "server:7300";
    client_ = kj::heap<ChatClient>(
        timer_, [this]() { return Dial(); }, screen_, options);
    run_ = client_->Run().then([this](ChatEnd end) { end_ = std::move(end); });
    run_.poll(scope_);
  }

  kj::Promise<kj::Own<Connection>> Dial() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    capnp::Capability::Client room = nullptr;
    if (is_a_room_) room = kj::heap<ScriptedRoom>(book_);
    server_ = kj::heap<Connection>(kj::mv(pipe.ends[0]), Side::SERVER, kj::mv(room), "ann");
    return kj::heap<Connection>(kj::mv(pipe.ends[1]), Side::CLIENT, nullptr, "server");
  }

  void LoseTheConnection() {
    server_ = nullptr;
    scope_.poll();
    timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
    scope_.poll();
  }

  Book book_;
  bool is_a_room_ = true;
  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  kj::Own<Connection> server_;
  DarkScreen screen_;
  kj::Own<ChatClient> client_;
  kj::Promise<void> run_ = nullptr;
  ChatEnd end_;
};

// The room would make a second member of it.
TEST_F(ChatClientTest, WhoWasWelcomeSaysSoOnTheNextConnection) {
  Begin();
  EXPECT_THAT(book_.again, ElementsAre(false));
  LoseTheConnection();
  LoseTheConnection();
  EXPECT_THAT(book_.again, ElementsAre(false, true, true));
  EXPECT_EQ(book_.sessions[0], book_.sessions[1]);
  EXPECT_EQ(book_.sessions[0], book_.sessions[2]);
}

// The room may not have heard of it at all.
TEST_F(ChatClientTest, WhoNeverHeardAWelcomeIsNewOnTheNextConnectionToo) {
  book_.answer = std::nullopt;
  Begin();
  LoseTheConnection();
  EXPECT_THAT(book_.again, ElementsAre(false, false));
}

TEST_F(ChatClientTest, WhatARoomHasForgottenMayHaveBeenHeard) {
  Begin();
  auto typed = client_->Type("hello");
  scope_.poll();
  book_.answer = Farewell{"unknown", /*taken=*/0, /*forgotten=*/true};
  LoseTheConnection();
  run_.wait(scope_);
  EXPECT_EQ(end_.reason, "you are not in the room any more: unknown");
  EXPECT_THAT(end_.unheard, ElementsAre("hello"));
  EXPECT_TRUE(end_.forgotten);
}

TEST_F(ChatClientTest, ReasonsAreFitForATerminal) {
  book_.answer = Refused{"\x1b[2Jno"};
  Begin();
  run_.wait(scope_);
  EXPECT_EQ(end_.reason, "?[2Jno");
  EXPECT_THAT(end_.unheard, IsEmpty());
}

TEST_F(ChatClientTest, AServerOfAnotherKindIsNamed) {
  is_a_room_ = false;
  Begin();
  run_.wait(scope_);
  EXPECT_THAT(end_.reason,
              AllOf(HasSubstr("server:7300 serves no chat room: "), HasSubstr("check --server")));
}

}  // namespace
}  // namespace millrace::chat
