#include "rpc/connection.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rpc/worker.capnp.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;

// Answers pings; a launch it keeps unanswered.
class EchoWorker final : public capnp_worker::Worker::Server {
 public:
  kj::Promise<void> ping(PingContext context) override {
    ++pings;
    return kj::READY_NOW;
  }

  kj::Promise<void> prepareJob(PrepareJobContext context) override {
    context.getResults().setProblem(context.getParams().getContext().getName());
    return kj::READY_NOW;
  }

  kj::Promise<void> launch(LaunchContext context) override { return kj::NEVER_DONE; }

  int pings = 0;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : scope_(loop_), pipe_(kj::newTwoWayPipe()) {}
  ~ConnectionTest() noexcept override {}

  kj::Own<Connection> Make(int end, Side side, capnp::Capability::Client own = nullptr) {
    return kj::heap<Connection>(kj::mv(pipe_.ends[end]), side, kj::mv(own), "red");
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TwoWayPipe pipe_;
};

capnp_worker::Worker::Client WorkerAt(Connection& connection) {
  return connection.Peer().castAs<capnp_worker::Worker>();
}

TEST_F(ConnectionTest, BothEndsReachWhatTheOtherOffers) {
  auto client_object = kj::heap<EchoWorker>();
  auto server_object = kj::heap<EchoWorker>();
  EchoWorker& of_client = *client_object;
  EchoWorker& of_server = *server_object;
  auto server = Make(0, Side::SERVER, capnp_worker::Worker::Client(kj::mv(server_object)));
  auto client = Make(1, Side::CLIENT, capnp_worker::Worker::Client(kj::mv(client_object)));

  WorkerAt(*client).pingRequest().send().wait(scope_);
  WorkerAt(*server).pingRequest().send().wait(scope_);

  EXPECT_EQ(of_server.pings, 1);
  EXPECT_EQ(of_client.pings, 1);
}

TEST_F(ConnectionTest, AnEndThatOffersNothingStillAnswersPings) {
  auto server = Make(0, Side::SERVER);
  auto client = Make(1, Side::CLIENT);
  client->Ping().wait(scope_);
  server->Ping().wait(scope_);
}

TEST_F(ConnectionTest, APingToAFrozenPeerStaysUnanswered) {
  auto client = Make(1, Side::CLIENT);  // nobody runs the other end
  kj::Promise<void> ping = client->Ping();
  EXPECT_FALSE(ping.poll(scope_));
}

TEST_F(ConnectionTest, DestroyingOneEndDisconnectsTheOther) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  kj::Promise<void> gone = client->OnDisconnect();
  EXPECT_FALSE(gone.poll(scope_));
  server = nullptr;
  gone.wait(scope_);
}

TEST_F(ConnectionTest, CallsUnderWayFailAsDisconnectedWhenThePeerGoes) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  auto call = WorkerAt(*client).launchRequest().send();
  EXPECT_FALSE(call.poll(scope_));
  server = nullptr;
  try {
    call.wait(scope_);
    FAIL();
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED);
  }
}

TEST_F(ConnectionTest, CallsUnderWayFailAsDisconnectedWhenOurEndGoes) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  auto call = WorkerAt(*client).launchRequest().send();
  EXPECT_FALSE(call.poll(scope_));
  client = nullptr;
  try {
    call.wait(scope_);
    FAIL();
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED);
  }
}

TEST_F(ConnectionTest, AMessageThatIsTooLargeFailsItsCallAlone) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  auto request = WorkerAt(*client).prepareJobRequest();
  request.initContext().initName(kMaxMessageBytes + 1);
  EXPECT_THROW(request.send().wait(scope_), kj::Exception);
  client->Ping().wait(scope_);
}

TEST_F(ConnectionTest, AMessageOfOneMebibyteIsNoTrouble) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  auto request = WorkerAt(*client).prepareJobRequest();
  request.initContext().initName(1 << 20);
  EXPECT_EQ(request.send().wait(scope_).getProblem().size(), 1u << 20);
}

// KJ unwinds what is queued on a connection recursively.
TEST_F(ConnectionTest, AsManyCallsAsAllowedMayBeUnderWayWhenAFrozenPeerIsGivenUp) {
  auto client = Make(1, Side::CLIENT);  // nobody reads the other end
  auto worker = WorkerAt(*client);
  std::vector<kj::Promise<void>> calls;
  for (size_t i = 0; i < kMaxOutstandingCalls; ++i) {
    calls.push_back(worker.pingRequest().send().ignoreResult());
  }
  EXPECT_FALSE(calls.back().poll(scope_));
  client = nullptr;
  for (auto& call : calls) EXPECT_THROW(call.wait(scope_), kj::Exception);
}

TEST_F(ConnectionTest, APeerThatTakesNoAnswersIsCutOff) {
  auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
  auto client = Make(1, Side::CLIENT);
  client->Ping().wait(scope_);
  auto to_client = WorkerAt(*server);
  std::vector<kj::Promise<void>> calls;
  // Some are gathered beside the queue.
  for (size_t i = 0; i <= kMaxQueuedMessages + 512; ++i) {
    calls.push_back(to_client.pingRequest().send().ignoreResult());
  }
  EXPECT_TRUE(server->OnDisconnect().poll(scope_));
}

// What an end does whose peer sends `bytes` after a good preamble: it must end the connection.
class HostileBytesTest : public ConnectionTest {
 protected:
  void ExpectCutOff(const std::string& bytes) {
    auto server = Make(0, Side::SERVER, kj::heap<EchoWorker>());
    kj::Promise<void> gone = server->OnDisconnect();
    kj::Own<kj::AsyncIoStream> peer = kj::mv(pipe_.ends[1]);
    // What the server says goes nowhere.
    kj::Promise<void> drain = peer->readAllBytes().ignoreResult().eagerlyEvaluate(nullptr);
    peer->write(bytes.data(), bytes.size()).eagerlyEvaluate([](kj::Exception&&) {}).wait(scope_);
    EXPECT_TRUE(gone.poll(scope_));
  }
};

std::string Words(const std::vector<uint32_t>& halves) {
  return std::string(reinterpret_cast<const char*>(halves.data()), halves.size() * 4);
}

TEST_F(HostileBytesTest, AMessageThatSaysItIsHuge) { ExpectCutOff(Words({0, 0x7fffffff})); }
TEST_F(HostileBytesTest, AMessageJustOverTheLimit) {
  ExpectCutOff(Words({0, kMaxMessageBytes / 8 + 1}));
}
TEST_F(HostileBytesTest, ASegmentCountThatOverflows) {
  ExpectCutOff(Words({0xffffffff, 0xffffffff}));
}
TEST_F(HostileBytesTest, ASegmentCountThatOverflowsToNone) { ExpectCutOff(Words({0xffffffff, 0})); }
TEST_F(HostileBytesTest, TooManySegments) { ExpectCutOff(Words({600, 1})); }
TEST_F(HostileBytesTest, AnEmptyMessage) { ExpectCutOff(Words({0, 0})); }
TEST_F(HostileBytesTest, ARootThatLeadsOutside) {
  ExpectCutOff(Words({0, 1, 0x00001000, 0x00050005}));
}

// Whatever arrives in place of a message, an end neither crashes nor waits for ever more of it.
TEST_F(ConnectionTest, RandomMessagesEndTheConnectionAtMost) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    Connection server(kj::mv(pipe.ends[0]), Side::SERVER, kj::heap<EchoWorker>(), "red");
    kj::Promise<void> drain = pipe.ends[1]->readAllBytes().ignoreResult().eagerlyEvaluate(nullptr);
    std::vector<uint64_t> words(1 + random() % 20);
    // Small numbers make pointers that lead somewhere.
    for (uint64_t& word : words) word = random() & (random() % 2 ? ~0ull : 0x0000000300000007ull);
    words[0] = (words.size() - 1) << 32;  // one segment
    kj::Promise<void> written = pipe.ends[1]->write(words.data(), words.size() * 8);
    written.poll(scope_);
    pipe.ends[1]->shutdownWrite();
    server.OnDisconnect().wait(scope_);
  }
}

}  // namespace
}  // namespace millrace
