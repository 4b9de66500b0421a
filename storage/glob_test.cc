#include "storage/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(GlobTest, WildcardsAreStarAndQuestionMark) {
  EXPECT_TRUE(HasWildcard("*.txt"));
  EXPECT_TRUE(HasWildcard("a?"));
  EXPECT_FALSE(HasWildcard("a[1].txt"));
}

TEST(GlobTest, AStarStandsForAnythingAlsoNothing) {
  EXPECT_TRUE(MatchesName("a.txt", "*.txt"));
  EXPECT_TRUE(MatchesName("a.txt", "*"));
  EXPECT_TRUE(MatchesName("a.txt", "a*.txt"));
  EXPECT_TRUE(MatchesName("a.txt.txt", "*.txt"));
  EXPECT_TRUE(MatchesName("abcabd", "*ab?"));
  EXPECT_FALSE(MatchesName("a.txt", "*.tx"));
  EXPECT_FALSE(MatchesName("", "?"));
  EXPECT_TRUE(MatchesName("", "*"));
}

TEST(GlobTest, AQuestionMarkStandsForOneCharacter) {
  EXPECT_TRUE(MatchesName("a1", "a?"));
  EXPECT_FALSE(MatchesName("a", "a?"));
  EXPECT_FALSE(MatchesName("a12", "a?"));
  EXPECT_TRUE(MatchesName("\xc3\xa9t\xc3\xa9", "?t?"));
}

TEST(GlobTest, OtherCharactersStandForThemselves) {
  EXPECT_TRUE(MatchesName("a[1].txt", "a[1].*"));
  EXPECT_FALSE(MatchesName("a1.txt", "a[1].*"));
}

TEST(GlobTest, HiddenNamesMustBeAskedFor) {
  EXPECT_FALSE(MatchesName("_SUCCESS", "*"));
  EXPECT_FALSE(MatchesName(".git", "?git"));
  EXPECT_TRUE(MatchesName("_SUCCESS", "_*"));
  EXPECT_TRUE(MatchesName(".git", ".*"));
}

TEST(GlobTest, ManyStarsDoNotTakeForEver) {
  const std::string name(10'000, 'a');
  EXPECT_FALSE(MatchesName(name, "*a*a*a*a*a*a*a*a*a*b"));
}

}  // namespace
}  // namespace millrace
