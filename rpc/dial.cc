#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/connection.h"
#include "rpc/deadline.h"
#include "rpc/handshake.h"
#include "rpc/status_exception.h"
#include "rpc/system_reason.h"

namespace millrace {
namespace {

using Stream = kj::Own<kj::AsyncIoStream>;

kj::Promise<Stream> Connect(kj::Network& network, const std::string& address) {
  return network.parseAddress(address.c_str()).then([](kj::Own<kj::NetworkAddress> parsed) {
    kj::Promise<Stream> stream = parsed->connect();
    return stream.attach(kj::mv(parsed));
  });
}

kj::Promise<Stream> Introduce(Stream stream, Role role, const ConnectionOptions& options,
                              const std::string& address) {
  TuneSocket(*stream);
  kj::Promise<void> done = OfferPreamble(*stream, role, options.key, options.entropy, address);
  return done.then([stream = kj::mv(stream)]() mutable { return kj::mv(stream); });
}

kj::Exception CannotConnect(const std::string& address, const kj::Exception& e) {
  return ToException(absl::UnavailableError(absl::StrCat(
      "cannot connect to ", address, ": ", SystemReason(e), "; is it running there?")));
}

}  // namespace

kj::Promise<Stream> DialStream(kj::Network& network, kj::Timer& timer, std::string address,
                               Role role, const ConnectionOptions& options) {
  kj::Promise<Stream> dialled = Connect(network, address)
                                    .catch_([address](kj::Exception&& e) -> kj::Promise<Stream> {
                                      return CannotConnect(address, e);
                                    })
                                    .then([role, options, address](Stream stream) {
                                      return Introduce(kj::mv(stream), role, options, address);
                                    });
  return WithDeadline(timer, options.handshake_timeout, "connecting", kj::mv(dialled))
      .catch_([address](kj::Exception&& e) -> kj::Promise<Stream> {
        // To a dialler, a peer that is late is a peer that cannot be reached.
        if (e.getType() == kj::Exception::Type::OVERLOADED) return CannotConnect(address, e);
        return kj::mv(e);
      });
}

kj::Promise<kj::Own<Connection>> Dial(kj::Network& network, kj::Timer& timer, std::string address,
                                      Role role, const ConnectionOptions& options,
                                      capnp::Capability::Client own) {
  return DialStream(network, timer, address, role, options)
      .then([own = kj::mv(own), address](Stream stream) mutable {
        return kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::CLIENT, kj::mv(own),
                                    address);
      });
}

bool NobodyListens(const kj::Exception& failure) {
  // KJ gives the type to many system errors, and the error itself only in words.
  return failure.getType() == kj::Exception::Type::DISCONNECTED &&
         std::string(failure.getDescription().cStr()).find(": Connection refused") !=
             std::string::npos;
}

void TuneSocket(kj::AsyncIoStream& stream) {
  KJ_IF_MAYBE (fd, stream.getFd()) {
    const auto set = [fd = *fd](int level, int option, int value) {
      // Fails on Unix sockets, which need none of it.
      setsockopt(fd, level, option, &value, sizeof(value));
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // An idle connection to a host that vanished ends after 10 + 3 * 5 seconds, one with data
    // under way after 20.
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 20'000);
  }
}

}  // namespace millrace
