#include "rpc/host_id.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(HostIdTest, IsTheSameEachTime) {
  EXPECT_FALSE(HostId().empty());
  EXPECT_EQ(HostId(), HostId());
}

TEST(HostIdTest, TellsBootAndMounts) {
  EXPECT_NE(HostId().find("/mnt:["), std::string::npos) << HostId();
}

}  // namespace
}  // namespace millrace
