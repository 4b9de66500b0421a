#include "rpc/preamble.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

// The first byte is no letter, and there is a line end: neither text nor another protocol starts
// so.
constexpr std::array<uint8_t, 8> kMagic = {0x93, 'm', 'i', 'l', 'l', 'r', '\r', '\n'};
constexpr size_t kMinKeyBytes = 16;
constexpr size_t kMaxKeyBytes = 4096;

// Both greetings: magic 8, version 4 (little endian), one byte, nonce 16.
constexpr size_t kVersionAt = 8;
constexpr size_t kByteAt = 12;
constexpr size_t kNonceAt = 13;
static_assert(kNonceAt + sizeof(Nonce) == sizeof(HelloBytes), "the layout above");
static_assert(sizeof(HelloBytes) == sizeof(HelloReplyBytes), "both greetings look the same");

struct Greeting {
  uint32_t version;
  uint8_t byte;
  Nonce nonce;
};

HelloBytes EncodeGreeting(const Greeting& greeting) {
  HelloBytes bytes;
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  for (int i = 0; i < 4; ++i) {
    bytes[kVersionAt + i] = static_cast<uint8_t>(greeting.version >> (8 * i));
  }
  bytes[kByteAt] = greeting.byte;
  std::copy(greeting.nonce.begin(), greeting.nonce.end(), bytes.begin() + kNonceAt);
  return bytes;
}

absl::StatusOr<Greeting> DecodeGreeting(const HelloBytes& bytes) {
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    return absl::InvalidArgumentError("the peer does not speak Millrace's protocol");
  }
  Greeting greeting = {};
  for (int i = 0; i < 4; ++i) {
    greeting.version |= static_cast<uint32_t>(bytes[kVersionAt + i]) << (8 * i);
  }
  greeting.byte = bytes[kByteAt];
  std::copy(bytes.begin() + kNonceAt, bytes.end(), greeting.nonce.begin());
  return greeting;
}

absl::StatusOr<Verdict> DecodeVerdict(uint8_t byte) {
  if (byte > static_cast<uint8_t>(Verdict::kKeyRefused)) {
    return absl::InvalidArgumentError(absl::StrCat("the peer answered with verdict ", byte));
  }
  return static_cast<Verdict>(byte);
}

// Closes a descriptor when it goes.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      // Not blocking, should it be a pipe.
      : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd >= 0) close(fd);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const int fd;
};

absl::Status CheckKeyFile(const std::string& path, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("cluster key ", path, " is no regular file"));
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("cluster key ", path, " belongs to another user"));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("cluster key ", path, " is open to other users; run: chmod 600 ", path));
  }
  return absl::OkStatus();
}

}  // namespace

const char* Name(Role role) {
  switch (role) {
    case Role::kClient: return "client";
    case Role::kWorker: return "worker";
    case Role::kMaster: return "master";
    case Role::kFetcher: return "fetcher";
    case Role::kBulk: return "bulk";
  }
  return "unknown";
}

absl::StatusOr<ClusterKey> ClusterKey::Load(const std::string& path) {
  OpenFile file(path);
  struct stat info;
  if (file.fd < 0 || fstat(file.fd, &info) != 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot open cluster key ", path, ": ", strerror(errno)));
  }
  if (absl::Status status = CheckKeyFile(path, info); !status.ok()) return status;

  std::string bytes(kMaxKeyBytes + 2, '\0');
  const ssize_t count = read(file.fd, bytes.data(), bytes.size());
  if (count < 0) {
    return absl::InternalError(
        absl::StrCat("cannot read cluster key ", path, ": ", strerror(errno)));
  }
  bytes.resize(static_cast<size_t>(count));
  if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  if (bytes.size() < kMinKeyBytes || bytes.size() > kMaxKeyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("cluster key ", path, " has ", bytes.size(), " bytes, not ", kMinKeyBytes,
                     " to ", kMaxKeyBytes, "; make one with: head -c 32 /dev/urandom | base64"));
  }
  return FromBytes(std::move(bytes));
}

ClusterKey ClusterKey::FromBytes(std::string bytes) {
  ClusterKey key;
  key.bytes_ = std::move(bytes);
  return key;
}

Entropy KernelEntropy() {
  return [](uint8_t* bytes, size_t count) {
    // Up to 256 bytes come whole or not at all (getrandom(2)).
    CHECK_LE(count, 256u);
    ssize_t got;
    do {
      got = getrandom(bytes, count, 0);
    } while (got < 0 && errno == EINTR);
    CHECK_EQ(got, static_cast<ssize_t>(count)) << strerror(errno);
  };
}

uint64_t DrawNumber(const Entropy& entropy) {
  uint64_t number = 0;
  entropy(reinterpret_cast<uint8_t*>(&number), sizeof(number));
  return number;
}

HelloBytes Encode(const Hello& hello) {
  return EncodeGreeting({hello.version, hello.role, hello.nonce});
}

HelloReplyBytes Encode(const HelloReply& reply) {
  return EncodeGreeting({reply.version, static_cast<uint8_t>(reply.verdict), reply.nonce});
}

FinalReplyBytes Encode(const FinalReply& reply) {
  FinalReplyBytes bytes;
  bytes[0] = static_cast<uint8_t>(reply.verdict);
  std::copy(reply.proof.begin(), reply.proof.end(), bytes.begin() + 1);
  return bytes;
}

absl::StatusOr<Hello> DecodeHello(const HelloBytes& bytes) {
  absl::StatusOr<Greeting> greeting = DecodeGreeting(bytes);
  if (!greeting.ok()) return greeting.status();
  return Hello{greeting->version, greeting->byte, greeting->nonce};
}

absl::StatusOr<HelloReply> DecodeHelloReply(const HelloReplyBytes& bytes) {
  absl::StatusOr<Greeting> greeting = DecodeGreeting(bytes);
  if (!greeting.ok()) return greeting.status();
  absl::StatusOr<Verdict> verdict = DecodeVerdict(greeting->byte);
  if (!verdict.ok()) return verdict.status();
  return HelloReply{greeting->version, *verdict, greeting->nonce};
}

absl::StatusOr<FinalReply> DecodeFinalReply(const FinalReplyBytes& bytes) {
  absl::StatusOr<Verdict> verdict = DecodeVerdict(bytes[0]);
  if (!verdict.ok()) return verdict.status();
  FinalReply reply;
  reply.verdict = *verdict;
  std::copy(bytes.begin() + 1, bytes.end(), reply.proof.begin());
  return reply;
}

Proof MakeProof(const ClusterKey& key, Prover prover, const Hello& hello, const HelloReply& reply) {
  // Without a key there is nothing to prove; this spares processes that live for milliseconds the
  // set-up of the crypto library.
  if (!key.is_set()) return Proof{};
  // All parts have a fixed size, so no two handshakes give the same text.
  std::string text(1, static_cast<char>(prover));
  const HelloBytes hello_bytes = Encode(hello);
  const HelloReplyBytes reply_bytes = Encode(reply);
  text.append(hello_bytes.begin(), hello_bytes.end());
  text.append(reply_bytes.begin(), reply_bytes.end());

  Proof proof;
  unsigned int length = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), key.bytes().data(), static_cast<int>(key.bytes().size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), proof.data(), &length);
  CHECK(made != nullptr);
  CHECK_EQ(length, proof.size());
  return proof;
}

bool SameProof(const Proof& a, const Proof& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace millrace
