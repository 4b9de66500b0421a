#include "apps/streaming/command_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CommandWordsTest, SplitsAtBlanks) {
  EXPECT_THAT(*SplitWords("  python3 map.py\t-v \n"), ElementsAre("python3", "map.py", "-v"));
  EXPECT_THAT(*SplitWords(" "), IsEmpty());
}

TEST(CommandWordsTest, QuotesKeepWordsTogether) {
  EXPECT_THAT(*SplitWords(R"(awk '{ print $1 "\t" }' a"b c"d)"),
              ElementsAre("awk", R"({ print $1 "\t" })", "ab cd"));
  EXPECT_THAT(*SplitWords(R"(a '' "")"), ElementsAre("a", "", ""));
}

TEST(CommandWordsTest, ABackslashTakesTheNextCharacterAsItIs) {
  EXPECT_THAT(*SplitWords(R"(a\ b \'c \\ "d\"e\n")"), ElementsAre("a b", "'c", "\\", "d\"e\\n"));
  EXPECT_THAT(*SplitWords(R"('\')"), ElementsAre("\\"));
}

TEST(CommandWordsTest, NothingElseIsSpecial) {
  EXPECT_THAT(*SplitWords("a|b >c $HOME `d` # e"),
              ElementsAre("a|b", ">c", "$HOME", "`d`", "#", "e"));
}

TEST(CommandWordsTest, WhatIsNotClosedIsRefused) {
  EXPECT_THAT(std::string(SplitWords("a 'b").status().message()), HasSubstr("not closed"));
  EXPECT_THAT(std::string(SplitWords("a \"b").status().message()), HasSubstr("not closed"));
  EXPECT_THAT(std::string(SplitWords("a\\").status().message()), HasSubstr("backslash"));
}

}  // namespace
}  // namespace millrace
