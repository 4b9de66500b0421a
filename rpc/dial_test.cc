// Dialling over real sockets of the loopback interface: what only the kernel can show.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "rpc/acceptor.h"
#include "rpc/connection.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;

class DialTest : public testing::Test {
 protected:
  DialTest() : io_(kj::setupAsyncIo()), timer_(io_.provider->getTimer()) {}
  ~DialTest() noexcept override {}

  // Starts listening; returns the address.
  std::string Listen(ConnectionOptions options = {}) {
    auto address = Network().parseAddress("127.0.0.1").wait(io_.waitScope);
    acceptor_ = kj::heap<Acceptor>(timer_, address->listen(), std::move(options),
                                   std::vector<Role>{Role::kWorker},
                                   [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
                                     peers_.push_back(peer);
                                     connections_.push_back(kj::heap<Connection>(
                                         kj::mv(stream), Side::SERVER, nullptr, peer.address));
                                   });
    run_ = acceptor_->Run().eagerlyEvaluate(nullptr);
    return "127.0.0.1:" + std::to_string(acceptor_->port());
  }

  kj::Network& Network() { return io_.provider->getNetwork(); }

  kj::Promise<kj::Own<Connection>> DialAs(Role role, const std::string& address,
                                          const ConnectionOptions& options = {}) {
    return Dial(Network(), timer_, address, role, options);
  }

  // Type and message of the failure.
  std::string FailureOf(kj::Promise<kj::Own<Connection>> dial) {
    return dial
        .then([](kj::Own<Connection>) { return std::string("none"); },
              [](kj::Exception&& e) {
                return std::string(kj::str(e.getType(), ": ", e.getDescription()).cStr());
              })
        .wait(io_.waitScope);
  }

  bool FailsBecauseNobodyListens(const std::string& address) {
    ConnectionOptions hasty;
    hasty.handshake_timeout = 10 * kj::MILLISECONDS;
    return DialAs(Role::kWorker, address, hasty)
        .then([](kj::Own<Connection>) { return false; },
              [](kj::Exception&& e) { return NobodyListens(e); })
        .wait(io_.waitScope);
  }

  kj::AsyncIoContext io_;
  kj::Timer& timer_;
  std::vector<PeerInfo> peers_;
  std::vector<kj::Own<Connection>> connections_;
  kj::Own<Acceptor> acceptor_;
  kj::Promise<void> run_ = nullptr;
};

TEST_F(DialTest, BothEndsAnswerEachOther) {
  auto connection = DialAs(Role::kWorker, Listen()).wait(io_.waitScope);
  connection->Ping().wait(io_.waitScope);
  ASSERT_EQ(peers_.size(), 1u);
  EXPECT_EQ(peers_[0].role, Role::kWorker);
  EXPECT_EQ(peers_[0].address.substr(0, 10), "127.0.0.1:");
  connections_[0]->Ping().wait(io_.waitScope);
}

TEST_F(DialTest, NobodyThere) {
  const std::string address = Listen();
  run_ = nullptr;
  acceptor_ = nullptr;
  EXPECT_EQ(
      FailureOf(DialAs(Role::kWorker, address)),
      "disconnected: cannot connect to " + address + ": Connection refused; is it running there?");
}

TEST_F(DialTest, AHostThatSaysThatNobodyListensIsToldFromOneThatIsSilent) {
  const std::string nobody = Listen();
  run_ = nullptr;
  acceptor_ = nullptr;
  EXPECT_TRUE(FailsBecauseNobodyListens(nobody));

  // The kernel takes connections into the backlog, and no process ever answers.
  auto silent = Network().parseAddress("127.0.0.1").wait(io_.waitScope)->listen();
  EXPECT_FALSE(FailsBecauseNobodyListens("127.0.0.1:" + std::to_string(silent->getPort())));
}

TEST_F(DialTest, AnotherKey) {
  ConnectionOptions with_key;
  with_key.key = ClusterKey::FromBytes("0123456789abcdef");
  const std::string address = Listen(with_key);
  EXPECT_EQ(FailureOf(DialAs(Role::kWorker, address)),
            "failed: cluster key refused by " + address +
                ": both ends need the same --cluster_key_file, or both none");
}

TEST_F(DialTest, SocketsSendAtOnceAndNoticeAVanishedPeer) {
  const std::string address = Listen();
  auto stream = DialStream(Network(), timer_, address, Role::kWorker, {}).wait(io_.waitScope);
  const auto option = [&](int level, int name) {
    int value = 0;
    kj::uint length = sizeof(value);
    stream->getsockopt(level, name, &value, &length);
    return value;
  };
  EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 20'000);
}

// The accept loop of KJ's own server would end at the first of these failures.
TEST_F(DialTest, AnAcceptorOutlivesAProcessWithoutFileDescriptors) {
  const std::string address = Listen();
  auto first = DialAs(Role::kWorker, address).wait(io_.waitScope);

  // No descriptor is left for the accepting end: the dialler gets the last one.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int last = dup(0);
  ASSERT_GE(last, 0);
  rlimit lowered = before;
  lowered.rlim_cur = static_cast<rlim_t>(last) + 1;
  close(last);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  auto second = DialAs(Role::kWorker, address).eagerlyEvaluate(nullptr);
  EXPECT_FALSE(second.poll(io_.waitScope));

  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  auto connection = second.wait(io_.waitScope);
  connection->Ping().wait(io_.waitScope);
}

}  // namespace
}  // namespace millrace
