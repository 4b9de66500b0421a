// HOST:PORT, as people write it. Pure; no names are looked up.
#ifndef MILLRACE_RPC_ADDRESS_H_
#define MILLRACE_RPC_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

struct HostPort {
  std::string host;  // a name or a number; IPv6 without brackets
  uint16_t port = 0;

  friend bool operator==(const HostPort& a, const HostPort& b) {
    return a.host == b.host && a.port == b.port;
  }
};

enum class PortZero {
  kRefused,
  kAllowed,  // "any free port", for addresses to listen on
};

// Reads "10.0.0.1:7070", "build-7:7070" or "[::1]:7070". Errors say what a right one looks like.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text, PortZero port_zero);

// The reverse; IPv6 gets its brackets.
std::string ToString(const HostPort& address);

// Whether only this machine can reach `host`: 127.*, ::1, localhost. Other names are not.
bool IsLoopback(std::string_view host);

// Whether `host` means every address of this machine: 0.0.0.0, ::. Nobody can dial it.
bool IsWildcard(std::string_view host);

}  // namespace millrace

#endif  // MILLRACE_RPC_ADDRESS_H_
