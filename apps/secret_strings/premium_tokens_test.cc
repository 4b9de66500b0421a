#include "apps/secret_strings/premium_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/match.h"

namespace millrace {
namespace {

PremiumTokens Parsed(std::string_view text) { return PremiumTokens::Parse(text).value(); }

TEST(PremiumTokensTest, EachLineIsAToken) {
  const PremiumTokens tokens = Parsed("red-1\nblue-2\ngreen-3");
  EXPECT_EQ(tokens.size(), 3u);
  for (const char* token : {"red-1", "blue-2", "green-3"}) EXPECT_TRUE(tokens.Contain(token));
}

TEST(PremiumTokensTest, NoOtherTokenIsOne) {
  const PremiumTokens tokens = Parsed("red-1\nblue-2\n");
  for (const char* token : {"", "red-", "red-1 ", "red-12", "Red-1", "red-1\nblue-2", "green-3"}) {
    EXPECT_FALSE(tokens.Contain(token)) << token;
  }
}

TEST(PremiumTokensTest, EmptyLinesAndWhiteSpaceAroundTokensMeanNothing) {
  const PremiumTokens tokens = Parsed("\n  red-1\r\n\n\t\nblue-2 \n\n");
  EXPECT_EQ(tokens.size(), 2u);
  EXPECT_TRUE(tokens.Contain("red-1"));
  EXPECT_TRUE(tokens.Contain("blue-2"));
  EXPECT_FALSE(tokens.Contain(""));
}

TEST(PremiumTokensTest, WithoutTokensNobodyIsPremium) {
  EXPECT_FALSE(PremiumTokens().Contain(""));
  EXPECT_FALSE(Parsed("").Contain(""));
  EXPECT_FALSE(Parsed("").Contain("red-1"));
}

TEST(PremiumTokensTest, ATokenThatIsTooLongIsNamedByItsLineAndNotSaid) {
  const std::string longest(kMaxTokenBytes, 'x');
  EXPECT_TRUE(Parsed(longest).Contain(longest));
  const absl::Status status = PremiumTokens::Parse("red-1\n" + longest + "y\n").status();
  EXPECT_EQ(status.message(), "the token in line 2 has more than 1024 bytes");
}

TEST(PremiumTokensTest, ThereIsALimit) {
  std::string text;
  for (size_t i = 0; i < kMaxTokens; ++i) text += "token-" + std::to_string(i) + "\n";
  EXPECT_EQ(Parsed(text).size(), kMaxTokens);
  const absl::Status status = PremiumTokens::Parse(text + "one more\n").status();
  EXPECT_EQ(status.message(), "more than 10000 tokens, in line 10001");
  EXPECT_FALSE(absl::StrContains(status.message(), "one more"));
}

}  // namespace
}  // namespace millrace
