#include "rpc/redialer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;
using Type = kj::Exception::Type;

const BackoffOptions kBackoff = {100 * kj::MILLISECONDS, 5 * kj::SECONDS};

class RedialerTest : public testing::Test {
 protected:
  RedialerTest() : scope_(loop_), timer_(kj::origin<kj::TimePoint>()) {}
  ~RedialerTest() noexcept override {}

  // The peer: there, or not.
  kj::Promise<kj::Own<Connection>> DialPeer() {
    ++dials_;
    if (!peer_is_there_) return Trouble(failure_);
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    peer_ = kj::heap<Connection>(kj::mv(pipe.ends[0]), Side::SERVER, nullptr, "client");
    return kj::heap<Connection>(kj::mv(pipe.ends[1]), Side::CLIENT, nullptr, "master");
  }
  DialFunction Dialling() {
    return [this]() { return DialPeer(); };
  }

  kj::Exception Trouble(Type type) {
    return kj::Exception(type, __FILE__, __LINE__, kj::str("no master"));
  }

  kj::Promise<void> StartSession(Connection& connection) {
    ++sessions_;
    auto pair = kj::newPromiseAndFulfiller<void>();
    session_ = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }

  void StartRedialer() {
    redialer_ = kj::heap<Redialer>(timer_, "master", kBackoff, /*seed=*/1, Dialling(),
                                   [this](Connection& c) { return StartSession(c); });
    run_ = redialer_->Run().eagerlyEvaluate(nullptr);
    scope_.poll();
  }

  void Advance(kj::Duration time) {
    const kj::TimePoint end = timer_.now() + time;
    while (timer_.now() < end) {
      timer_.advanceTo(timer_.now() + 10 * kj::MILLISECONDS);
      scope_.poll();
    }
  }

  int dials_ = 0;
  int sessions_ = 0;
  bool peer_is_there_ = true;
  Type failure_ = Type::DISCONNECTED;
  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TimerImpl timer_;
  kj::Own<Connection> peer_;
  kj::Own<kj::PromiseFulfiller<void>> session_;
  kj::Own<Redialer> redialer_;
  kj::Promise<void> run_ = nullptr;
};

TEST_F(RedialerTest, ASessionThatIsDoneEndsIt) {
  StartRedialer();
  EXPECT_EQ(sessions_, 1);
  session_->fulfill();
  run_.wait(scope_);
}

TEST_F(RedialerTest, ALostConnectionBeginsANewSession) {
  StartRedialer();
  Advance(10 * kj::SECONDS);
  peer_ = nullptr;
  Advance(100 * kj::MILLISECONDS);
  EXPECT_EQ(sessions_, 2);
}

TEST_F(RedialerTest, ASessionThatFailsForNowBeginsANewOne) {
  StartRedialer();
  session_->reject(Trouble(Type::OVERLOADED));
  Advance(100 * kj::MILLISECONDS);
  EXPECT_EQ(sessions_, 2);
}

TEST_F(RedialerTest, WhatAnotherTryCannotMendEndsIt) {
  for (Type type : {Type::FAILED, Type::UNIMPLEMENTED}) {
    peer_is_there_ = false;
    failure_ = type;
    dials_ = 0;
    StartRedialer();
    Advance(10 * kj::SECONDS);
    EXPECT_EQ(dials_, 1);
    EXPECT_THROW(run_.wait(scope_), kj::Exception);
  }
}

TEST_F(RedialerTest, TriesAgainForAsLongAsItTakesButNotOften) {
  peer_is_there_ = false;
  StartRedialer();
  Advance(60 * kj::SECONDS);
  EXPECT_GE(dials_, 60 / 5);
  EXPECT_LE(dials_, 60 / 2.5 + 7);
  peer_is_there_ = true;
  Advance(5 * kj::SECONDS);
  EXPECT_EQ(sessions_, 1);
}

// A master that takes connections and drops them must not be hammered.
TEST_F(RedialerTest, SessionsThatEndAtOnceMakeItSlowerToo) {
  StartRedialer();
  for (int i = 0; i < 600; ++i) {
    peer_ = nullptr;
    Advance(100 * kj::MILLISECONDS);
  }
  EXPECT_LE(sessions_, 60 / 2.5 + 7);
}

TEST_F(RedialerTest, CanBeDroppedInTheMiddle) {
  StartRedialer();
  run_ = nullptr;
  EXPECT_TRUE(peer_->OnDisconnect().poll(scope_));  // the connection went with it
}

TEST_F(RedialerTest, DialUntilWaitsForAPeerThatStarts) {
  peer_is_there_ = false;
  auto dial = DialUntil(timer_, 30 * kj::SECONDS, Backoff(kBackoff, 1), Dialling())
                  .eagerlyEvaluate(nullptr);
  Advance(10 * kj::SECONDS);
  EXPECT_FALSE(dial.poll(scope_));
  peer_is_there_ = true;
  Advance(5 * kj::SECONDS);
  dial.wait(scope_)->Ping().wait(scope_);
}

TEST_F(RedialerTest, DialUntilGivesUpWithTheLastFailure) {
  peer_is_there_ = false;
  auto dial = DialUntil(timer_, 30 * kj::SECONDS, Backoff(kBackoff, 1), Dialling())
                  .eagerlyEvaluate(nullptr);
  Advance(30 * kj::SECONDS);
  try {
    dial.wait(scope_);
    FAIL();
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), Type::DISCONNECTED);
    EXPECT_STREQ(e.getDescription().cStr(), "no master (tried for 30 s)");
  }
}

TEST_F(RedialerTest, DialUntilDoesNotRepeatWhatCannotBeMended) {
  peer_is_there_ = false;
  failure_ = Type::FAILED;
  auto dial = DialUntil(timer_, 30 * kj::SECONDS, Backoff(kBackoff, 1), Dialling());
  EXPECT_THROW(dial.wait(scope_), kj::Exception);
  EXPECT_EQ(dials_, 1);
}

}  // namespace
}  // namespace millrace
