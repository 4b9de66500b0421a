#include "apps/wordcount_rpc/word_counts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace millrace {
namespace {

std::string Count(std::string_view text) { return FormatCounts(CountWords(text)); }

TEST(WordCountsTest, EveryWordIsCountedAndTheWordsAreSorted) {
  EXPECT_EQ(Count("hello I am good hello bye bye bye good night hello"),
            "map[I:1 am:1 bye:3 good:2 hello:3 night:1]");
}

TEST(WordCountsTest, ATextWithoutWordsGivesAnEmptyMap) {
  EXPECT_EQ(Count(""), "map[]");
  EXPECT_EQ(Count(" \n\t "), "map[]");
}

TEST(WordCountsTest, AnyAsciiWhiteSpaceSeparates) {
  EXPECT_EQ(Count("\ta b\nc\vd\fe\rf  a\n"), "map[a:2 b:1 c:1 d:1 e:1 f:1]");
}

TEST(WordCountsTest, CaseAndPunctuationMakeOtherWords) {
  EXPECT_EQ(Count("Bye bye bye,"), "map[Bye:1 bye:1 bye,:1]");
}

TEST(WordCountsTest, OrderIsThatOfBytes) {
  EXPECT_EQ(Count("a \xC3\xA9 B [ \xFF z"), "map[B:1 [:1 a:1 z:1 \xC3\xA9:1 \xFF:1]");
}

TEST(WordCountsTest, BytesThatAreNoTextArePartsOfWords) {
  const std::string nul("a\0b", 3);
  EXPECT_EQ(CountWords(nul + " " + nul), (WordCounts{{nul, 2}}));
  // U+00A0 is no ASCII white space.
  EXPECT_EQ(Count("a\xC2\xA0z"), "map[a\xC2\xA0z:1]");
}

RC_GTEST_PROP(WordCountsProperty, WordsThatAreJoinedAreCountedAgain, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,\xC3")))));
  WordCounts expected;
  std::string text;
  for (const std::string& word : words) {
    ++expected[word];
    text += word + *rc::gen::element(" ", "\n", "\t  ");
  }
  RC_ASSERT(CountWords(text) == expected);
}

}  // namespace
}  // namespace millrace
