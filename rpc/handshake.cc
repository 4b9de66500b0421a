#include "rpc/handshake.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

template <typename Bytes>
kj::Promise<void> ReadExactly(kj::AsyncIoStream& stream, Bytes& bytes) {
  return stream.read(bytes.data(), bytes.size());
}

template <typename Bytes>
kj::Promise<void> WriteAll(kj::AsyncIoStream& stream, const Bytes& bytes) {
  return stream.write(bytes.data(), bytes.size());
}

absl::Status OtherVersion(const std::string& peer, uint32_t version) {
  return absl::UnimplementedError(absl::StrCat(peer, " speaks protocol version ", version,
                                               ", this program version ", kProtocolVersion,
                                               "; run the same release on both"));
}

// The dialling end of one handshake.
class Offer {
 public:
  Offer(kj::AsyncIoStream& stream, Role role, const ClusterKey& key, const Entropy& entropy,
        std::string peer)
      : stream_(stream), role_(role), key_(key), peer_(std::move(peer)) {
    hello_.role = static_cast<uint8_t>(role);
    entropy(hello_.nonce.data(), hello_.nonce.size());
    hello_bytes_ = Encode(hello_);
  }

  kj::Promise<void> Run() {
    return WriteAll(stream_, hello_bytes_)
        .then([this]() { return ReadExactly(stream_, reply_bytes_); })
        .then([this]() { return Prove(); })
        .then([this]() { return ReadExactly(stream_, final_bytes_); })
        .then([this]() { CheckFinalReply(); })
        .catch_([this](kj::Exception&& e) { Explain(std::move(e)); });
  }

 private:
  kj::Promise<void> Prove() {
    absl::StatusOr<HelloReply> reply = DecodeHelloReply(reply_bytes_);
    if (!reply.ok()) return Stranger(reply.status());
    if (reply->version != kProtocolVersion || reply->verdict == Verdict::kOtherVersion) {
      return ToException(OtherVersion(peer_, reply->version));
    }
    if (reply->verdict != Verdict::kWelcome) return Refused(reply->verdict);
    reply_ = *reply;
    proof_ = MakeProof(key_, Prover::kDialler, hello_, reply_);
    return WriteAll(stream_, proof_);
  }

  void CheckFinalReply() {
    absl::StatusOr<FinalReply> reply = DecodeFinalReply(final_bytes_);
    if (!reply.ok()) kj::throwFatalException(Stranger(reply.status()));
    if (reply->verdict != Verdict::kWelcome) kj::throwFatalException(Refused(reply->verdict));
    if (!SameProof(reply->proof, MakeProof(key_, Prover::kAcceptor, hello_, reply_))) {
      kj::throwFatalException(ToException(absl::PermissionDeniedError(absl::StrCat(
          peer_,
          " does not hold our cluster key; check its --cluster_key_file, and the address"))));
    }
  }

  kj::Exception Stranger(const absl::Status& why) const {
    return ToException(
        absl::UnavailableError(absl::StrCat(peer_, " is no Millrace process, or a much newer one (",
                                            why.message(), "); check the port")));
  }

  kj::Exception Refused(Verdict verdict) const {
    if (verdict == Verdict::kKeyRefused) {
      return ToException(absl::PermissionDeniedError(
          absl::StrCat("cluster key refused by ", peer_,
                       ": both ends need the same --cluster_key_file, or both none")));
    }
    return ToException(absl::PermissionDeniedError(
        absl::StrCat(peer_, " does not accept a ", Name(role_), "; check the address")));
  }

  // A stream that ends says only that it did.
  [[noreturn]] void Explain(kj::Exception&& e) const {
    if (e.getType() != kj::Exception::Type::DISCONNECTED ||
        e.getDescription().startsWith(peer_.c_str())) {
      kj::throwFatalException(std::move(e));
    }
    kj::throwFatalException(ToException(absl::UnavailableError(absl::StrCat(
        peer_,
        " closed the connection during the handshake; is it a Millrace process, and not "
        "just ending?"))));
  }

  kj::AsyncIoStream& stream_;
  const Role role_;
  const ClusterKey key_;
  const std::string peer_;
  Hello hello_;
  HelloReply reply_;
  Proof proof_ = {};
  HelloBytes hello_bytes_ = {};
  HelloReplyBytes reply_bytes_ = {};
  FinalReplyBytes final_bytes_ = {};
};

// The accepting end of one handshake.
class Reception {
 public:
  Reception(kj::AsyncIoStream& stream, std::vector<Role> allowed, const ClusterKey& key,
            const Entropy& entropy)
      : stream_(stream), allowed_(std::move(allowed)), key_(key) {
    entropy(reply_.nonce.data(), reply_.nonce.size());
  }

  kj::Promise<Role> Run() {
    return ReadExactly(stream_, hello_bytes_)
        .then([this]() { return Reply(); })
        .then([this]() { return ReadExactly(stream_, proof_); })
        .then([this]() { return Decide(); })
        .then([this]() { return static_cast<Role>(hello_.role); });
  }

 private:
  kj::Promise<void> Reply() {
    absl::StatusOr<Hello> hello = DecodeHello(hello_bytes_);
    if (!hello.ok()) return ToException(hello.status());
    hello_ = *hello;
    absl::Status objection = CheckHello();
    reply_bytes_ = Encode(reply_);
    return WriteAll(stream_, reply_bytes_).then([objection]() {
      if (!objection.ok()) kj::throwFatalException(ToException(objection));
    });
  }

  // Sets the verdict of the reply, too.
  absl::Status CheckHello() {
    if (hello_.version != kProtocolVersion) {
      reply_.verdict = Verdict::kOtherVersion;
      // Not OtherVersion: at this end it is one refused stranger, no reason to stop.
      return absl::FailedPreconditionError(absl::StrCat("it speaks protocol version ",
                                                        hello_.version, ", this program version ",
                                                        kProtocolVersion));
    }
    const auto is_role = [this](Role role) { return static_cast<uint8_t>(role) == hello_.role; };
    if (std::none_of(allowed_.begin(), allowed_.end(), is_role)) {
      reply_.verdict = Verdict::kRoleRefused;
      return absl::PermissionDeniedError(
          absl::StrCat("it comes as a ", Name(static_cast<Role>(hello_.role)), " (",
                       static_cast<int>(hello_.role), "), which is not accepted here"));
    }
    return absl::OkStatus();
  }

  kj::Promise<void> Decide() {
    FinalReply reply;
    const bool welcome = SameProof(proof_, MakeProof(key_, Prover::kDialler, hello_, reply_));
    if (welcome) {
      reply.proof = MakeProof(key_, Prover::kAcceptor, hello_, reply_);
    } else {
      reply.verdict = Verdict::kKeyRefused;
    }
    final_bytes_ = Encode(reply);
    return WriteAll(stream_, final_bytes_).then([welcome]() {
      if (welcome) return;
      kj::throwFatalException(ToException(absl::PermissionDeniedError("its cluster key is wrong")));
    });
  }

  kj::AsyncIoStream& stream_;
  const std::vector<Role> allowed_;
  const ClusterKey key_;
  Hello hello_;
  HelloReply reply_;
  Proof proof_ = {};
  HelloBytes hello_bytes_ = {};
  HelloReplyBytes reply_bytes_ = {};
  FinalReplyBytes final_bytes_ = {};
};

}  // namespace

kj::Promise<void> OfferPreamble(kj::AsyncIoStream& stream, Role role, const ClusterKey& key,
                                const Entropy& entropy, std::string peer) {
  auto offer = kj::heap<Offer>(stream, role, key, entropy, std::move(peer));
  kj::Promise<void> done = offer->Run();
  return done.attach(kj::mv(offer));
}

kj::Promise<Role> AcceptPreamble(kj::AsyncIoStream& stream, std::vector<Role> allowed,
                                 const ClusterKey& key, const Entropy& entropy) {
  auto reception = kj::heap<Reception>(stream, std::move(allowed), key, entropy);
  kj::Promise<Role> role = reception->Run();
  return role.attach(kj::mv(reception));
}

}  // namespace millrace
