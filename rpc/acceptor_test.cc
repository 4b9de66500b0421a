#include "rpc/acceptor.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "rpc/handshake.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;

// A listener whose connections and failures a test makes.
class FakeReceiver final : public kj::ConnectionReceiver {
 public:
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    ++accepts;
    if (failures > 0) {
      --failures;
      return KJ_EXCEPTION(OVERLOADED, "accept(): Too many open files");
    }
    if (!waiting_.empty()) {
      kj::Own<kj::AsyncIoStream> stream = kj::mv(waiting_.front());
      waiting_.pop_front();
      return kj::mv(stream);
    }
    auto pair = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
    fulfiller_ = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }

  uint getPort() override { return 7070; }

  // A new connection; returns the dialler's end.
  kj::Own<kj::AsyncIoStream> Connect() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    if (fulfiller_.get() != nullptr && fulfiller_->isWaiting()) {
      fulfiller_->fulfill(kj::mv(pipe.ends[0]));
    } else {
      waiting_.push_back(kj::mv(pipe.ends[0]));
    }
    return kj::mv(pipe.ends[1]);
  }

  int accepts = 0;
  int failures = 0;

 private:
  std::deque<kj::Own<kj::AsyncIoStream>> waiting_;
  kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> fulfiller_;
};

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() : scope_(loop_), timer_(kj::origin<kj::TimePoint>()) {}
  ~AcceptorTest() noexcept override {}

  void Start(AcceptorLimits limits = {}) {
    auto receiver = kj::heap<FakeReceiver>();
    listener_ = receiver.get();
    acceptor_ = kj::heap<Acceptor>(
        timer_, kj::mv(receiver), ConnectionOptions(), std::vector<Role>{Role::kWorker},
        [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
          welcome_.push_back(kj::mv(stream));
        },
        limits);
    run_ = acceptor_->Run().eagerlyEvaluate(nullptr);
    scope_.poll();
  }

  void Advance(kj::Duration time) {
    timer_.advanceTo(timer_.now() + time);
    scope_.poll();
  }

  // A worker that comes with its preamble: whether it is let in at once.
  bool LetsIn(kj::AsyncIoStream& stream) {
    kj::Promise<bool> offer =
        OfferPreamble(stream, Role::kWorker, ClusterKey::None(), KernelEntropy(), "master")
            .then([]() { return true; }, [](kj::Exception&&) { return false; });
    return offer.poll(scope_) && offer.wait(scope_);
  }
  bool LetsIn() {
    diallers_.push_back(listener_->Connect());
    return LetsIn(*diallers_.back());
  }

  bool IsClosed(kj::AsyncIoStream& stream) { return stream.readAllBytes().poll(scope_); }

  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TimerImpl timer_;
  FakeReceiver* listener_ = nullptr;
  std::vector<kj::Own<kj::AsyncIoStream>> diallers_;
  std::vector<kj::Own<kj::AsyncIoStream>> welcome_;
  kj::Own<Acceptor> acceptor_;
  kj::Promise<void> run_ = nullptr;
};

TEST_F(AcceptorTest, HandsOnWhoeverPassesThePreamble) {
  Start();
  EXPECT_TRUE(LetsIn());
  EXPECT_TRUE(LetsIn());
  EXPECT_EQ(welcome_.size(), 2u);
}

TEST_F(AcceptorTest, StrangersBytesCostTheirConnectionOnly) {
  Start();
  auto stranger = listener_->Connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: master:7070\r\n\r\n";
  kj::Promise<void> sent = stranger->write(request.data(), request.size());
  sent = sent.catch_([](kj::Exception&&) {}).eagerlyEvaluate(nullptr);
  EXPECT_TRUE(IsClosed(*stranger));
  EXPECT_TRUE(LetsIn());
}

TEST_F(AcceptorTest, WhoSaysNothingIsCutOffAfterFiveSeconds) {
  Start();
  auto silent = listener_->Connect();
  scope_.poll();
  Advance(4999 * kj::MILLISECONDS);
  EXPECT_FALSE(IsClosed(*silent));
  Advance(1 * kj::MILLISECONDS);
  EXPECT_TRUE(IsClosed(*silent));
}

TEST_F(AcceptorTest, OneByteASecondDoesNotBuyMoreTime) {
  Start();
  auto slow = listener_->Connect();
  const HelloBytes hello = Encode(Hello{kProtocolVersion, 2, {}});
  for (int second = 0; second < 5; ++second) {
    EXPECT_FALSE(IsClosed(*slow));
    slow->write(&hello[second], 1).poll(scope_);
    Advance(1 * kj::SECONDS);
  }
  EXPECT_TRUE(IsClosed(*slow));
}

// Strangers who say nothing must not keep workers out.
TEST_F(AcceptorTest, OneStrangerTooManyCostsTheOldest) {
  AcceptorLimits limits;
  limits.max_handshakes = 3;
  Start(limits);
  kj::Own<kj::AsyncIoStream> silent[] = {listener_->Connect(), listener_->Connect(),
                                         listener_->Connect()};
  scope_.poll();
  EXPECT_FALSE(IsClosed(*silent[0]));

  EXPECT_TRUE(LetsIn());
  EXPECT_TRUE(IsClosed(*silent[0]));
  EXPECT_FALSE(IsClosed(*silent[1]));
  EXPECT_FALSE(IsClosed(*silent[2]));
}

TEST_F(AcceptorTest, OneAddressHasABoundedNumberOfConnections) {
  AcceptorLimits limits;
  limits.max_per_peer = 2;
  Start(limits);
  EXPECT_TRUE(LetsIn());
  EXPECT_TRUE(LetsIn());
  EXPECT_FALSE(LetsIn());

  welcome_.pop_back();  // one ends
  EXPECT_TRUE(LetsIn());
}

TEST_F(AcceptorTest, StreamsMayOutliveIt) {
  Start();
  EXPECT_TRUE(LetsIn());
  run_ = nullptr;
  acceptor_ = nullptr;
  welcome_.clear();
}

TEST_F(AcceptorTest, WithoutFileDescriptorsItPausesAndGoesOn) {
  Start();
  listener_->failures = 3;
  EXPECT_TRUE(LetsIn());  // the accept that was under way
  const int accepts = listener_->accepts;
  EXPECT_FALSE(LetsIn());
  scope_.poll();
  EXPECT_EQ(listener_->accepts, accepts);  // it does not spin

  Advance(300 * kj::MILLISECONDS);
  Advance(100 * kj::MILLISECONDS);
  Advance(100 * kj::MILLISECONDS);
  EXPECT_EQ(listener_->failures, 0);
  EXPECT_TRUE(LetsIn());
}

TEST_F(AcceptorTest, AnOversizedMessageAfterAGoodPreambleEndsThatConnectionOnly) {
  Start();
  EXPECT_TRUE(LetsIn());
  EXPECT_TRUE(LetsIn());
  Connection bad(kj::mv(welcome_[0]), Side::SERVER, nullptr, "bad");
  Connection good(kj::mv(welcome_[1]), Side::SERVER, nullptr, "good");
  Connection good_dialler(kj::mv(diallers_[1]), Side::CLIENT, nullptr, "master");

  const uint32_t huge[2] = {0, 0x7fffffff};
  diallers_[0]->write(huge, sizeof(huge)).wait(scope_);
  EXPECT_TRUE(bad.OnDisconnect().poll(scope_));
  good_dialler.Ping().wait(scope_);
}

}  // namespace
}  // namespace millrace
