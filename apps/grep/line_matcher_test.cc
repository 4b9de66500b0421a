// Each line is matched as if it were alone, whatever way it is searched.
#include "apps/grep/line_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<LineMatcher> Matcher(const std::string& pattern, bool ignore_case = false) {
  auto matcher = LineMatcher::Make({pattern, ignore_case});
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  return *std::move(matcher);
}

// The lines that match, found one after the other.
std::vector<std::string> Find(LineMatcher& matcher, std::string_view text) {
  std::vector<std::string> lines;
  matcher.Search(text);
  for (;;) {
    TextLine line;
    const auto found = matcher.Next(&line);
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok() || !*found) return lines;
    EXPECT_EQ(line.content.data(), text.data() + line.begin);
    lines.emplace_back(line.content);
  }
}

std::vector<std::string> Grep(const std::string& pattern, std::string_view text) {
  return Find(*Matcher(pattern), text);
}

// The lines that match, each handed to PCRE2 alone.
std::vector<std::string> FindAlone(LineMatcher& matcher, std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (*matcher.Matches(line)) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

TEST(LineMatcherTest, FindsLinesWithoutTheirEnds) {
  EXPECT_THAT(Grep("an", "an ant\nbee\r\nswan\r\nloan"), ElementsAre("an ant", "swan", "loan"));
  EXPECT_THAT(Grep("zebra", "an ant\nbee\n"), IsEmpty());
  EXPECT_THAT(Grep("a", ""), IsEmpty());
}

TEST(LineMatcherTest, TheEmptyPatternMatchesEachLineAndNoneAfterTheLast) {
  EXPECT_THAT(Grep("", "a\n\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(Grep("$", "a\r\n\r\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(Grep("^", "a\n\n"), ElementsAre("a", ""));
  EXPECT_THAT(Grep("^$", "a\n\nb\r\n\r\n"), ElementsAre("", ""));
}

TEST(LineMatcherTest, AMatchNeverSpansLines) {
  EXPECT_THAT(Grep(R"(a\sb)", "a\nb\na b\n"), ElementsAre("a b"));
  EXPECT_THAT(Grep("a[^x]b", "a\nb\na-b\n"), ElementsAre("a-b"));
  EXPECT_THAT(Grep(R"(a\Wb)", "a\nb\na-b\n"), ElementsAre("a-b"));
}

TEST(LineMatcherTest, AReturnBeforeTheLineEndIsNotSeen) {
  EXPECT_THAT(Grep("a.$", "a\r\nab\r\na\r\r\n"), ElementsAre("ab", "a\r"));
  EXPECT_THAT(Grep(R"(\r)", "a\r\nb\rc\r\n"), ElementsAre("b\rc"));
  EXPECT_THAT(Grep(R"(b[^b]$)", "b\r\nba\r\n"), ElementsAre("ba"));
}

TEST(LineMatcherTest, CharactersAreThoseOfUtf8) {
  EXPECT_THAT(Grep("k.se", "k\xc3\xa4se\nkse\n"), ElementsAre("k\xc3\xa4se"));
  EXPECT_THAT(Grep("\xc3\xa4{2}", "\xc3\xa4\xc3\xa4\n\xc3\xa4\n"), ElementsAre("\xc3\xa4\xc3\xa4"));
  EXPECT_THAT(Find(*Matcher("\xc3\x84", /*ignore_case=*/true), "\xc3\xa4\n"),
              ElementsAre("\xc3\xa4"));
}

TEST(LineMatcherTest, ALineThatIsNoUtf8IsMatchedByteByByte) {
  EXPECT_THAT(Grep("^k.se$", "k\xe4se\nk\xc3\xa4se\nk\xc3\xa4se\xff\n"),
              ElementsAre("k\xe4se", "k\xc3\xa4se"));
  EXPECT_THAT(Grep("b+", "\xff\xfe bb \x80\nabb\xc3\n"),
              ElementsAre("\xff\xfe bb \x80", "abb\xc3"));
  EXPECT_THAT(Grep("\\x{20ac}|a.", "\xe2\x82\xac\n\xff\xe2\x82\xac\nab\n"),
              ElementsAre("\xe2\x82\xac", "ab"));
}

TEST(LineMatcherTest, NulIsAByteLikeOthers) {
  const std::string with_nul("a\0b\n", 4);
  EXPECT_THAT(Grep("a.b", with_nul), ElementsAre(with_nul.substr(0, 3)));
  EXPECT_THAT(Grep("b$", with_nul), ElementsAre(with_nul.substr(0, 3)));
}

TEST(LineMatcherTest, APatternThatIsWrongSaysWhatAndWhere) {
  const auto complaint = [](const std::string& pattern) {
    return std::string(LineMatcher::Make({pattern, false}).status().message());
  };
  EXPECT_THAT(complaint("(ab"),
              AllOf(HasSubstr("missing closing parenthesis"), HasSubstr("byte 3")));
  EXPECT_THAT(complaint("[z-a]"), HasSubstr("range out of order"));
  EXPECT_THAT(complaint("*a"), HasSubstr("byte 0"));
  EXPECT_THAT(complaint("\xff"), HasSubstr("UTF-8"));
}

TEST(LineMatcherTest, ALineThatTakesTooLongIsAnErrorAndNamed) {
  auto matcher = Matcher("(x+x+)+y");
  const std::string text = "fine\n" + std::string(60, 'x') + " y\nxxy\n";
  matcher->Search(text);
  TextLine line;
  const auto found = matcher->Next(&line);
  EXPECT_TRUE(absl::IsAborted(found.status())) << found.status();
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("limit"));
  EXPECT_EQ(line.begin, 5u);
}

TEST(LineMatcherTest, ALongTextDoesNotAddUpToALimit) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "xxxxxxxx xxxxxxxx\n";
  EXPECT_THAT(Grep("(x+x+)+y", text + "xxy\n"), ElementsAre("xxy"));
}

TEST(LineMatcherTest, OrdinaryPatternsSearchBlocks) {
  for (const char* pattern : {R"((spin|read|write)_lock_irq(save)?\()", "^#include", "a.*b$"}) {
    EXPECT_TRUE(Matcher(pattern)->searches_blocks()) << pattern;
  }
  EXPECT_FALSE(Matcher("(?<=a)b")->searches_blocks());
}

// --- Random patterns and texts ---

template <typename T>
rc::Gen<std::string> Joined(const std::vector<T>& pieces, int most) {
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange(0, most + 1),
                                      [pieces](int count) {
                                        return rc::gen::container<std::vector<std::string>>(
                                            count, rc::gen::elementOf(pieces));
                                      }),
                      [](const std::vector<std::string>& chosen) {
                        std::string joined;
                        for (const std::string& piece : chosen) joined += piece;
                        return joined;
                      });
}

rc::Gen<std::string> AnyPattern() {
  return Joined(
      std::vector<std::string>{
          "a",        "b",     "ab",    ".",     "\\s",         "\\S",  "\\w",    "\\W",
          "\\d",      "\\D",   "\\b",   "\\B",   "^",           "$",    "[^a]",   "[^\\s]",
          "[ab]",     "[\\s]", "[^b-]", "[^]a]", "[[:alpha:]]", "*",    "+",      "?",
          "{1,2}",    "*?",    "+?",    "|",     "(",           ")",    "(?:",    "\\r",
          "\xc3\xa4", "\\h",   "\\H",   "\\t",   " ",           "(?i)", "(?=",    "(?<!",
          "\\A",      "\\z",   "\\Z",   "++",    "\\R",         "\\n",  "[\\W]",  "(?>",
          "\\K",      "\\1",   "\\x0a", "\\V",   "\\v",         "(?s)", "[^\\D]", "1"},
      /*most=*/8);
}

rc::Gen<std::string> AnyText() {
  return Joined(
      std::vector<std::string>{"a", "b", "A", " ", "\t", "1", "\r", "\r\n", "\n", "\n", "_",
                               "\xc3\xa4", "\xc3", "\xff", std::string(1, '\0'), "ab", "\v", "-"},
      /*most=*/40);
}

RC_GTEST_PROP(LineMatcherPropertyTest, SearchingBlocksIsMatchingEachLineAlone, ()) {
  const std::string pattern = *AnyPattern();
  const bool ignore_case = *rc::gen::arbitrary<bool>();
  auto matcher = LineMatcher::Make({pattern, ignore_case});
  RC_PRE(matcher.ok());
  const bool blocks = (*matcher)->searches_blocks();
  for (int i = 0; i < 20; ++i) {
    const std::string text = *AnyText();
    RC_ASSERT(Find(**matcher, text) == FindAlone(**matcher, text));
  }
  RC_CLASSIFY(blocks);
}

}  // namespace
}  // namespace millrace
