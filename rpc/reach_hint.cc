#include "rpc/reach_hint.h"

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "rpc/address.h"

namespace millrace {
namespace {

enum class Reach { kThisMachine, kNoOther, kOwnNetwork, kEverywhere, kUnknown };

// RFC 1918, 3927 and 6598.
bool IsPrivateIpv4(uint32_t address) {
  return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
         address >> 16 == 0xa9fe || address >> 22 == 0x191;
}

Reach ReachOf(const std::string& host) {
  if (IsLoopback(host)) return Reach::kThisMachine;
  if (IsWildcard(host)) return Reach::kNoOther;
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return IsPrivateIpv4(ntohl(v4.s_addr)) ? Reach::kOwnNetwork : Reach::kEverywhere;
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      uint32_t mapped;
      std::memcpy(&mapped, v6.s6_addr + 12, sizeof(mapped));
      return IsPrivateIpv4(ntohl(mapped)) ? Reach::kOwnNetwork : Reach::kEverywhere;
    }
    const bool unique_local = (v6.s6_addr[0] & 0xfe) == 0xfc;  // RFC 4193
    return unique_local || IN6_IS_ADDR_LINKLOCAL(&v6) ? Reach::kOwnNetwork : Reach::kEverywhere;
  }
  return Reach::kUnknown;  // a name
}

std::string AboutTheHost(const HostPort& address) {
  switch (ReachOf(address.host)) {
    case Reach::kThisMachine:
      return absl::StrCat("\n  - ", address.host,
                          " is this machine itself: a server on another host has another address");
    case Reach::kNoOther:
      return absl::StrCat("\n  - ", address.host,
                          " is for a server, which listens on every address of its host with it; "
                          "whoever calls needs one of those addresses");
    case Reach::kOwnNetwork:
      return absl::StrCat("\n  - ", address.host,
                          " is a private address: only hosts of its own network reach it; from "
                          "elsewhere take the host's public address");
    case Reach::kEverywhere:
      return absl::StrCat("\n  - ", address.host,
                          " is a public address: in a cloud the server itself must listen on its "
                          "private one, or on 0.0.0.0:",
                          address.port);
    case Reach::kUnknown: break;
  }
  return absl::StrCat("\n  - is ", address.host,
                      " the right name, and does it lead to the address on which the server "
                      "listens (private or public)?");
}

}  // namespace

std::string WhatToCheck(std::string_view address) {
  std::string lines = "  - is the server running there, and does it listen on that port?";
  const absl::StatusOr<HostPort> read = ParseHostPort(address, PortZero::kAllowed);
  if (!read.ok()) return lines;
  lines += AboutTheHost(*read);
  if (!IsLoopback(read->host)) {
    absl::StrAppend(
        &lines, "\n  - does it listen on 127.0.0.1? Then only its own machine reaches it",
        "\n  - is port ", read->port, " open on the way there (firewall, security group)?");
  }
  return lines;
}

}  // namespace millrace
