#include "rpc/address.h"

#include <arpa/inet.h>

#include <cctype>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr size_t kMaxHostBytes = 253;  // of a DNS name

absl::Status BadAddress(std::string_view text, std::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", ToAbsl(text.substr(0, kMaxHostBytes)), "\" is no address: ", ToAbsl(problem),
      "; write HOST:PORT, like 10.0.0.1:7070 or [::1]:7070"));
}

bool IsIpv4(std::string_view host, in_addr* address = nullptr) {
  in_addr ignored;
  return inet_pton(AF_INET, std::string(host).c_str(), address ? address : &ignored) == 1;
}

bool IsIpv6(std::string_view host, in6_addr* address = nullptr) {
  in6_addr ignored;
  return inet_pton(AF_INET6, std::string(host).c_str(), address ? address : &ignored) == 1;
}

bool IsName(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  bool only_digits = true;  // "1.2.3" is a mistyped number, not a name
  for (char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isalnum(byte) && c != '-' && c != '.' && c != '_') return false;
    if (!std::isdigit(byte) && c != '.') only_digits = false;
  }
  return !only_digits && host.front() != '-' && host.front() != '.';
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  uint32_t port = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(std::string_view text, PortZero port_zero) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text, "it has no port");
  std::string_view host = text.substr(0, colon);
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));

  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']' || !IsIpv6(host.substr(1, host.size() - 2))) {
      return BadAddress(text, "what stands in brackets is no IPv6 address");
    }
    host = host.substr(1, host.size() - 2);
  } else if (text.find("://") != std::string_view::npos) {
    return BadAddress(text, "it is a URL");
  } else if (host.find(':') != std::string_view::npos) {
    return BadAddress(text, "an IPv6 address needs brackets");
  } else if (host.empty()) {
    return BadAddress(text, "it has no host");
  } else if (host == "*") {
    return BadAddress(text, "every address of this machine is 0.0.0.0");
  } else if (!IsIpv4(host) && !IsName(host)) {
    return BadAddress(text, "its host is neither a name nor a number");
  }

  if (!port.has_value()) return BadAddress(text, "its port is no number up to 65535");
  if (*port == 0 && port_zero == PortZero::kRefused) {
    return BadAddress(text, "port 0 means any free one, which nobody can dial");
  }
  return HostPort{std::string(host), *port};
}

std::string ToString(const HostPort& address) {
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return ipv6 ? absl::StrCat("[", address.host, "]:", address.port)
              : absl::StrCat(address.host, ":", address.port);
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost") return true;
  in_addr v4;
  if (IsIpv4(host, &v4)) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (!IsIpv6(host, &v6)) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

bool IsWildcard(std::string_view host) {
  in_addr v4;
  if (IsIpv4(host, &v4)) return v4.s_addr == INADDR_ANY;
  in6_addr v6;
  if (!IsIpv6(host, &v6)) return false;
  return IN6_IS_ADDR_UNSPECIFIED(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && std::memcmp(v6.s6_addr + 12, "\0\0\0\0", 4) == 0);
}

}  // namespace millrace
