#include "rpc/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace millrace {

HostPort PeerAddress(kj::AsyncIoStream& stream) {
  sockaddr_storage storage = {};
  kj::uint length = sizeof(storage);
  kj::runCatchingExceptions(
      [&]() { stream.getpeername(reinterpret_cast<sockaddr*>(&storage), &length); });
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return HostPort{text, ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return HostPort{text, ntohs(v6.sin6_port)};
  }
  return HostPort();
}

std::string PeerName(const HostPort& peer) { return peer.host.empty() ? "a peer" : ToString(peer); }

}  // namespace millrace
