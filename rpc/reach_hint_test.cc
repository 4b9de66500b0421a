#include "rpc/reach_hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(WhatToCheckTest, ALoopbackAddressIsThisMachine) {
  for (const char* address : {"127.0.0.1:7070", "localhost:7070", "[::1]:7070"}) {
    EXPECT_THAT(WhatToCheck(address),
                AllOf(HasSubstr("is the server running there"), HasSubstr("this machine itself"),
                      Not(HasSubstr("firewall"))));
  }
}

TEST(WhatToCheckTest, APrivateAddressIsForItsOwnNetwork) {
  for (const char* host :
       {"10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.0.1", "100.64.0.1",
        "100.127.255.255", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.5]"}) {
    EXPECT_THAT(WhatToCheck(std::string(host) + ":7070"),
                AllOf(HasSubstr("is a private address"), HasSubstr("public address"),
                      HasSubstr("listen on 127.0.0.1? "), HasSubstr("is port 7070 open")));
  }
}

TEST(WhatToCheckTest, APublicAddressMayNotBeWhatTheServerListensOn) {
  for (const char* host :
       {"9.255.255.255", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "100.63.0.1",
        "100.128.0.1", "203.0.113.5", "[2001:db8::1]", "[::ffff:203.0.113.5]"}) {
    EXPECT_THAT(WhatToCheck(std::string(host) + ":7070"),
                AllOf(HasSubstr("is a public address"), HasSubstr("0.0.0.0:7070"),
                      HasSubstr("is port 7070 open")));
  }
}

TEST(WhatToCheckTest, TheAddressOfAllAddressesIsForServers) {
  for (const char* address : {"0.0.0.0:7070", "[::]:7070"}) {
    EXPECT_THAT(WhatToCheck(address), AllOf(HasSubstr("is for a server"), HasSubstr("one of those"),
                                            Not(HasSubstr("public"))));
  }
}

TEST(WhatToCheckTest, ANameMayLeadElsewhere) {
  EXPECT_THAT(WhatToCheck("build-7:7070"),
              AllOf(HasSubstr("is build-7 the right name"), HasSubstr("private or public")));
}

TEST(WhatToCheckTest, WhatIsNoAddressStillGetsTheFirstLine) {
  EXPECT_EQ(WhatToCheck("nonsense"),
            "  - is the server running there, and does it listen on that port?");
}

}  // namespace
}  // namespace millrace
