#include "rpc/connection.h"

#include <capnp/message.h>
#include <capnp/serialize-async.h>
#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;
using capnp::rpc::twoparty::VatId;

capnp::ReaderOptions MessageLimits() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kMaxMessageBytes / sizeof(capnp::word);
  // Our schemas nest less than ten deep.
  options.nestingLimit = 32;
  return options;
}

}  // namespace

// The messages of one connection: keeps the bounds, says in the log why a connection was cut off,
// and tells when nothing more will arrive.
class Connection::Messages final : public capnp::MessageStream {
 public:
  using ReadResult = kj::Maybe<capnp::MessageReaderAndFds>;

  Messages(kj::Own<kj::AsyncIoStream> stream, const std::string& peer)
      : peer_(peer), stream_(kj::mv(stream)), messages_(*stream_) {
    auto pair = kj::newPromiseAndFulfiller<void>();
    ended_ = pair.promise.fork();
    end_ = kj::mv(pair.fulfiller);
  }

  // Whose queue of outgoing messages is watched.
  void Watch(capnp::TwoPartyVatNetwork& network) { network_ = &network; }

  kj::Promise<void> OnEnd() { return ended_.addBranch(); }

  kj::Promise<ReadResult> tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fd_space,
                                         capnp::ReaderOptions options,
                                         kj::ArrayPtr<capnp::word> scratch) override {
    if (network_->getCurrentQueueCount() > kMaxQueuedMessages) {
      return CutOff(ToException(absl::UnavailableError(
          absl::StrCat("it takes no messages: more than ", kMaxQueuedMessages, " wait for it"))));
    }
    return messages_.tryReadMessage(fd_space, options, scratch)
        .then(
            [this](ReadResult&& result) -> kj::Promise<ReadResult> { return Note(kj::mv(result)); },
            [this](kj::Exception&& e) -> kj::Promise<ReadResult> { return CutOff(kj::mv(e)); });
  }

  kj::Promise<void> writeMessage(
      kj::ArrayPtr<const int> fds,
      kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override {
    return messages_.writeMessage(fds, segments);
  }

  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override {
    return messages_.writeMessages(messages);
  }

  kj::Maybe<int> getSendBufferSize() override { return messages_.getSendBufferSize(); }
  kj::Promise<void> end() override { return messages_.end(); }

 private:
  ReadResult Note(ReadResult&& result) {
    if (result == nullptr) end_->fulfill();
    return kj::mv(result);
  }

  kj::Exception CutOff(kj::Exception&& e) {
    // A lost connection is everyday life; its owner will say what it means.
    if (e.getType() != kj::Exception::Type::DISCONNECTED || network_->getCurrentQueueCount() > 0) {
      LOG(WARNING) << "closing the connection with " << peer_ << ": " << e.getDescription().cStr();
    }
    end_->fulfill();
    return kj::mv(e);
  }

  const std::string peer_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::AsyncIoMessageStream messages_;
  capnp::TwoPartyVatNetwork* network_ = nullptr;
  kj::ForkedPromise<void> ended_ = nullptr;
  kj::Own<kj::PromiseFulfiller<void>> end_;
};

Connection::Connection(kj::Own<kj::AsyncIoStream> stream, Side side, capnp::Capability::Client own,
                       std::string peer)
    : peer_(std::move(peer)),
      messages_(kj::heap<Messages>(kj::mv(stream), peer_)),
      network_(*messages_, side, MessageLimits()),
      rpc_system_(capnp::makeRpcServer(network_, kj::mv(own))) {
  messages_->Watch(network_);
  rpc_system_.setFlowLimit(kMaxUnansweredBytes / sizeof(capnp::word));
  // The RPC system of the client's side does not read before it has asked for something.
  if (side == Side::CLIENT) Peer();
}

Connection::~Connection() noexcept(false) = default;

capnp::Capability::Client Connection::Peer() {
  KJ_IF_MAYBE (capability, peer_capability_) return *capability;
  capnp::Capability::Client capability = Bootstrap();
  peer_capability_ = capability;
  return capability;
}

kj::Promise<void> Connection::OnDisconnect() {
  // The RPC system takes its leave only when its last words are written, which a peer that does not
  // read would put off for ever.
  return network_.onDisconnect().exclusiveJoin(messages_->OnEnd());
}

kj::Promise<void> Connection::Ping() { return Bootstrap().whenResolved(); }

capnp::Capability::Client Connection::Bootstrap() {
  capnp::MallocMessageBuilder message(8);
  auto peer = message.getRoot<VatId>();
  peer.setSide(network_.getSide() == Side::CLIENT ? Side::SERVER : Side::CLIENT);
  return rpc_system_.bootstrap(peer);
}

}  // namespace millrace
