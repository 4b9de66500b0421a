#include "rpc/service_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "rpc/handshake.h"
#include "rpc/worker.capnp.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;
using ::testing::ElementsAre;

// What the host makes for a client: writes down its own beginning, calls and end.
class Guest final : public capnp_worker::Worker::Server {
 public:
  Guest(std::string name, std::vector<std::string>& book) : name_(std::move(name)), book_(book) {
    book_.push_back(name_ + " comes");
  }
  ~Guest() noexcept(false) { book_.push_back(name_ + " goes"); }

  kj::Promise<void> ping(PingContext context) override {
    book_.push_back(name_ + " calls");
    return kj::READY_NOW;
  }

 private:
  const std::string name_;
  std::vector<std::string>& book_;
};

// A listener whose connections a test makes.
class FakeReceiver final : public kj::ConnectionReceiver {
 public:
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    auto pair = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
    accepting_ = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }
  uint getPort() override { return 7070; }

  // A new connection; returns the dialler's end.
  kj::Own<kj::AsyncIoStream> Connect() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    accepting_->fulfill(kj::mv(pipe.ends[0]));
    return kj::mv(pipe.ends[1]);
  }

 private:
  kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> accepting_;
};

class ServiceHostTest : public testing::Test {
 protected:
  ServiceHostTest() : scope_(loop_), timer_(kj::origin<kj::TimePoint>()) {
    auto receiver = kj::heap<FakeReceiver>();
    listener_ = receiver.get();
    host_ = kj::heap<ServiceHost>(timer_, kj::mv(receiver), options_, [this](const PeerInfo& peer) {
      EXPECT_EQ(peer.role, Role::kClient);
      const std::string name(1, static_cast<char>('a' + guests_++));
      return capnp::Capability::Client(kj::heap<Guest>(name, book_));
    });
    run_ = host_->Run().eagerlyEvaluate(nullptr);
    scope_.poll();
  }
  ~ServiceHostTest() noexcept override {}

  // Whether the host lets somebody in who says that he is this.
  bool LetsIn(kj::AsyncIoStream& stream, Role role) {
    kj::Promise<bool> offer =
        OfferPreamble(stream, role, ClusterKey::None(), KernelEntropy(), "host")
            .then([]() { return true; }, [](kj::Exception&&) { return false; });
    return offer.poll(scope_) && offer.wait(scope_);
  }

  kj::Own<Connection> Join() {
    kj::Own<kj::AsyncIoStream> stream = listener_->Connect();
    EXPECT_TRUE(LetsIn(*stream, Role::kClient));
    return kj::heap<Connection>(kj::mv(stream), Side::CLIENT, nullptr, "host");
  }

  void Call(Connection& connection) {
    connection.Peer().castAs<capnp_worker::Worker>().pingRequest().send().wait(scope_);
  }

  void Advance(kj::Duration time) {
    timer_.advanceTo(timer_.now() + time);
    scope_.poll();
  }

  std::vector<std::string> book_;
  int guests_ = 0;
  ConnectionOptions options_;
  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TimerImpl timer_;
  FakeReceiver* listener_ = nullptr;
  kj::Own<ServiceHost> host_;
  kj::Promise<void> run_ = nullptr;
};

TEST_F(ServiceHostTest, EachClientReachesWhatWasMadeForIt) {
  auto first = Join();
  auto second = Join();
  Call(*second);
  Call(*first);
  EXPECT_THAT(book_, ElementsAre("a comes", "b comes", "b calls", "a calls"));
  EXPECT_EQ(host_->port(), 7070u);
}

TEST_F(ServiceHostTest, WhatWasMadeForAClientGoesWithIt) {
  auto first = Join();
  auto second = Join();
  first = nullptr;
  scope_.poll();
  EXPECT_THAT(book_, ElementsAre("a comes", "b comes", "a goes"));
  Call(*second);  // and nobody else does
}

TEST_F(ServiceHostTest, OnlyClientsAreLetIn) {
  for (Role role : {Role::kWorker, Role::kMaster, Role::kFetcher, Role::kBulk}) {
    auto stream = listener_->Connect();
    EXPECT_FALSE(LetsIn(*stream, role));
    scope_.poll();
  }
  EXPECT_THAT(book_, ElementsAre());
  Call(*Join());
}

TEST_F(ServiceHostTest, AClientThatFallsSilentIsLetGo) {
  auto silent = listener_->Connect();
  ASSERT_TRUE(LetsIn(*silent, Role::kClient));  // and nobody answers on it from now on
  auto lively = Join();
  Advance(options_.ping_period);
  Advance(options_.ping_timeout - 1 * kj::MILLISECONDS);
  EXPECT_THAT(book_, ElementsAre("a comes", "b comes"));
  Advance(1 * kj::MILLISECONDS);
  EXPECT_THAT(book_, ElementsAre("a comes", "b comes", "a goes"));
  Call(*lively);
}

TEST_F(ServiceHostTest, ConnectionsEndWithTheHost) {
  auto client = Join();
  auto gone = client->OnDisconnect();
  EXPECT_FALSE(gone.poll(scope_));
  run_ = nullptr;
  host_ = nullptr;
  EXPECT_TRUE(gone.poll(scope_));
  EXPECT_THAT(book_, ElementsAre("a comes", "a goes"));
}

TEST_F(ServiceHostTest, NobodyIsLetInAfterRunIsDropped) {
  auto client = Join();
  run_ = nullptr;
  auto late = listener_->Connect();
  EXPECT_FALSE(LetsIn(*late, Role::kClient));
  Call(*client);  // who is there stays
}

}  // namespace
}  // namespace millrace
