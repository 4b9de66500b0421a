// The first bytes of every connection: who dials, in which version, and proof that both ends hold
// the cluster's key. Nothing reaches Cap'n Proto before it.
//
//   dialler                                   acceptor
//   hello   magic, version, role, nonce  ->
//                                        <-   reply    magic, version, verdict, nonce
//   proof   HMAC(key, 'd', hello, reply) ->
//                                        <-   verdict, HMAC(key, 'a', hello, reply)
//
// Every part has a fixed size, so nothing foreign decides how much is read. The dialler proves
// itself first: whoever has no key learns nothing made with it. Fresh nonces from both ends make a
// recorded handshake worthless, the direction in the hash makes an echoed proof so.
//
// This header is pure: bytes in, bytes out. rpc/handshake.h moves them. Any thread.
#ifndef MILLRACE_RPC_PREAMBLE_H_
#define MILLRACE_RPC_PREAMBLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

// Grows with every change that an older peer would misread.
constexpr uint32_t kProtocolVersion = 6;

// What the dialling end is; it decides what it can reach.
enum class Role : uint8_t { kClient = 1, kWorker = 2, kMaster = 3, kFetcher = 4, kBulk = 5 };

// "client", "worker", ...
const char* Name(Role role);

// A secret that all processes of a cluster share.
class ClusterKey {
 public:
  // No key: its proof is 32 zeros, which every end without one accepts and no other does.
  ClusterKey() = default;
  static ClusterKey None() { return ClusterKey(); }

  // Reads a key file: 16 to 4096 bytes, a line end after them is dropped. Refused when others than
  // its owner may read it, or when it belongs to somebody else.
  static absl::StatusOr<ClusterKey> Load(const std::string& path);

  static ClusterKey FromBytes(std::string bytes);

  bool is_set() const { return !bytes_.empty(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Fills `count` bytes that nobody can guess. An argument, so that a simulation repeats itself.
using Entropy = std::function<void(uint8_t* bytes, size_t count)>;

// getrandom(2).
Entropy KernelEntropy();

// Eight bytes of it, as for a seed.
uint64_t DrawNumber(const Entropy& entropy);

using Nonce = std::array<uint8_t, 16>;
using Proof = std::array<uint8_t, 32>;

struct Hello {
  uint32_t version = kProtocolVersion;
  uint8_t role = 0;  // a Role, if it is one
  Nonce nonce = {};
};

enum class Verdict : uint8_t {
  kWelcome = 0,
  kOtherVersion = 1,
  kRoleRefused = 2,
  kKeyRefused = 3,
};

struct HelloReply {
  uint32_t version = kProtocolVersion;
  Verdict verdict = Verdict::kWelcome;
  Nonce nonce = {};
};

struct FinalReply {
  Verdict verdict = Verdict::kWelcome;
  Proof proof = {};
};

using HelloBytes = std::array<uint8_t, 29>;
using HelloReplyBytes = std::array<uint8_t, 29>;
using FinalReplyBytes = std::array<uint8_t, 33>;

HelloBytes Encode(const Hello& hello);
HelloReplyBytes Encode(const HelloReply& reply);
FinalReplyBytes Encode(const FinalReply& reply);

// kInvalidArgument when the peer speaks something else than Millrace.
absl::StatusOr<Hello> DecodeHello(const HelloBytes& bytes);
absl::StatusOr<HelloReply> DecodeHelloReply(const HelloReplyBytes& bytes);
absl::StatusOr<FinalReply> DecodeFinalReply(const FinalReplyBytes& bytes);

enum class Prover : uint8_t { kDialler = 'd', kAcceptor = 'a' };

Proof MakeProof(const ClusterKey& key, Prover prover, const Hello& hello, const HelloReply& reply);

// In a time that does not depend on where they differ.
bool SameProof(const Proof& a, const Proof& b);

}  // namespace millrace

#endif  // MILLRACE_RPC_PREAMBLE_H_
