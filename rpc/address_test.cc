#include "rpc/address.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

// As it prints again, or the error.
std::string Parsed(std::string_view text, PortZero port_zero = PortZero::kRefused) {
  absl::StatusOr<HostPort> address = ParseHostPort(text, port_zero);
  return address.ok() ? ToString(*address) : std::string(address.status().message());
}

TEST(AddressTest, NamesAndNumbers) {
  EXPECT_EQ(Parsed("127.0.0.1:7070"), "127.0.0.1:7070");
  EXPECT_EQ(Parsed("build-7.example.org:1"), "build-7.example.org:1");
  EXPECT_EQ(Parsed("0.0.0.0:65535"), "0.0.0.0:65535");
}

TEST(AddressTest, Ipv6StandsInBrackets) {
  EXPECT_EQ(*ParseHostPort("[::1]:7070", PortZero::kRefused), (HostPort{"::1", 7070}));
  EXPECT_EQ(Parsed("[2001:db8::7]:7070"), "[2001:db8::7]:7070");
  EXPECT_NE(Parsed("::1:7070").find("needs brackets"), std::string::npos);
  EXPECT_NE(Parsed("http://10.0.0.1:7070").find("it is a URL"), std::string::npos);
  EXPECT_NE(Parsed("[localhost]:7070").find("no IPv6"), std::string::npos);
  EXPECT_NE(Parsed("[:1").find("no IPv6"), std::string::npos);
}

TEST(AddressTest, PortZeroOnlyWhereItHasAMeaning) {
  EXPECT_EQ(Parsed("localhost:0", PortZero::kAllowed), "localhost:0");
  EXPECT_NE(Parsed("localhost:0").find("any free one"), std::string::npos);
}

TEST(AddressTest, ErrorsSayWhatIsWrongAndShowARightOne) {
  EXPECT_EQ(Parsed("master"),
            "\"master\" is no address: it has no port; write HOST:PORT, like 10.0.0.1:7070 or "
            "[::1]:7070");
  EXPECT_NE(Parsed(":7070").find("no host"), std::string::npos);
  EXPECT_NE(Parsed("*:7070").find("0.0.0.0"), std::string::npos);
  for (const char* text : {"a:", "a:x", "a:65536", "a:70700", "a:-1", "a:+1", "a: 1"}) {
    EXPECT_NE(Parsed(text).find("port is no number"), std::string::npos) << text;
  }
  for (const char* text :
       {"1.2.3:1", "256.0.0.1:1", "a b:1", "-a:1", ".:1", "a/b:1", "http://a:1"}) {
    EXPECT_EQ(Parsed(text).find("\"" + std::string(text) + "\" is no address"), 0u) << text;
  }
}

TEST(AddressTest, Loopback) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"10.0.0.1", "0.0.0.0", "::", "build-7", "localhost.example.org"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(AddressTest, Wildcard) {
  for (const char* host : {"0.0.0.0", "::", "::ffff:0.0.0.0"})
    EXPECT_TRUE(IsWildcard(host)) << host;
  for (const char* host : {"127.0.0.1", "::1", "a"}) EXPECT_FALSE(IsWildcard(host)) << host;
}

}  // namespace
}  // namespace millrace
