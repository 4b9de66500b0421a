#include "apps/secret_strings/reversal.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

TEST(ReversalTest, CodePointsAreReversedAndNotBytes) {
  EXPECT_EQ(Reverse("hello"), (Reversal{"olleh", true}));
  EXPECT_EQ(Reverse("héllo"), (Reversal{"olléh", true}));
  // Two, three and four bytes.
  EXPECT_EQ(Reverse("aé€😀z"), (Reversal{"z😀€éa", true}));
}

TEST(ReversalTest, AnEmptyTextIsItsOwnReversal) { EXPECT_EQ(Reverse(""), (Reversal{"", true})); }

TEST(ReversalTest, NulIsACharacterLikeOthers) {
  EXPECT_EQ(Reverse(std::string("a\0b", 3)), (Reversal{std::string("b\0a", 3), true}));
}

TEST(ReversalTest, InvalidBytesAreKeptAndSaidSo) {
  EXPECT_EQ(Reverse("a\xFF"
                    "b"),
            (Reversal{"b\xFF"
                      "a",
                      false}));
  // The beginning of a code point whose end is missing stays together.
  EXPECT_EQ(Reverse("ab\xE2\x82"), (Reversal{"\xE2\x82"
                                             "ba",
                                             false}));
  // Overlong, a surrogate, and beyond U+10FFFF.
  for (const std::string bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_EQ(Reverse("é" + bad + "x"), (Reversal{"x" + bad + "é", false}));
  }
}

TEST(ReversalTest, InvalidBytesNeverBecomeACharacter) {
  // Backwards these two bytes would be é.
  EXPECT_EQ(Reverse("\xA9\xC3"), (Reversal{"\xA9\xC3", false}));
}

RC_GTEST_PROP(ReversalProperty, ValidTextIsReversedAsItsCodePointsAre, ()) {
  auto characters = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"a", " ", "é", "ß", "€", "日", "😀"}));
  std::string forwards, backwards;
  for (const std::string& c : characters) forwards += c;
  std::reverse(characters.begin(), characters.end());
  for (const std::string& c : characters) backwards += c;
  RC_ASSERT(Reverse(forwards) == (Reversal{backwards, true}));
}

RC_GTEST_PROP(ReversalProperty, TwoReversalsGiveBackAnyBytes, ()) {
  // Pieces of code points in any order: most texts are no UTF-8.
  const auto text = *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("az\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xFF")));
  const Reversal once = Reverse(text);
  RC_ASSERT(once.text.size() == text.size());
  RC_ASSERT(Reverse(once.text) == (Reversal{text, once.valid_utf8}));
}

}  // namespace
}  // namespace millrace
