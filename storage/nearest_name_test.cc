#include "storage/nearest_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::IsEmpty;

TEST(NearestNameTest, AnotherWordIsNotASlip) {
  EXPECT_THAT(NearestName("speculation", {"input", "output"}), IsEmpty());
  EXPECT_THAT(NearestName("frob", {"job"}), IsEmpty());
  EXPECT_EQ(NearestName("outptu", {"input", "output"}), "output");
}

}  // namespace
}  // namespace millrace
