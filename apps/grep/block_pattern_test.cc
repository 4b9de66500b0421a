// Which patterns are searched in many lines at once, and as what.
#include "apps/grep/block_pattern.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::string Rewritten(std::string_view pattern) {
  const auto block = MakeBlockPattern(pattern);
  return block.has_value() ? block->pattern : "(line by line)";
}

TEST(BlockPatternTest, WhatCannotMatchALineEndStaysAsItIs) {
  for (const char* pattern :
       {"", "plain", R"((spin|read|write)_lock_irq(save)?\()", "^a.*b", "a{2,3}?", R"(\bword\b)",
        R"([a-z_]\w+\d)", R"([[:alpha:]\-\]])", "(?:a|b)", "(?i)x", R"(\.\\\+)", "a[b-]"}) {
    EXPECT_EQ(Rewritten(pattern), pattern);
  }
}

TEST(BlockPatternTest, NegatedSetsLoseTheLineEnd) {
  EXPECT_EQ(Rewritten("[^x]"), R"([^\nx])");
  EXPECT_EQ(Rewritten("[^]x]"), R"([^\n\]x])");
  EXPECT_EQ(Rewritten("[^-x]"), R"([^\n\-x])");
  EXPECT_EQ(Rewritten(R"([^\s[:space:]])"), R"([^\n\s[:space:]])");
  EXPECT_EQ(Rewritten(R"(\s\D\W\H)"), R"([^\S\n][^\d\n][^\w\n][^\h\n])");
  EXPECT_EQ(Rewritten(R"([\s,])"), R"([ \t\x0b\f\r,])");
}

TEST(BlockPatternTest, TheEndOfALineIsBeforeItsReturn) {
  EXPECT_EQ(Rewritten("a$|b"), R"(a(?=\r?$)|b)");
  EXPECT_EQ(Rewritten(R"(a\$[$])"), R"(a\$[$])");
}

TEST(BlockPatternTest, EverythingElseGoesLineByLine) {
  for (const char* pattern :
       {"a++",         "a*+b",        "a?+",           "a{2}+",   "(?>a)",     "(*COMMIT)a",
        "(*CRLF)a",    "(?s).",       "(?m)^",         "(?x) a",  "(?=a)",     "(?!a)",
        "(?<=a)",      "(?<n>a)",     "(?#a)",         "(a)\\1",  "\\Aa",      "a\\z",
        "a\\Z",        "\\Ga",        "a\\Kb",         "\\R",     "\\X",       "\\C",
        "\\N",         "\\pL",        "\\Qa\\E",       "\\x0a",   "\\n",       "\\v",
        "\\012",       "\\cJ",        "a\nb",          "\\\n",    "[\\n]",     "[\\W]",
        "[\\D]",       "[\\v]",       "[\\x00-\\x20]", "[\t-\r]", "[\\t-\\r]", "[\001-a]",
        "[[:space:]]", "[[:cntrl:]]", "[[:^alpha:]]",  "[[:<:]]", "(?R)",      "(?|a)",
        "(?i-s)a",     "[a\nb]"}) {
    EXPECT_EQ(Rewritten(pattern), "(line by line)") << pattern;
  }
}

TEST(BlockPatternTest, OnlyAsciiThatIsNamedNeedsNoCharacters) {
  for (const char* pattern :
       {"", "plain", R"((spin|read)_lock\b)", "[a-z]+\\s*\\d", "^a$", "(?:a)"}) {
    EXPECT_FALSE(MakeBlockPattern(pattern)->needs_characters) << pattern;
  }
  for (const char* pattern :
       {".", "[^a]", "\\S", "\\W", "\\h", "[\\S]", "\xc3\xa4", "[\xc3\xa4]", "(?i)k"}) {
    EXPECT_TRUE(MakeBlockPattern(pattern)->needs_characters) << pattern;
  }
}

}  // namespace
}  // namespace millrace
