#include "master/route.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

namespace millrace {
namespace {

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name[0] != '\0' ? name : "localhost";
}

// Empty when it has no name.
std::string NumericName(const sockaddr* address, socklen_t length) {
  char name[NI_MAXHOST] = "";
  const int failed = getnameinfo(address, length, name, sizeof(name), nullptr, 0, NI_NUMERICHOST);
  return failed == 0 ? name : "";
}

std::string RouteTo(const addrinfo& target) {
  const int fd = socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  std::string name;
  sockaddr_storage local = {};
  socklen_t length = sizeof(local);
  auto* const local_address = reinterpret_cast<sockaddr*>(&local);
  // Connecting a datagram socket chooses a route and sends nothing.
  if (connect(fd, target.ai_addr, target.ai_addrlen) == 0 &&
      getsockname(fd, local_address, &length) == 0) {
    name = NumericName(local_address, length);
  }
  close(fd);
  return name;
}

}  // namespace

std::string LocalAddressTowards(const std::string& host) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // no look-ups, which may block
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return HostName();
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  const std::string name = RouteTo(*found);
  return name.empty() ? HostName() : name;
}

}  // namespace millrace
