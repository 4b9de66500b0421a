#include "master/route.h"

#include "gtest/gtest.h"

namespace millrace {
namespace {

TEST(RouteTest, ThisMachineSeesItselfOnLoopback) {
  EXPECT_EQ(LocalAddressTowards("127.0.0.1"), "127.0.0.1");
}

TEST(RouteTest, ANameThatIsNotNumericGivesThisMachinesName) {
  EXPECT_FALSE(LocalAddressTowards("no-such-host").empty());
}

}  // namespace
}  // namespace millrace
