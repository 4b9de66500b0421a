#include "client/quantities.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(QuantitiesTest, BytesHaveThreeDigitsThatCount) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(1000), "0.977 KiB");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(64 << 20), "64 MiB");
  EXPECT_EQ(BytesText(1300000000), "1.21 GiB");
  EXPECT_EQ(BytesText(~uint64_t{0}), "16 EiB");
}

TEST(QuantitiesTest, LongTimesLoseTheirFractions) {
  EXPECT_EQ(DurationText(240), "0.24 s");
  EXPECT_EQ(DurationText(12340), "12.3 s");
  EXPECT_EQ(DurationText(125'000), "2m05s");
  EXPECT_EQ(DurationText(3'725'000), "1h02m");
}

}  // namespace
}  // namespace millrace
