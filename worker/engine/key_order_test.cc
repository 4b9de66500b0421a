#include "worker/engine/key_order.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(KeyOrderTest, AKeyComesBeforeThoseThatItBegins) {
  const std::string keys[] = {
      "",    std::string(1, '\0'), std::string(2, '\0'), "a", std::string("a\0", 2), "aa", "b",
      "\xff"};
  for (size_t i = 0; i + 1 < std::size(keys); ++i) {
    EXPECT_TRUE(KeyOrderOf(keys[i]) < KeyOrderOf(keys[i + 1])) << i;
    EXPECT_FALSE(KeyOrderOf(keys[i + 1]) < KeyOrderOf(keys[i])) << i;
    EXPECT_FALSE(KeyOrderOf(keys[i]) == KeyOrderOf(keys[i + 1])) << i;
  }
}

TEST(KeyOrderTest, OnlyKeysOfMoreThanFifteenBytesAreLong) {
  EXPECT_FALSE(KeyOrderOf(std::string(15, 'k')).is_long());
  EXPECT_TRUE(KeyOrderOf(std::string(16, 'k')).is_long());
  EXPECT_TRUE(KeyOrderOf(std::string(15, 'k')) < KeyOrderOf(std::string(16, 'k')));
}

TEST(KeyOrderTest, LongKeysThatBeginAlikeAreLeftToTheRestOfTheirBytes) {
  EXPECT_TRUE(KeyOrderOf("exactly15bytes_a") == KeyOrderOf("exactly15bytes_bcd"));
  EXPECT_TRUE(KeyOrderOf("exactly15bytes_a") < KeyOrderOf("exactly15bytesz"));
}

TEST(KeyOrderTest, AShortKeyComesBackFromItsOrder) {
  for (const std::string& key : {std::string(), std::string("a\0b\xff", 4), std::string(15, 'k')}) {
    EXPECT_EQ(ShortKeyOf(KeyOrderOf(key)).view(), key);
  }
}

RC_GTEST_PROP(KeyOrderProperty, ComparesLikeTheKeys, (const std::string& a, const std::string& b)) {
  const KeyOrder order_a = KeyOrderOf(a);
  const KeyOrder order_b = KeyOrderOf(b);
  if (order_a == order_b) {
    RC_ASSERT(a == b || (order_a.is_long() && a.substr(0, 15) == b.substr(0, 15)));
  } else {
    RC_ASSERT((order_a < order_b) == (a < b));
  }
  const std::string padded = a + std::string(16, '?');
  RC_ASSERT(KeyOrderWithSlack(std::string_view(padded).substr(0, a.size())) == order_a);
}

}  // namespace
}  // namespace millrace
