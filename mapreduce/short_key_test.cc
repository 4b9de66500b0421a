#include "mapreduce/short_key.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

namespace millrace {
namespace {

TEST(ShortKeyTest, AKeyOfEveryLengthComesBack) {
  for (size_t size = 0; size <= kShortKeyBytes; ++size) {
    const std::string key = std::string("abcdefghijklmno").substr(0, size);
    // Exactly as many bytes as the key has, so that a sanitizer sees a read beyond them.
    const std::unique_ptr<char[]> exact(new char[size]);
    std::copy(key.begin(), key.end(), exact.get());
    const ShortKey packed = PackShortKey({exact.get(), size});
    EXPECT_EQ(packed.view(), key);
    EXPECT_EQ(packed.size(), size);
    EXPECT_FALSE(packed.empty_slot());
    EXPECT_TRUE(PackShortKeyWithSlack((key + "0123456789abcdef").data(), size) == packed);
  }
}

TEST(ShortKeyTest, NoKeyIsNotTheEmptyKey) {
  EXPECT_TRUE(ShortKey().empty_slot());
  EXPECT_FALSE(PackShortKey("").empty_slot());
  EXPECT_FALSE(PackShortKey("") == ShortKey());
}

TEST(ShortKeyTest, TrailingZerosCount) {
  EXPECT_FALSE(PackShortKey("a") == PackShortKey(std::string_view("a\0", 2)));
  EXPECT_FALSE(PackShortKey("") == PackShortKey(std::string_view("\0", 1)));
}

RC_GTEST_PROP(ShortKeyProperty, KeysAreEqualExactlyWhenTheirBytesAre,
              (std::string a, std::string b)) {
  a.resize(std::min(a.size(), kShortKeyBytes));
  b.resize(std::min(b.size(), kShortKeyBytes));
  RC_ASSERT((PackShortKey(a) == PackShortKey(b)) == (a == b));
  RC_ASSERT(PackShortKey(a).view() == a);
}

TEST(ShortKeyTest, TheTopBitsOfTheHashSpreadKeysThatDifferLittle) {
  std::set<uint64_t> top_bits;
  for (int i = 0; i < 4096; ++i) {
    top_bits.insert(HashShortKey(PackShortKey("key" + std::to_string(i))) >> 52);
  }
  // Thrown at random, 4096 keys would fill 63 % of as many slots.
  EXPECT_GT(top_bits.size(), 2300u);
}

}  // namespace
}  // namespace millrace
