#include "rpc/caller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rpc/call.capnp.h"
#include "rpc/call_fixture.h"

namespace millrace {
namespace {

constexpr CallMode kAllModes[] = {CallMode::kPlain, CallMode::kAtLeastOnce, CallMode::kAtMostOnce,
                                  CallMode::kExactlyOnce};
constexpr CallMode kOnceModes[] = {CallMode::kAtMostOnce, CallMode::kExactlyOnce};

class CallerTest : public CallFixture {
 protected:
  CallerTest() {
    options_.entropy = CountingEntropy();
    NewCaller();
  }
  ~CallerTest() noexcept override {}

  void NewCaller() {
    caller_ = std::make_unique<Caller>(
        timer_, "the bank", [this]() { return Dial(); }, options_);
  }

  // "done X", "refused X" or "unknown X".
  kj::Promise<std::string> Call(CallMode mode, const std::string& request) {
    return caller_->Call(mode, request).then([](CallResult result) {
      const char* const words[] = {"done ", "refused ", "unknown "};
      return words[static_cast<int>(result.end)] + result.bytes;
    });
  }

  // What the call is known to be by now; "" while it is tried.
  std::string Peek(kj::Promise<std::string>& call) {
    return call.poll(scope_) ? call.wait(scope_) : "";
  }

  CallerOptions options_;
  std::unique_ptr<Caller> caller_;
};

TEST_F(CallerTest, ACallIsDoneInEveryMode) {
  for (CallMode mode : kAllModes) EXPECT_EQ(Call(mode, "say hello").wait(scope_), "done hello");
  EXPECT_EQ(executed_.size(), 4u);
  EXPECT_EQ(dials_, 1);
}

TEST_F(CallerTest, ARefusalIsARefusalInEveryMode) {
  for (CallMode mode : kAllModes) EXPECT_EQ(Call(mode, "refuse no").wait(scope_), "refused no");
}

TEST_F(CallerTest, BytesOfAnyKindGoThereAndBack) {
  const std::string bytes("\0\xff\n", 3);
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "say " + bytes).wait(scope_), "done " + bytes);
}

TEST_F(CallerTest, NothingIsDialledBeforeThereIsACall) {
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(dials_, 0);
}

TEST_F(CallerTest, TheServerForgetsWhatTheCallerHasSeen) {
  for (int i = 0; i < 100; ++i) Call(CallMode::kAtMostOnce, "say hello").wait(scope_);
  EXPECT_EQ(server_->replies(), 1u);
}

TEST_F(CallerTest, ACallIsKnownBy128RandomBitsOfItsClientAndANumberFromOneUp) {
  options_.entropy = KernelEntropy();
  for (int life = 0; life < 2; ++life) {
    NewCaller();
    for (int i = 0; i < 3; ++i) Call(CallMode::kAtMostOnce, "say hello").wait(scope_);
  }
  ASSERT_EQ(headers_.size(), 6u);
  for (size_t i = 0; i < headers_.size(); ++i) {
    EXPECT_EQ(headers_[i].sequence, i % 3 + 1);
    EXPECT_EQ(headers_[i].client, headers_[i / 3 * 3].client);
  }
  const ClientId first = headers_[0].client, second = headers_[3].client;
  for (uint64_t half : {first.low, second.high, second.low}) EXPECT_NE(half, first.high);
  for (uint64_t half : {second.high, second.low}) EXPECT_NE(half, first.low);
}

TEST_F(CallerTest, ReadsNeedNoEntry) {
  for (CallMode mode : {CallMode::kPlain, CallMode::kAtLeastOnce}) {
    Call(mode, "say hello").wait(scope_);
  }
  EXPECT_EQ(server_->clients(), 0u);
  EXPECT_EQ(server_->replies(), 0u);
}

// --- Servers that cannot be reached ---

TEST_F(CallerTest, ACallWaitsForAServerThatStarts) {
  KillServer();
  for (CallMode mode : kAllModes) {
    auto call = Call(mode, "say hello");
    Pass(3 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "");
    StartServer();
    Pass(6 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "done hello");
    KillServer();
    NewCaller();
  }
}

TEST_F(CallerTest, ACallThatWasNeverSentIsRefusedInTheEnd) {
  KillServer();
  for (CallMode mode : {CallMode::kPlain, CallMode::kAtLeastOnce, CallMode::kAtMostOnce}) {
    auto call = Call(mode, "say hello");
    Pass(29 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "");
    Pass(1 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "refused no answer from the bank within 30 s: nobody is there");
  }
}

TEST_F(CallerTest, AnExactlyOnceCallIsTriedForEver) {
  KillServer();
  auto call = Call(CallMode::kExactlyOnce, "say hello");
  Pass(600 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "");
  StartServer();
  Pass(6 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "done hello");
}

TEST_F(CallerTest, WhatAnotherTryCannotMendEndsTheCallAndTheNextTriesAgain) {
  bool refuses = true;
  caller_ = std::make_unique<Caller>(
      timer_, "the bank",
      [&]() -> kj::Promise<kj::Own<Connection>> {
        if (refuses) return KJ_EXCEPTION(FAILED, "another key");
        return Dial();
      },
      options_);
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "say hello").wait(scope_), "refused another key");
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "say hello").wait(scope_), "refused another key");
  refuses = false;
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "say hello").wait(scope_), "done hello");
}

// --- Connections that break under a call ---

TEST_F(CallerTest, APlainCallWhoseConnectionBreaksIsUnknownAndIsNotSentAgain) {
  auto call = Call(CallMode::kPlain, "hold it");
  scope_.poll();
  ASSERT_EQ(executed_.size(), 1u);
  BreakConnections();
  Pass(10 * kj::SECONDS);
  const std::string why = "unknown calling the bank: ";
  EXPECT_EQ(Peek(call).substr(0, why.size()), why);
  EXPECT_EQ(executed_.size(), 1u);
}

// It says so of calls that have none.
class ServerWithoutSessions final : public capnp_call::CallServer::Server {
 public:
  explicit ServerWithoutSessions(int* calls) : calls_(*calls) {}

  kj::Promise<void> callPlainly(CallPlainlyContext context) override {
    ++calls_;
    context.getResults().initOutcome().setSessionExpired();
    return kj::READY_NOW;
  }

 private:
  int& calls_;
};

TEST_F(CallerTest, APlainCallIsNotSentAgainWhateverTheServerSays) {
  int calls = 0;
  std::vector<kj::Own<Connection>> ends;
  caller_ = std::make_unique<Caller>(
      timer_, "the bank",
      [&]() -> kj::Promise<kj::Own<Connection>> {
        kj::TwoWayPipe pipe = kj::newTwoWayPipe();
        ends.push_back(kj::heap<Connection>(
            kj::mv(pipe.ends[0]), capnp::rpc::twoparty::Side::SERVER,
            capnp_call::CallServer::Client(kj::heap<ServerWithoutSessions>(&calls))));
        return kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT,
                                    nullptr, "the server");
      },
      options_);
  for (int expected : {1, 2}) {  // the second is sent before it returns
    EXPECT_EQ(Call(CallMode::kPlain, "deduct 10").wait(scope_),
              "unknown the server answers what makes no sense");
    EXPECT_EQ(calls, expected);
  }
  caller_ = nullptr;
}

TEST_F(CallerTest, APlainCallWhoseServerIsKilledIsUnknown) {
  auto call = Call(CallMode::kPlain, "hold it");
  scope_.poll();
  ASSERT_EQ(executed_.size(), 1u);
  KillServer();
  StartServer();
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(Peek(call).substr(0, 7), "unknown");
  EXPECT_EQ(executed_.size(), 1u);
}

TEST_F(CallerTest, AnAtLeastOnceCallRunsAgainWhenItsConnectionBreaks) {
  auto call = Call(CallMode::kAtLeastOnce, "hold it");
  scope_.poll();
  BreakConnections();
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(executed_.size(), 2u);
  Release("it");
  EXPECT_EQ(Peek(call), "done it");
}

TEST_F(CallerTest, AnAtMostOnceCallGetsItsReplyOverTheNextConnection) {
  for (CallMode mode : kOnceModes) {
    executed_.clear();
    auto call = Call(mode, "hold it");
    scope_.poll();
    BreakConnections();
    Pass(1 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "");
    Release("it");
    EXPECT_EQ(Peek(call), "done it");
    EXPECT_EQ(executed_.size(), 1u);
  }
}

TEST_F(CallerTest, AReplyThatIsLostWithItsConnectionIsKeptForTheNextOne) {
  auto call = Call(CallMode::kAtMostOnce, "hold it");
  scope_.poll();
  BreakConnections();
  Release("it");  // nobody hears it
  EXPECT_EQ(Peek(call), "");
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "done it");
  EXPECT_EQ(executed_.size(), 1u);
}

// The server may have executed it before it was killed, and has forgotten.
TEST_F(CallerTest, AnAtMostOnceCallIsUnknownWhenItsServerHasForgottenItsSession) {
  for (CallMode mode : kOnceModes) {
    executed_.clear();
    auto call = Call(mode, "hold it");
    scope_.poll();
    ASSERT_EQ(executed_.size(), 1u);
    KillServer();
    StartServer();
    Pass(10 * kj::SECONDS);
    EXPECT_EQ(Peek(call).substr(0, 7), "unknown");
    EXPECT_EQ(executed_.size(), 1u);
    EXPECT_EQ(Call(mode, "say next").wait(scope_), "done next");
  }
}

TEST_F(CallerTest, OfTwoCallsThatWereSentBothAreUnknownThen) {
  auto first = Call(CallMode::kAtMostOnce, "hold one");
  auto second = Call(CallMode::kAtMostOnce, "hold two");
  scope_.poll();
  KillServer();
  StartServer();
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(Peek(first).substr(0, 7), "unknown");
  EXPECT_EQ(Peek(second).substr(0, 7), "unknown");
  EXPECT_EQ(executed_.size(), 2u);
}

// A connection may stand with nobody at its other end, and no bytes under way to tell.
TEST_F(CallerTest, ACallToAServerThatAnswersNoPingsIsSentOverANewConnection) {
  kj::Own<kj::AsyncIoStream> frozen_end;
  caller_ = std::make_unique<Caller>(
      timer_, "the bank",
      [&]() -> kj::Promise<kj::Own<Connection>> {
        if (frozen_end.get() != nullptr) return Dial();
        kj::TwoWayPipe pipe = kj::newTwoWayPipe();
        frozen_end = kj::mv(pipe.ends[0]);
        return kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT,
                                    nullptr, "the bank");
      },
      options_);
  auto call = Call(CallMode::kExactlyOnce, "say hello");
  Pass(14 * kj::SECONDS);
  EXPECT_EQ(dials_, 0);
  Pass(2 * kj::SECONDS);
  EXPECT_EQ(dials_, 1);
  EXPECT_EQ(Peek(call), "done hello");
}

// --- Sessions ---

TEST_F(CallerTest, ACallerThatWasSilentForItsLeaseGoesOnInANewSession) {
  Call(CallMode::kAtMostOnce, "say hello").wait(scope_);
  Pass(61 * kj::SECONDS);
  auto call = Call(CallMode::kAtMostOnce, "say hello again");
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "done hello again");
  EXPECT_EQ(executed_.size(), 2u);
}

TEST_F(CallerTest, AnIdleCallerGoesOnWithAServerThatWasStartedAgain) {
  Call(CallMode::kAtMostOnce, "say hello").wait(scope_);
  KillServer();
  StartServer();
  Pass(10 * kj::SECONDS);
  auto call = Call(CallMode::kAtMostOnce, "say hello again");
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "done hello again");
}

// Another call has found out that the server has forgotten, and has opened a new session: what was
// sent in the old one must not run again in the new one.
TEST_F(CallerTest, ACallThatWasSentInAnEarlierSessionIsUnknown) {
  auto call = Call(CallMode::kExactlyOnce, "hold it");
  for (int i = 0; i < 6; ++i) {  // so that it is tried again seconds later
    Pass(6 * kj::SECONDS);
    BreakConnections();
  }
  KillServer();
  StartServer();
  scope_.poll();
  auto other = Call(CallMode::kExactlyOnce, "say hello");
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(Peek(other), "done hello");
  EXPECT_EQ(Peek(call), "");
  Pass(5 * kj::SECONDS);
  EXPECT_EQ(Peek(call).substr(0, 7), "unknown");
  EXPECT_EQ(executed_.size(), 2u);
}

// --- Deadlines ---

// The server has said so of its only copy.
TEST_F(CallerTest, ACallOfAnExpiredSessionWasNotExecuted) {
  Call(CallMode::kAtMostOnce, "say hello").wait(scope_);
  Pass(61 * kj::SECONDS);
  auto call = Call(CallMode::kAtMostOnce, "say hello again");
  scope_.poll();
  KillServer();
  Pass(30 * kj::SECONDS);
  EXPECT_EQ(Peek(call), "refused no answer from the bank within 30 s: nobody is there");
  EXPECT_EQ(executed_.size(), 1u);
}

TEST_F(CallerTest, ACallThatWasSentAndNotAnsweredIsUnknown) {
  for (CallMode mode : {CallMode::kPlain, CallMode::kAtLeastOnce, CallMode::kAtMostOnce}) {
    auto call = Call(mode, "hold it");
    Pass(30 * kj::SECONDS);
    EXPECT_EQ(Peek(call), "unknown no answer from the bank within 30 s");
  }
}

TEST_F(CallerTest, ACallThatIsSlowIsNotSentAgain) {
  auto call = Call(CallMode::kAtLeastOnce, "hold it");
  Pass(29 * kj::SECONDS);
  EXPECT_EQ(executed_.size(), 1u);
  Release("it");
  EXPECT_EQ(Peek(call), "done it");
}

TEST_F(CallerTest, ACallThatHasToWaitForRoomIsTriedAgain) {
  server_options_.max_unseen_per_client = 1;
  KillServer();
  StartServer();
  auto first = Call(CallMode::kAtMostOnce, "hold one");
  auto second = Call(CallMode::kAtMostOnce, "say two");
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(executed_, std::vector<std::string>{"hold one"});
  Release("one");
  EXPECT_EQ(Peek(first), "done one");
  Pass(2 * kj::SECONDS);
  EXPECT_EQ(Peek(second), "done two");
}

TEST_F(CallerTest, MoreCallsThanMayWaitAreRefused) {
  options_.max_outstanding = 2;
  NewCaller();
  auto first = Call(CallMode::kAtMostOnce, "hold it");
  auto second = Call(CallMode::kPlain, "hold that");
  EXPECT_EQ(Call(CallMode::kPlain, "say hello").wait(scope_),
            "refused 2 calls wait for the bank already");
  scope_.poll();
  Release("that");
  EXPECT_EQ(second.wait(scope_), "done that");
  EXPECT_EQ(Call(CallMode::kPlain, "say hello").wait(scope_), "done hello");
}

// A server that holds them answers pings all the same.
TEST_F(CallerTest, RequestsAreBoundedInAllSoThatTheServerReadsOn) {
  std::vector<kj::Promise<std::string>> calls;
  for (char c : {'a', 'b', 'c'}) {
    calls.push_back(Call(CallMode::kPlain, "hold " + std::string(15u << 20, c)));
  }
  EXPECT_EQ(Call(CallMode::kPlain, std::string(15u << 20, 'd')).wait(scope_).substr(0, 7),
            "refused");
  Pass(29 * kj::SECONDS);
  EXPECT_EQ(dials_, 1);
  for (auto& call : calls) EXPECT_EQ(Peek(call), "");
}

TEST_F(CallerTest, ARequestThatIsTooLongIsRefused) {
  EXPECT_EQ(
      Call(CallMode::kAtMostOnce, std::string(kMaxMessageBytes, 'x')).wait(scope_).substr(0, 7),
      "refused");
}

// --- Calls that are dropped ---

TEST_F(CallerTest, APlainCallThatIsDroppedIsCancelledAtTheServer) {
  {
    auto call = Call(CallMode::kPlain, "hold it");
    scope_.poll();
    ASSERT_EQ(executed_.size(), 1u);
  }
  scope_.poll();
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(CallerTest, AnAtMostOnceCallThatIsDroppedRunsToItsEndAndIsForgotten) {
  {
    auto call = Call(CallMode::kAtMostOnce, "hold it");
    scope_.poll();
    ASSERT_EQ(executed_.size(), 1u);
  }
  scope_.poll();
  EXPECT_EQ(cancelled_, 0);
  Call(CallMode::kAtMostOnce, "say next").wait(scope_);
  Release("it");
  EXPECT_EQ(server_->replies(), 1u);  // the next one's
}

TEST_F(CallerTest, CallsMayBeDroppedAtAnyMoment) {
  KillServer();
  for (CallMode mode : kAllModes) Call(mode, "say hello");
  scope_.poll();
  for (CallMode mode : kAllModes) {
    auto waiting = Call(mode, "say hello");
    Pass(1 * kj::SECONDS);
  }
  StartServer();
  EXPECT_EQ(executed_.size(), 0u);
}

// --- Many at a time ---

TEST_F(CallerTest, OneCallThatFailsDoesNotDisturbOthers) {
  auto before = Call(CallMode::kAtMostOnce, "hold before");
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "throw glass").wait(scope_), "refused glass");
  EXPECT_EQ(Call(CallMode::kAtMostOnce, "say after").wait(scope_), "done after");
  Release("before");
  EXPECT_EQ(Peek(before), "done before");
}

// A thousand calls are under way on one connection, and end in a random order.
TEST_F(CallerTest, EveryReplyMatchesItsCall) {
  constexpr size_t kCalls = 1000;
  for (CallMode mode : kAllModes) {
    std::vector<kj::Promise<std::string>> calls;
    std::vector<size_t> order;
    for (size_t i = 0; i < kCalls; ++i) {
      calls.push_back(Call(mode, "hold " + std::to_string(i)));
      order.push_back(i);
    }
    scope_.poll();
    ASSERT_EQ(held_.size(), kCalls);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    for (size_t i : order) held_[std::to_string(i)].at(0)->fulfill();
    for (size_t i = 0; i < kCalls; ++i) {
      ASSERT_EQ(calls[i].wait(scope_), "done " + std::to_string(i));
    }
    held_.clear();
  }
  EXPECT_EQ(executed_.size(), 4 * kCalls);
  EXPECT_EQ(dials_, 1);
}

}  // namespace
}  // namespace millrace
