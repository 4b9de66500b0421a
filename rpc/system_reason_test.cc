#include "rpc/system_reason.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>

namespace millrace {
namespace {

std::string ReasonIn(const char* description) {
  return SystemReason(
      kj::Exception(kj::Exception::Type::FAILED, "", 0, kj::heapString(description)));
}

TEST(SystemReasonTest, IsWhatStandsBetweenTheCallAndItsArguments) {
  EXPECT_EQ(ReasonIn("connect(): Connection refused; fd = 7"), "Connection refused");
  EXPECT_EQ(ReasonIn("::bind(sockfd, &addr.generic, addrlen): Cannot assign requested address; "
                     "toString() = 192.0.2.1:0"),
            "Cannot assign requested address");
}

TEST(SystemReasonTest, WhatIsNoSystemCallIsLeftAsItIs) {
  EXPECT_EQ(ReasonIn("connecting: no answer within 5 s"), "connecting: no answer within 5 s");
}

TEST(SystemReasonTest, ANameThatIsNotKnownIsSaidInOurWords) {
  EXPECT_EQ(ReasonIn("DNS lookup failed.; params.host = nowhere"), "the name leads to no address");
}

}  // namespace
}  // namespace millrace
