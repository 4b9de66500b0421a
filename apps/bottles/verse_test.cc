#include "apps/bottles/verse.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(VerseTest, IsOneLine) {
  EXPECT_EQ(Verse(99),
            "99 bottles of beer on the wall, 99 bottles of beer. Take one down, pass it around...");
  EXPECT_EQ(Verse(10'000).find('\n'), std::string::npos);
}

TEST(VerseTest, OneBottleIsNoBottles) {
  EXPECT_EQ(Verse(1),
            "1 bottle of beer on the wall, 1 bottle of beer. Take one down, pass it around...");
}

TEST(VerseTest, TheSingerOfTheLastVerseAlsoSingsTheEnding) {
  EXPECT_EQ(LinesOf(2), Verse(2) + "\n");
  EXPECT_EQ(LinesOf(1), Verse(1) + "\n" + Ending() + "\n");
}

TEST(VerseTest, WithoutBottlesThereIsOnlyTheEnding) { EXPECT_EQ(LinesOf(0), Ending() + "\n"); }

}  // namespace
}  // namespace millrace
