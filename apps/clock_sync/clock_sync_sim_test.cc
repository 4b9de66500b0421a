// Two machines whose clocks differ by a known skew, on a simulated network with everything that can
// go wrong on the way: the estimate must be right within the bound that it gives itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <cstdint>
#include <string>
#include <utility>

#include "apps/clock_sync/clock_service.h"
#include "rpc/connection.h"
#include "rpc/service_host.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace millrace {
namespace {

constexpr char kAddress[] = "server:7200";

// A machine's clock: true time and a skew, which a test may change under way.
class SimClock final : public kj::Clock {
 public:
  explicit SimClock(sim::World& world) : world_(world) {}
  kj::Date now() const override {
    return kj::UNIX_EPOCH + 20'000 * kj::DAYS + (world_.now() - kj::origin<kj::TimePoint>()) + skew;
  }

  kj::Duration skew = 0 * kj::SECONDS;

 private:
  sim::World& world_;
};

sim::NetworkOptions Steady() {
  sim::NetworkOptions options;
  options.latency = 10 * kj::MILLISECONDS;
  options.jitter = 0 * kj::SECONDS;
  return options;
}

class ClockSyncSimTest : public testing::Test, private kj::TaskSet::ErrorHandler {
 protected:
  void Begin(const sim::NetworkOptions& network = Steady(), uint64_t seed = 1) {
    world_ = kj::heap<sim::World>(seed, /*print_trace=*/false);
    network_ = kj::heap<sim::Network>(*world_, network);
    for (const char* host : {"server", "client"}) network_->AddHost(host);
    server_life_ = kj::heap<sim::Life>(*world_, "server", /*clock_rate=*/1.0);
    client_life_ = kj::heap<sim::Life>(*world_, "client", /*clock_rate=*/1.0);
    server_net_ = kj::heap<sim::Interface>(*network_, *server_life_, "server");
    client_net_ = kj::heap<sim::Interface>(*network_, *client_life_, "client");
    server_clock_ = kj::heap<SimClock>(*world_);
    client_clock_ = kj::heap<SimClock>(*world_);
    service_ = kj::heap<ClockService>(server_life_->timer(), *server_clock_, work_);
    kj::TaskSet::ErrorHandler& handler = *this;
    tasks_ = kj::heap<kj::TaskSet>(handler);
    tasks_->add(
        server_net_->parseAddress(kAddress, 0).then([this](kj::Own<kj::NetworkAddress> address) {
          host_ = kj::heap<ServiceHost>(server_life_->timer(), address->listen(),
                                        ConnectionOptions(), [this](const PeerInfo&) {
                                          ++guests_;
                                          capnp::Capability::Client nothing = nullptr;
                                          return serves_ ? service_->NewServer() : nothing;
                                        });
          tasks_->add(host_->Run());
        }));
    world_->Settle();
  }

  ~ClockSyncSimTest() noexcept override { End(); }

  void End() {
    if (world_.get() == nullptr) return;
    client_life_->Kill();
    server_life_->Kill();
    tasks_ = nullptr;
    sampler_ = nullptr;
    connection_ = nullptr;
    host_ = nullptr;
    service_ = nullptr;
    server_net_ = nullptr;
    client_net_ = nullptr;
    server_life_ = nullptr;
    client_life_ = nullptr;
    network_ = nullptr;
    world_ = nullptr;
    ended_ = false;
    problem_.clear();
  }

  // The client's process begins to ask.
  void StartAsking(int samples) {
    tasks_->add(
        Dial(*client_net_, client_life_->timer(), kAddress, Role::kClient, ConnectionOptions())
            .then([this, samples](kj::Own<Connection> connection) {
              connection_ = kj::mv(connection);
              Sampler::Options options;
              options.samples = samples;
              sampler_ = kj::heap<Sampler>(client_life_->timer(), *client_clock_,
                                           connection_->Peer(), options);
              return sampler_->Run();
            })
            .then([this]() { ended_ = true; },
                  [this](kj::Exception&& e) {
                    ended_ = true;
                    problem_ = kj::str(e.getType(), ": ", e.getDescription()).cStr();
                  }));
  }

  bool RunUntilSampled(int good) {
    return world_->RunUntil(
        [&]() { return sampler_.get() != nullptr && sampler_->best().good() >= good; },
        1 * kj::MINUTES);
  }
  bool RunToEnd() {
    return world_->RunUntil([&]() { return ended_; }, 10 * kj::MINUTES);
  }

  Estimate Asked(int samples = 8) {
    StartAsking(samples);
    EXPECT_TRUE(RunToEnd());
    EXPECT_EQ(problem_, "");
    return Got();
  }

  Estimate Got() {
    const absl::StatusOr<Estimate> estimate = sampler_->best().Get();
    EXPECT_TRUE(estimate.ok()) << estimate.status();
    return estimate.ok() ? *estimate : Estimate();
  }

  absl::Duration ErrorOf(const Estimate& estimate) const {
    return estimate.offset -
           absl::Nanoseconds((server_clock_->skew - client_clock_->skew) / kj::NANOSECONDS);
  }
  void ExpectWithinBound(const Estimate& estimate) const {
    EXPECT_LE(absl::AbsDuration(ErrorOf(estimate)), estimate.bound);
  }
  void SlowDown(const char* from, const char* to, kj::Duration by) {
    network_->Clog(from, to, by, world_->now() + 1 * kj::HOURS);
  }

  kj::Duration work_ = 0 * kj::SECONDS;
  uint64_t guests_ = 0;
  bool serves_ = true;
  bool ended_ = false;
  std::string problem_;
  kj::Own<sim::World> world_;
  kj::Own<sim::Network> network_;
  kj::Own<sim::Life> server_life_;
  kj::Own<sim::Life> client_life_;
  kj::Own<sim::Interface> server_net_;
  kj::Own<sim::Interface> client_net_;
  kj::Own<SimClock> server_clock_;
  kj::Own<SimClock> client_clock_;
  kj::Own<ClockService> service_;
  kj::Own<ServiceHost> host_;
  kj::Own<Connection> connection_;
  kj::Own<Sampler> sampler_;
  kj::Own<kj::TaskSet> tasks_;

 private:
  void taskFailed(kj::Exception&& exception) override {
    ADD_FAILURE() << kj::str(exception).cStr();
  }
};

TEST_F(ClockSyncSimTest, OnASteadyNetworkTheEstimateIsExact) {
  Begin();
  server_clock_->skew = 990 * kj::MILLISECONDS;
  const Estimate estimate = Asked();
  EXPECT_EQ(estimate.offset, absl::Milliseconds(990));
  EXPECT_EQ(estimate.rtt, absl::Milliseconds(20));
  EXPECT_EQ(estimate.bound, absl::Milliseconds(10));
}

class SkewTest : public ClockSyncSimTest, public testing::WithParamInterface<int> {};

TEST_P(SkewTest, TheErrorStaysWithinTheBoundWhicheverClockIsWrong) {
  for (bool at_server : {true, false}) {
    sim::NetworkOptions shaky;
    shaky.jitter = 50 * kj::MILLISECONDS;
    End();
    Begin(shaky, /*seed=*/static_cast<uint64_t>(GetParam() + 10'000));
    (at_server ? server_clock_ : client_clock_)->skew = GetParam() * kj::SECONDS;
    const Estimate estimate = Asked();
    ExpectWithinBound(estimate);
    EXPECT_GT(estimate.rtt, absl::ZeroDuration());
    EXPECT_LT(estimate.bound, absl::Milliseconds(100));
  }
}

INSTANTIATE_TEST_SUITE_P(FiveSecondsAndAnHour, SkewTest, testing::Values(5, -5, 3600, -3600));

TEST_F(ClockSyncSimTest, OnAnAsymmetricPathTheErrorIsHalfTheAsymmetry) {
  Begin();
  server_clock_->skew = -1 * kj::HOURS;
  SlowDown("server", "client", 60 * kj::MILLISECONDS);
  const Estimate slow_back = Asked();
  EXPECT_EQ(slow_back.rtt, absl::Milliseconds(80));
  EXPECT_EQ(ErrorOf(slow_back), absl::Milliseconds(-30));
  ExpectWithinBound(slow_back);
}

TEST_F(ClockSyncSimTest, TheOtherWayRoundTheErrorHasTheOtherSign) {
  Begin();
  SlowDown("client", "server", 60 * kj::MILLISECONDS);
  const Estimate slow_there = Asked();
  EXPECT_EQ(ErrorOf(slow_there), absl::Milliseconds(30));
  ExpectWithinBound(slow_there);
}

TEST_F(ClockSyncSimTest, WhatTheServerDoesInBetweenDoesNotCount) {
  work_ = 500 * kj::MILLISECONDS;
  Begin();
  server_clock_->skew = 5 * kj::SECONDS;
  const kj::TimePoint began = world_->now();
  const Estimate estimate = Asked(/*samples=*/4);
  EXPECT_GT(world_->now() - began, 2 * kj::SECONDS);  // it did work
  // The world rounds a timer of a process up, by some microseconds.
  EXPECT_LT(estimate.rtt, absl::Milliseconds(21));
  EXPECT_LT(absl::AbsDuration(ErrorOf(estimate)), absl::Milliseconds(1));
}

TEST_F(ClockSyncSimTest, TheQuickestAnswerCounts) {
  Begin();
  network_->Clog("server", "client", 300 * kj::MILLISECONDS, world_->now() + 2 * kj::SECONDS);
  const Estimate estimate = Asked(/*samples=*/20);
  EXPECT_EQ(estimate.rtt, absl::Milliseconds(20));  // of those after the congestion
  EXPECT_EQ(ErrorOf(estimate), absl::ZeroDuration());
}

TEST_F(ClockSyncSimTest, SamplesAcrossAStepOfOurClockAreRejected) {
  Begin();
  StartAsking(8);
  EXPECT_TRUE(RunUntilSampled(2));
  client_clock_->skew = -1 * kj::SECONDS;  // somebody sets it back while we wait
  EXPECT_TRUE(RunToEnd());
  EXPECT_EQ(sampler_->best().rejected(), 1);
  EXPECT_EQ(sampler_->best().outdated(), 2);
  EXPECT_EQ(sampler_->best().good(), 5);
  EXPECT_EQ(ErrorOf(Got()), absl::ZeroDuration());
}

// No single sample shows it: the server says that it worked for so much longer, or less.
TEST_F(ClockSyncSimTest, WhatWasLearnedBeforeAClockWasSetDoesNotCount) {
  for (kj::Duration step : {1 * kj::HOURS, -1 * kj::HOURS, 50 * kj::MILLISECONDS}) {
    End();
    Begin();
    StartAsking(8);
    EXPECT_TRUE(RunUntilSampled(2));
    world_->RunFor(5 * kj::MILLISECONDS);  // the third question is on its way there
    server_clock_->skew = step;
    EXPECT_TRUE(RunToEnd());
    EXPECT_EQ(sampler_->best().outdated(), 2);
    EXPECT_EQ(sampler_->best().rejected(), 0);
    EXPECT_EQ(ErrorOf(Got()), absl::ZeroDuration());
  }
}

TEST_F(ClockSyncSimTest, AServerThatClaimsTooMuchIsRejected) {
  work_ = 100 * kj::MILLISECONDS;
  Begin();
  StartAsking(8);
  EXPECT_TRUE(RunUntilSampled(2));
  world_->RunFor(50 * kj::MILLISECONDS);  // it is at work
  server_clock_->skew = 10 * kj::SECONDS;
  EXPECT_TRUE(RunToEnd());
  EXPECT_EQ(sampler_->best().rejected(), 1);
  ExpectWithinBound(Got());
}

// --- Trouble ---

TEST_F(ClockSyncSimTest, ALostAnswerCostsItsSampleOnly) {
  Begin();
  server_clock_->skew = 5 * kj::SECONDS;
  StartAsking(8);
  EXPECT_TRUE(RunUntilSampled(3));
  network_->Cut("server", "client");
  world_->RunFor(5 * kj::SECONDS);
  network_->Heal();
  EXPECT_TRUE(RunToEnd());
  EXPECT_EQ(problem_, "");
  EXPECT_GE(sampler_->unanswered(), 2);
  EXPECT_EQ(sampler_->best().good() + sampler_->unanswered(), 8);
  ExpectWithinBound(Got());
}

TEST_F(ClockSyncSimTest, QuestionsThatComeTwiceChangeNothing) {
  Begin();
  network_->Duplicate("client", "server", world_->now() + 1 * kj::HOURS);
  const Estimate estimate = Asked();
  EXPECT_EQ(guests_, 2u);
  EXPECT_EQ(ErrorOf(estimate), absl::ZeroDuration());
}

TEST_F(ClockSyncSimTest, WhatWasLearnedBeforeAResetCounts) {
  Begin();
  server_clock_->skew = -5 * kj::SECONDS;
  StartAsking(1000);
  EXPECT_TRUE(RunUntilSampled(3));
  network_->ResetConnections("client", "server");
  EXPECT_TRUE(RunToEnd());
  EXPECT_GT(network_->resets(), 0u);
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(sampler_->best().good(), 3);
  ExpectWithinBound(Got());
}

TEST_F(ClockSyncSimTest, WhatWasLearnedBeforeTheServerDiedCounts) {
  Begin();
  StartAsking(1000);
  EXPECT_TRUE(RunUntilSampled(3));
  server_life_->Kill();
  EXPECT_TRUE(RunToEnd());
  EXPECT_EQ(problem_, "");
  ExpectWithinBound(Got());
}

TEST_F(ClockSyncSimTest, AServerThatDiesBeforeTheFirstAnswerIsUnreachable) {
  work_ = 1 * kj::SECONDS;
  Begin();
  StartAsking(8);
  EXPECT_TRUE(world_->RunUntil([&]() { return guests_ == 1; }, 1 * kj::MINUTES));
  world_->RunFor(500 * kj::MILLISECONDS);  // it is at work
  server_life_->Kill();
  EXPECT_TRUE(RunToEnd());
  EXPECT_THAT(problem_, testing::StartsWith("disconnected: asking the server for the time: "));
}

TEST_F(ClockSyncSimTest, AServerBehindAPartitionIsUnreachable) {
  Begin();
  network_->Part("client", "server");
  StartAsking(8);
  EXPECT_TRUE(RunToEnd());
  EXPECT_THAT(problem_, testing::StartsWith("disconnected: cannot connect to server:7200: "));
}

TEST_F(ClockSyncSimTest, AServerThatNeverAnswersInTimeIsLate) {
  work_ = 1 * kj::MINUTES;
  Begin();
  StartAsking(2);
  EXPECT_TRUE(RunToEnd());
  EXPECT_EQ(problem_, "overloaded: asking the server for the time: no answer within 2 s");
}

TEST_F(ClockSyncSimTest, AServerOfAnotherKindIsNamed) {
  Begin();
  serves_ = false;
  StartAsking(8);
  EXPECT_TRUE(RunToEnd());
  EXPECT_THAT(problem_,
              testing::AllOf(testing::StartsWith("disconnected: the server does not tell the time"),
                             testing::EndsWith("check --server")));
}

// Seed by seed: any skew, any path, any trouble. What comes out is right within its own bound.
TEST_F(ClockSyncSimTest, NoTroubleMakesTheEstimateWorseThanItsBound) {
  int estimates = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    End();
    sim::NetworkOptions shaky;
    shaky.jitter = 20 * kj::MILLISECONDS;
    Begin(shaky, seed);
    sim::Random random(seed);
    server_clock_->skew = static_cast<int64_t>(random.Below(7'200'000)) * kj::MILLISECONDS;
    client_clock_->skew = static_cast<int64_t>(random.Below(7'200'000)) * kj::MILLISECONDS;
    SlowDown("client", "server", random.Below(200) * kj::MILLISECONDS);
    StartAsking(20);
    for (int i = 0; i < 4 && !ended_; ++i) {
      world_->RunFor(random.Below(1000) * kj::MILLISECONDS);
      if (random.Chance(0.3)) network_->Cut("server", "client");
      if (random.Chance(0.2)) network_->ResetConnections("client", "server");
      world_->RunFor(random.Below(3000) * kj::MILLISECONDS);
      network_->Heal();
    }
    EXPECT_TRUE(RunToEnd()) << "seed " << seed;
    if (!problem_.empty()) continue;
    ++estimates;
    ExpectWithinBound(Got());
  }
  EXPECT_GT(estimates, 50);
}

}  // namespace
}  // namespace millrace
