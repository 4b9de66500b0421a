#include "rpc/preamble.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <string>

namespace millrace {
namespace {

const ClusterKey kKey = ClusterKey::FromBytes("0123456789abcdef");

Nonce NonceOf(uint8_t byte) {
  Nonce nonce;
  nonce.fill(byte);
  return nonce;
}

TEST(PreambleTest, GreetingsHaveFixedBytes) {
  const HelloBytes bytes = Encode(Hello{0x01020304, 2, NonceOf(7)});
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(text, "\x93millr\r\n\x04\x03\x02\x01\x02" + std::string(16, '\7'));
}

RC_GTEST_PROP(PreambleTest, WhatIsEncodedIsDecoded, (uint32_t version, uint8_t role, Nonce nonce)) {
  const absl::StatusOr<Hello> hello = DecodeHello(Encode(Hello{version, role, nonce}));
  RC_ASSERT(hello.ok());
  RC_ASSERT(hello->version == version && hello->role == role && hello->nonce == nonce);
}

RC_GTEST_PROP(PreambleTest, AnyBytesAreDecodedOrRefused, (HelloBytes bytes, FinalReplyBytes last)) {
  RC_ASSERT(!DecodeHello(bytes).ok());  // none guesses the magic
  std::memcpy(bytes.data(), Encode(Hello{}).data(), 8);
  RC_ASSERT(DecodeHello(bytes).ok());
  RC_ASSERT(DecodeHelloReply(bytes).ok() == (bytes[12] <= 3));
  RC_ASSERT(DecodeFinalReply(last).ok() == (last[0] <= 3));
}

// A proof must stand for this handshake, this end and this key, and nothing else.
TEST(PreambleTest, AProofDependsOnAllThatWasSaid) {
  const Hello hello{1, 2, NonceOf(3)};
  const HelloReply reply{1, Verdict::kWelcome, NonceOf(4)};
  const Proof proof = MakeProof(kKey, Prover::kDialler, hello, reply);
  EXPECT_TRUE(SameProof(proof, MakeProof(kKey, Prover::kDialler, hello, reply)));

  EXPECT_FALSE(SameProof(proof, MakeProof(kKey, Prover::kAcceptor, hello, reply)));
  const ClusterKey other_key = ClusterKey::FromBytes("0123456789abcdeg");
  EXPECT_FALSE(SameProof(proof, MakeProof(other_key, Prover::kDialler, hello, reply)));
  EXPECT_FALSE(SameProof(proof, MakeProof(ClusterKey::None(), Prover::kDialler, hello, reply)));
  const Hello other_role{1, 1, NonceOf(3)};
  EXPECT_FALSE(SameProof(proof, MakeProof(kKey, Prover::kDialler, other_role, reply)));
  const Hello other_nonce{1, 2, NonceOf(5)};
  EXPECT_FALSE(SameProof(proof, MakeProof(kKey, Prover::kDialler, other_nonce, reply)));
  const HelloReply other_reply{1, Verdict::kWelcome, NonceOf(5)};
  EXPECT_FALSE(SameProof(proof, MakeProof(kKey, Prover::kDialler, hello, other_reply)));
}

TEST(PreambleTest, KernelEntropyDiffersEachTime) {
  Nonce a = {};
  Nonce b = {};
  KernelEntropy()(a.data(), a.size());
  KernelEntropy()(b.data(), b.size());
  EXPECT_NE(a, b);
}

class ClusterKeyTest : public testing::Test {
 protected:
  void WriteKey(const std::string& content, mode_t mode) {
    std::ofstream(path_) << content;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }

  const std::string path_ = testing::TempDir() + "/cluster_key";
};

TEST_F(ClusterKeyTest, ALineEndIsNoPartOfTheKey) {
  WriteKey("0123456789abcdef\n", 0600);
  absl::StatusOr<ClusterKey> key = ClusterKey::Load(path_);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->bytes(), "0123456789abcdef");
}

TEST_F(ClusterKeyTest, AKeyThatOthersMayReadIsRefusedWithTheRemedy) {
  WriteKey("0123456789abcdef", 0640);
  const absl::Status status = ClusterKey::Load(path_).status();
  EXPECT_NE(status.ToString().find("chmod 600 " + path_), std::string::npos) << status;
}

TEST_F(ClusterKeyTest, KeysThatAreTooShortOrTooLongAreRefused) {
  WriteKey("0123456789abcde\n", 0600);
  EXPECT_FALSE(ClusterKey::Load(path_).ok());
  WriteKey(std::string(4096, 'x') + "\n", 0600);
  EXPECT_TRUE(ClusterKey::Load(path_).ok());
  WriteKey(std::string(4097, 'x'), 0600);
  EXPECT_FALSE(ClusterKey::Load(path_).ok());
}

TEST_F(ClusterKeyTest, AMissingFileAndAFolderAreNoKeys) {
  EXPECT_FALSE(ClusterKey::Load(path_ + ".missing").ok());
  EXPECT_FALSE(ClusterKey::Load(testing::TempDir()).ok());
}

}  // namespace
}  // namespace millrace
