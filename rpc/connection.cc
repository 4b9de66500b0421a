#include "rpc/connection.h"

#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <capnp/serialize.h>
#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/buffered_stream.h"
#include "rpc/framing.h"
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

// What an end without an object of its own offers, so that its peer's pings find something: Cap'n
// Proto 0.9 crashes when it is asked for a null capability.
class Nothing final : public capnp::Capability::Server {
 public:
  DispatchCallResult dispatchCall(
      uint64_t interface_id, uint16_t method_id,
      capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) override {
    return internalUnimplemented("nothing", interface_id);
  }
};

capnp::Capability::Client OrNothing(capnp::Capability::Client own) {
  if (!capnp::ClientHook::from(own)->isNull()) return own;
  return kj::heap<Nothing>();
}

}  // namespace

// The messages of one connection: keeps the bounds, says in the log why a connection was cut off,
// and tells when nothing more will arrive.
class Connection::Messages final : public capnp::MessageStream {
 public:
  using Message = kj::Maybe<kj::Own<capnp::MessageReader>>;
  using ReadResult = kj::Maybe<capnp::MessageReaderAndFds>;

  Messages(kj::Own<kj::AsyncIoStream> stream, const std::string& peer)
      : peer_(peer), stream_(kj::heap<BufferedStream>(kj::mv(stream))), messages_(*stream_) {
    auto pair = kj::newPromiseAndFulfiller<void>();
    ended_ = pair.promise.fork();
    end_ = kj::mv(pair.fulfiller);
  }

  ~Messages() noexcept(false) { end_->fulfill(); }

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
    return TryReadFrame(*stream_, options)
        .then(
            [this](Message&& message) -> kj::Promise<ReadResult> { return Note(kj::mv(message)); },
            [this](kj::Exception&& e) -> kj::Promise<ReadResult> { return CutOff(kj::mv(e)); });
  }

  kj::Promise<void> writeMessage(
      kj::ArrayPtr<const int> fds,
      kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override {
    LogIfAbort(segments);
    return messages_.writeMessage(fds, segments);
  }

  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override {
    return messages_.writeMessages(messages);
  }

  kj::Maybe<int> getSendBufferSize() override { return messages_.getSendBufferSize(); }
  kj::Promise<void> end() override { return messages_.end(); }

 private:
  ReadResult Note(Message&& message) {
    KJ_IF_MAYBE (reader, message) return capnp::MessageReaderAndFds{kj::mv(*reader), nullptr};
    end_->fulfill();
    return nullptr;
  }

  kj::Exception CutOff(kj::Exception&& e) {
    // A lost connection is everyday life; its owner will say what it means.
    if (e.getType() != kj::Exception::Type::DISCONNECTED || network_->getCurrentQueueCount() > 0) {
      LOG(WARNING) << "closing the connection with " << peer_ << ": " << e.getDescription().cStr();
    }
    end_->fulfill();
    return kj::mv(e);
  }

  // The RPC system's last words to a peer that broke the protocol.
  void LogIfAbort(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) const {
    capnp::SegmentArrayMessageReader reader(segments);
    auto message = reader.getRoot<capnp::rpc::Message>();
    if (!message.isAbort()) return;
    if (message.getAbort().getType() == capnp::rpc::Exception::Type::DISCONNECTED) return;
    LOG(WARNING) << "closing the connection with " << peer_ << ": "
                 << message.getAbort().getReason().cStr();
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
      rpc_system_(capnp::makeRpcServer(network_, OrNothing(kj::mv(own)))) {
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
