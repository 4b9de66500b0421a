#include "rpc/skew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HeavyKey Heavy(const std::string& key) { return {key, false, 10, 100}; }
HeavyKey Cut(const std::string& key) { return {key, true, 10, 100}; }

TEST(SkewTest, PartsOfAboutTheSameSizeAreNone) {
  const Skew skew = FindSkew({10, 30, 20, 10, 30}, {});
  EXPECT_THAT(skew.parts, IsEmpty());
  EXPECT_EQ(skew.total_bytes, 100u);
  EXPECT_EQ(skew.median_bytes, 20u);
}

TEST(SkewTest, PartsOverThreeTimesTheMedianAreTheLargestFirstWithTheirKeys) {
  KeysOfLargestParts keys;
  keys.Add(1, 61, {Heavy("the")});
  keys.Add(0, 20, {Heavy("a")});
  const Skew skew = FindSkew({20, 61, 60, 20, 20, 500, 20}, keys);
  EXPECT_THAT(skew.parts, ElementsAre(SkewedPart{5, 500, {}}, SkewedPart{1, 61, {Heavy("the")}}));
}

TEST(SkewTest, OfTwoPartsOneMayBeTooLarge) {
  const Skew skew = FindSkew({10, 1000}, {});
  EXPECT_EQ(skew.median_bytes, 10u);
  EXPECT_THAT(skew.parts, ElementsAre(SkewedPart{1, 1000, {}}));
  EXPECT_THAT(FindSkew({1, 1, 100, 100}, {}).parts,
              ElementsAre(SkewedPart{2, 100, {}}, SkewedPart{3, 100, {}}));
}

TEST(SkewTest, OnePartAloneIsNotTooLarge) { EXPECT_THAT(FindSkew({7}, {}).parts, IsEmpty()); }

TEST(SkewTest, WhereMostPartsAreEmptyTheOthersAreSkewed) {
  const Skew skew = FindSkew({0, 0, 0, 5, 0}, {});
  EXPECT_THAT(skew.parts, ElementsAre(SkewedPart{3, 5, {}}));
}

TEST(SkewTest, KeysAreShownAsTextOfAnyAlphabet) {
  EXPECT_EQ(ShownKey(Heavy("na\xc3\xafve\t")), "na\xc3\xafve\\t");
  EXPECT_EQ(ShownKey(Heavy("na\xff\xc3\xaf")), "na\\xff\\xc3\\xaf");
  EXPECT_EQ(ShownKey(Cut("na\xc3\xaf\xc3")), "na\xc3\xaf");
  EXPECT_EQ(ShownKey(Cut("\xaf")), "\\xaf");
}

TEST(SkewTest, AJobWithoutReducersHasNone) { EXPECT_THAT(FindSkew({}, {}).parts, IsEmpty()); }

TEST(SkewTest, OfManyTheLargestAreKeptWithTheirKeysAndTheOthersCounted) {
  std::vector<uint64_t> bytes(100, 1);
  KeysOfLargestParts keys;
  for (uint32_t part = 0; part < 30; ++part) {
    bytes[part] = 1000 + part;
    keys.Add(part, bytes[part], {Heavy(std::to_string(part))});
  }
  const Skew skew = FindSkew(bytes, keys);
  ASSERT_EQ(skew.parts.size(), 10u);
  EXPECT_EQ(skew.parts.front(), (SkewedPart{29, 1029, {Heavy("29")}}));
  EXPECT_EQ(skew.parts.back(), (SkewedPart{20, 1020, {Heavy("20")}}));
  EXPECT_EQ(skew.more_parts, 20u);
}

}  // namespace
}  // namespace millrace
