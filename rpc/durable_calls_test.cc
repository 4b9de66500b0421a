#include "rpc/durable_calls.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rpc/caller.h"
#include "rpc/connection.h"
#include "rpc/status_exception.h"
#include "rpc/tiny_bank.h"
#include "storage/failpoint.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;

// Runs work when it is told to.
class HeldRunner final : public BlockingRunner {
 public:
  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override {
    if (!held) return work();
    auto pair = kj::newPromiseAndFulfiller<absl::Status>();
    waiting.push_back([work, done = std::make_shared<kj::Own<kj::PromiseFulfiller<absl::Status>>>(
                                 kj::mv(pair.fulfiller))]() { (*done)->fulfill(work()); });
    return kj::mv(pair.promise);
  }

  bool held = false;
  std::deque<std::function<void()>> waiting;
};

class DurableCallsTest : public testing::Test {
 protected:
  DurableCallsTest() {
    Remove();
    Start();
  }
  ~DurableCallsTest() noexcept override {
    Kill();
    Remove();
    EXPECT_TRUE(ArmFailpoints("", "").ok());
  }

  void Remove() {
    for (const char* end : {"", "-wal", "-journal"}) unlink((path_ + end).c_str());
  }

  void Start(CallTransaction transaction = TinyBank) {
    auto opened = DurableCalls::Open(path_, kTinyBankSchema, std::move(transaction), runner_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    calls_ = *std::move(opened);
    server_ = std::make_unique<CallServer>(timer_, CallServerOptions(), calls_->MakeService(),
                                           *calls_, calls_->TakeClients());
  }

  void Kill() {
    server_ends_.clear();
    server_ = nullptr;
    calls_ = nullptr;
    runner_.waiting.clear();
  }

  kj::Promise<kj::Own<Connection>> Dial() {
    if (server_ == nullptr) return KJ_EXCEPTION(DISCONNECTED, "nobody is there");
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    server_ends_.push_back(kj::heap<Connection>(kj::mv(pipe.ends[0]), Side::SERVER,
                                                server_->Welcome("a client"), "a client"));
    return kj::heap<Connection>(kj::mv(pipe.ends[1]), Side::CLIENT, nullptr, "the bank");
  }

  kj::Promise<std::string> Call(CallMode mode, const std::string& request) {
    return caller_.Call(mode, request).then([](CallResult result) {
      const char* const words[] = {"done ", "refused ", "unknown "};
      return words[static_cast<int>(result.end)] + result.bytes;
    });
  }
  std::string CallNow(const std::string& request) {
    return Call(CallMode::kExactlyOnce, request).wait(scope_);
  }

  void RunWhatIsHeld() {
    for (; !runner_.waiting.empty(); scope_.poll()) {
      runner_.waiting.front()();
      runner_.waiting.pop_front();
    }
  }

  void Pass(kj::Duration time) {
    const kj::TimePoint end = timer_.now() + time;
    scope_.poll();
    while (timer_.now() < end) {
      timer_.advanceTo(timer_.now() + 10 * kj::MILLISECONDS);
      scope_.poll();
    }
  }

  const std::string path_ = testing::TempDir() + "/durable." + std::to_string(getpid()) + ".sqlite";
  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>() + 1 * kj::HOURS};
  HeldRunner runner_;
  std::unique_ptr<DurableCalls> calls_;
  std::unique_ptr<CallServer> server_;
  std::vector<kj::Own<Connection>> server_ends_;
  Caller caller_{timer_, "the bank", [this]() { return Dial(); }};
};

TEST_F(DurableCallsTest, CallsHaveTheirEffectAndTheirReply) {
  EXPECT_EQ(CallNow("deduct 10"), "done 90");
  EXPECT_EQ(CallNow("deduct 20"), "done 70");
  EXPECT_EQ(CallNow("deduct 80"), "refused too little money");
  EXPECT_EQ(CallNow("balance"), "done 70");
}

TEST_F(DurableCallsTest, PlainCallsHaveTheirEffectAndNothingIsKeptOfThem) {
  EXPECT_EQ(Call(CallMode::kPlain, "deduct 10").wait(scope_), "done 90");
  EXPECT_EQ(Call(CallMode::kAtLeastOnce, "deduct 10").wait(scope_), "done 80");
  Kill();
  Start();
  EXPECT_EQ(server_->clients(), 0u);
}

TEST_F(DurableCallsTest, AClientGoesOnWithItsSessionAfterARestart) {
  EXPECT_EQ(CallNow("deduct 10"), "done 90");
  Kill();
  Start();
  EXPECT_EQ(server_->clients(), 1u);
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(call.wait(scope_), "done 80");
  EXPECT_EQ(server_->clients(), 1u);
}

TEST_F(DurableCallsTest, ACallIsAnsweredWhenItIsCommitted) {
  CallNow("balance");
  runner_.held = true;
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  EXPECT_FALSE(call.poll(scope_));
  RunWhatIsHeld();
  EXPECT_EQ(call.wait(scope_), "done 90");
}

TEST_F(DurableCallsTest, ACallWhoseReplyWasCommittedAndNotSentIsNotExecutedAgain) {
  CallNow("balance");
  runner_.held = true;
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  EXPECT_FALSE(call.poll(scope_));
  server_ends_.clear();
  RunWhatIsHeld();
  Kill();
  Start();
  EXPECT_EQ(server_->replies(), 1u);
  runner_.held = false;
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(call.wait(scope_), "done 90");
  EXPECT_EQ(CallNow("balance"), "done 90");
}

TEST_F(DurableCallsTest, ACallThatWasNotCommittedIsExecutedAgain) {
  CallNow("balance");
  runner_.held = true;
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  EXPECT_FALSE(call.poll(scope_));
  ASSERT_EQ(runner_.waiting.size(), 1u);
  Kill();
  Start();
  runner_.held = false;
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(call.wait(scope_), "done 90");
}

TEST_F(DurableCallsTest, CallsThatWaitShareATransaction) {
  CallNow("balance");
  const uint64_t before = calls_->commits();
  runner_.held = true;
  std::vector<kj::Promise<std::string>> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(Call(CallMode::kExactlyOnce, "deduct " + std::to_string(i % 3)));
    scope_.poll();
  }
  RunWhatIsHeld();
  for (auto& call : all) EXPECT_EQ(call.wait(scope_).substr(0, 4), "done");
  EXPECT_EQ(calls_->commits() - before, 2u);  // the first one alone, then all that waited
  runner_.held = false;
  EXPECT_EQ(CallNow("balance"), "done 51");
}

TEST_F(DurableCallsTest, AClientThatFallsSilentIsForgottenOnTheDiskToo) {
  CallNow("deduct 10");
  Pass(61 * kj::SECONDS);
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  Pass(1 * kj::SECONDS);
  EXPECT_EQ(call.wait(scope_), "done 80");
  Kill();
  Start();
  EXPECT_EQ(server_->clients(), 1u);
  EXPECT_EQ(server_->replies(), 1u);
}

TEST_F(DurableCallsTest, WhenTheDatabaseFailsNobodyIsToldAnythingAndTheNextStartKnows) {
  CallNow("balance");
  auto failure = calls_->Failure();
  EXPECT_FALSE(failure.poll(scope_));
  ASSERT_TRUE(ArmFailpoints("call.before_commit:fail", "").ok());
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  Pass(1 * kj::SECONDS);
  EXPECT_THROW(failure.wait(scope_), kj::Exception);
  EXPECT_FALSE(call.poll(scope_));

  Kill();
  Start();
  Pass(10 * kj::SECONDS);
  EXPECT_EQ(call.wait(scope_), "done 90");
}

// Who asks another server, or later, must not be told by what the disk of this one says.
TEST_F(DurableCallsTest, AFullDiskIsAFailureAndNoTroubleThatPasses) {
  Kill();
  Start([](sqlite3&, const CallHeader&, const std::string&) -> absl::StatusOr<CallReply> {
    return absl::ResourceExhaustedError("the disk is full");
  });
  auto call = Call(CallMode::kExactlyOnce, "deduct 10");
  Pass(1 * kj::SECONDS);
  EXPECT_FALSE(call.poll(scope_));
  bool may_pass = true;
  std::string why;
  calls_->Failure()
      .catch_([&](kj::Exception&& e) {
        may_pass = MayPass(e);
        why = std::string(ToStatus(e).message());
      })
      .wait(scope_);
  EXPECT_FALSE(may_pass);
  EXPECT_EQ(why, "the disk is full");
}

}  // namespace
}  // namespace millrace
