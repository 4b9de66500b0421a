#include "apps/grep/utf8_prefix.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(Utf8PrefixTest, TakesCharactersOfEverySize) {
  for (const char* text : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                           "\xf4\x8f\xbf\xbf", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}) {
    EXPECT_EQ(Utf8Prefix(text), std::string(text).size()) << text;
  }
}

TEST(Utf8PrefixTest, StopsAtWhatIsNone) {
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82\n"}) {
    EXPECT_EQ(Utf8Prefix(text), 0u);
    EXPECT_EQ(Utf8Prefix("ab\xc3\xa4" + std::string(text)), 4u);
    EXPECT_EQ(Utf8Prefix(std::string(130, 'x') + text + "tail"), 130u);
  }
}

TEST(Utf8PrefixTest, CharactersMayCrossABlock) {
  for (size_t before = 60; before < 70; ++before) {
    const std::string text = std::string(before, 'x') + "\xf0\x9f\x98\x80" + std::string(70, 'y');
    EXPECT_EQ(Utf8Prefix(text), text.size());
  }
}

}  // namespace
}  // namespace millrace
