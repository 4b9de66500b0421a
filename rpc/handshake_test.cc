#include "rpc/handshake.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

namespace millrace {
namespace {

const ClusterKey kKey = ClusterKey::FromBytes("0123456789abcdef");
const ClusterKey kOtherKey = ClusterKey::FromBytes("fedcba9876543210");

// What became of one end: "welcome", "worker", or the type and message of its failure.
template <typename T, typename Say>
kj::Promise<std::string> Told(kj::Promise<T> promise, Say say) {
  return promise.then(say, [](kj::Exception&& e) {
    return std::string(kj::str(e.getType(), ": ", e.getDescription()).cStr());
  });
}

class HandshakeTest : public testing::Test {
 protected:
  HandshakeTest() : scope_(loop_), pipe_(kj::newTwoWayPipe()) {}
  ~HandshakeTest() noexcept override {}

  Entropy Seeded() {
    return [random = std::make_shared<std::mt19937_64>(seed_++)](uint8_t* bytes, size_t count) {
      for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>((*random)());
    };
  }

  // Each end closes its stream when it is done, as its callers do.
  kj::Promise<std::string> Dialler(Role role, const ClusterKey& key) {
    return Told(OfferPreamble(*pipe_.ends[0], role, key, Seeded(), "10.0.0.1:7070"),
                []() { return std::string("welcome"); })
        .attach(kj::defer([this]() { pipe_.ends[0] = nullptr; }));
  }
  kj::Promise<std::string> Acceptor(const ClusterKey& key) {
    return Told(AcceptPreamble(*pipe_.ends[1], {Role::kWorker, Role::kClient}, key, Seeded()),
                [](Role role) { return std::string(Name(role)); })
        .attach(kj::defer([this]() { pipe_.ends[1] = nullptr; }));
  }

  // Both ends, as "DIALLER | ACCEPTOR".
  std::string Meet(kj::Promise<std::string> dialler, kj::Promise<std::string> acceptor) {
    kj::Promise<std::string> running = dialler.eagerlyEvaluate(nullptr);
    const std::string at_acceptor = acceptor.wait(scope_);
    return running.wait(scope_) + " | " + at_acceptor;
  }

  // What the accepting end makes of a dialler that sends `bytes` and hangs up.
  std::string AcceptorMakesOf(const std::string& bytes) {
    kj::Promise<std::string> acceptor = Acceptor(kKey).eagerlyEvaluate(nullptr);
    kj::Promise<void> sent = pipe_.ends[0]->write(bytes.data(), bytes.size());
    sent = sent.catch_([](kj::Exception&&) {}).eagerlyEvaluate(nullptr);
    if (sent.poll(scope_)) pipe_.ends[0] = nullptr;
    return acceptor.wait(scope_);
  }

  uint64_t seed_ = 1;
  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TwoWayPipe pipe_;
};

std::string Text(const HelloBytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

TEST_F(HandshakeTest, TheSameKeyLetsIn) {
  EXPECT_EQ(Meet(Dialler(Role::kWorker, kKey), Acceptor(kKey)), "welcome | worker");
}

TEST_F(HandshakeTest, NoKeyOnBothEndsLetsIn) {
  EXPECT_EQ(Meet(Dialler(Role::kClient, ClusterKey::None()), Acceptor(ClusterKey::None())),
            "welcome | client");
}

constexpr char kKeyRefused[] =
    "failed: cluster key refused by 10.0.0.1:7070: both ends need the same --cluster_key_file, or "
    "both none | failed: its cluster key is wrong";

TEST_F(HandshakeTest, AnotherKeyIsRefused) {
  EXPECT_EQ(Meet(Dialler(Role::kWorker, kOtherKey), Acceptor(kKey)), kKeyRefused);
}

TEST_F(HandshakeTest, NoKeyIsRefusedWhereOneIsNeeded) {
  EXPECT_EQ(Meet(Dialler(Role::kWorker, ClusterKey::None()), Acceptor(kKey)), kKeyRefused);
}

TEST_F(HandshakeTest, AKeyIsRefusedWhereThereIsNone) {
  EXPECT_EQ(Meet(Dialler(Role::kWorker, kKey), Acceptor(ClusterKey::None())), kKeyRefused);
}

TEST_F(HandshakeTest, ARoleThatIsNotServedIsRefused) {
  EXPECT_EQ(Meet(Dialler(Role::kFetcher, kKey), Acceptor(kKey)),
            "failed: 10.0.0.1:7070 does not accept a fetcher; check the address | "
            "failed: it comes as a fetcher (4), which is not accepted here");
}

TEST_F(HandshakeTest, AnotherVersionIsToldOurs) {
  kj::Promise<std::string> acceptor = Acceptor(kKey).eagerlyEvaluate(nullptr);
  const HelloBytes hello = Encode(Hello{kProtocolVersion + 1, 2, {}});
  HelloReplyBytes reply;
  pipe_.ends[0]->write(hello.data(), hello.size()).wait(scope_);
  pipe_.ends[0]->read(reply.data(), reply.size()).wait(scope_);

  EXPECT_EQ(DecodeHelloReply(reply)->version, kProtocolVersion);
  EXPECT_EQ(DecodeHelloReply(reply)->verdict, Verdict::kOtherVersion);
  EXPECT_EQ(acceptor.wait(scope_),
            "failed: it speaks protocol version " + std::to_string(kProtocolVersion + 1) +
                ", this program version " + std::to_string(kProtocolVersion));
}

TEST_F(HandshakeTest, ADiallerNamesBothVersions) {
  kj::Promise<std::string> dialler = Dialler(Role::kWorker, kKey).eagerlyEvaluate(nullptr);
  HelloBytes hello;
  pipe_.ends[1]->read(hello.data(), hello.size()).wait(scope_);
  const HelloReplyBytes reply = Encode(HelloReply{7, Verdict::kOtherVersion, {}});
  pipe_.ends[1]->write(reply.data(), reply.size()).wait(scope_);
  EXPECT_EQ(dialler.wait(scope_),
            "unimplemented: 10.0.0.1:7070 speaks protocol version 7, this program version " +
                std::to_string(kProtocolVersion) + "; run the same release on both");
}

// An impostor that says "welcome" without the key.
TEST_F(HandshakeTest, ADiallerRefusesAnAcceptorWithoutTheKey) {
  kj::Promise<std::string> dialler = Dialler(Role::kWorker, kKey).eagerlyEvaluate(nullptr);
  HelloBytes hello;
  Proof proof;
  pipe_.ends[1]->read(hello.data(), hello.size()).wait(scope_);
  const HelloReplyBytes reply = Encode(HelloReply{});
  pipe_.ends[1]->write(reply.data(), reply.size()).wait(scope_);
  pipe_.ends[1]->read(proof.data(), proof.size()).wait(scope_);
  const FinalReplyBytes echoed = Encode(FinalReply{Verdict::kWelcome, proof});
  pipe_.ends[1]->write(echoed.data(), echoed.size()).wait(scope_);
  EXPECT_EQ(dialler.wait(scope_),
            "failed: 10.0.0.1:7070 does not hold our cluster key; check its --cluster_key_file, "
            "and the address");
}

TEST_F(HandshakeTest, ARecordedHandshakeIsWorthlessTheSecondTime) {
  // The first time: what the dialler said is recorded.
  HelloBytes hello = Encode(Hello{kProtocolVersion, 2, {}});
  HelloReply first;
  Seeded()(first.nonce.data(), first.nonce.size());
  const Proof recorded = MakeProof(kKey, Prover::kDialler, *DecodeHello(hello), first);

  seed_ = 99;  // the second time, the acceptor draws another nonce
  kj::Promise<std::string> acceptor = Acceptor(kKey).eagerlyEvaluate(nullptr);
  HelloReplyBytes reply;
  FinalReplyBytes last;
  pipe_.ends[0]->write(hello.data(), hello.size()).wait(scope_);
  pipe_.ends[0]->read(reply.data(), reply.size()).wait(scope_);
  pipe_.ends[0]->write(recorded.data(), recorded.size()).wait(scope_);
  pipe_.ends[0]->read(last.data(), last.size()).wait(scope_);
  EXPECT_EQ(DecodeFinalReply(last)->verdict, Verdict::kKeyRefused);
  EXPECT_EQ(DecodeFinalReply(last)->proof, Proof());
  EXPECT_EQ(acceptor.wait(scope_), "failed: its cluster key is wrong");
}

TEST_F(HandshakeTest, BytesOfAnotherProtocolAreRefused) {
  EXPECT_EQ(AcceptorMakesOf("GET / HTTP/1.1\r\nHost: 10.0.0.1:7070\r\n\r\n"),
            "failed: the peer does not speak Millrace's protocol");
}

TEST_F(HandshakeTest, ADiallerThatHangsUpIsGone) {
  const std::string whole = Text(Encode(Hello{kProtocolVersion, 2, {}}));
  EXPECT_EQ(AcceptorMakesOf(whole.substr(0, 10)).substr(0, 12), "disconnected");
}

TEST_F(HandshakeTest, AnAcceptorThatHangsUpCannotBeReached) {
  kj::Promise<std::string> dialler = Dialler(Role::kWorker, kKey).eagerlyEvaluate(nullptr);
  EXPECT_FALSE(dialler.poll(scope_));
  pipe_.ends[1] = nullptr;
  EXPECT_EQ(dialler.wait(scope_),
            "disconnected: 10.0.0.1:7070 closed the connection during the handshake; is it a "
            "Millrace process, and not just ending?");
}

TEST_F(HandshakeTest, AnAcceptorOfAnotherProtocolCannotBeReached) {
  kj::Promise<std::string> dialler = Dialler(Role::kWorker, kKey).eagerlyEvaluate(nullptr);
  const std::string banner = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
  kj::Promise<void> sent = pipe_.ends[1]->write(banner.data(), banner.size());
  sent = sent.catch_([](kj::Exception&&) {}).eagerlyEvaluate(nullptr);
  HelloBytes hello;
  pipe_.ends[1]->read(hello.data(), hello.size()).wait(scope_);
  EXPECT_EQ(dialler.wait(scope_),
            "disconnected: 10.0.0.1:7070 is no Millrace process, or a much newer one (the peer "
            "does not speak Millrace's protocol); check the port");
}

TEST_F(HandshakeTest, CanBeDroppedAtAnyPoint) {
  for (size_t bytes_seen : {0, 10, 29}) {
    pipe_ = kj::newTwoWayPipe();
    kj::Promise<std::string> acceptor = Acceptor(kKey).eagerlyEvaluate(nullptr);
    const std::string hello = Text(Encode(Hello{kProtocolVersion, 2, {}})).substr(0, bytes_seen);
    if (bytes_seen > 0) pipe_.ends[0]->write(hello.data(), hello.size()).wait(scope_);
    EXPECT_FALSE(acceptor.poll(scope_));
  }
}

}  // namespace
}  // namespace millrace
