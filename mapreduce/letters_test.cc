#include "mapreduce/letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Runs(const std::string& text) {
  // A copy of exactly this size, so that a sanitizer sees every read outside.
  const std::vector<char> exact(text.begin(), text.end());
  std::vector<std::string> runs;
  ForEachLetterRun(std::string_view(exact.data(), exact.size()),
                   [&runs](std::string_view run) { runs.emplace_back(run); });
  return runs;
}

TEST(LettersTest, AsciiLettersFormRuns) {
  EXPECT_THAT(Runs("To be, or not2be_x"), ElementsAre("To", "be", "or", "not", "be", "x"));
  EXPECT_THAT(Runs("@AZ[`az{"), ElementsAre("AZ", "az"));
}

TEST(LettersTest, NoTextHasNoRuns) { EXPECT_THAT(Runs(""), IsEmpty()); }

TEST(LettersTest, LettersOfAllScriptsJoinAsciiOnes) {
  EXPECT_THAT(Runs("na\u00efve \u03b1\u03b2\u03b3 \u65e5\u672c\u8a9e"),
              ElementsAre("na\u00efve", "\u03b1\u03b2\u03b3", "\u65e5\u672c\u8a9e"));
  EXPECT_THAT(Runs("x\U0001d49cy"), ElementsAre("x\U0001d49cy"));  // four bytes
}

TEST(LettersTest, DigitsMarksAndSymbolsOfOtherScriptsSeparate) {
  EXPECT_THAT(Runs("a\u0663b"), ElementsAre("a", "b"));      // a digit
  EXPECT_THAT(Runs("a\u0301b"), ElementsAre("a", "b"));      // a combining mark
  EXPECT_THAT(Runs("a\u20acb"), ElementsAre("a", "b"));      // the euro sign
  EXPECT_THAT(Runs("a\U0001f600b"), ElementsAre("a", "b"));  // an emoji
}

TEST(LettersTest, InvalidUtf8Separates) {
  EXPECT_THAT(Runs("a\x80z"), ElementsAre("a", "z"));              // stray continuation
  EXPECT_THAT(Runs("a\xc3"), ElementsAre("a"));                    // cut short
  EXPECT_THAT(Runs("a\xc3z"), ElementsAre("a", "z"));              // continuation missing
  EXPECT_THAT(Runs("a\xc1\x81z"), ElementsAre("a", "z"));          // overlong 'A'
  EXPECT_THAT(Runs("a\xe0\x83\xa9z"), ElementsAre("a", "z"));      // overlong e-acute
  EXPECT_THAT(Runs("a\xed\xa0\x80z"), ElementsAre("a", "z"));      // surrogate
  EXPECT_THAT(Runs("a\xf4\x90\x80\x80z"), ElementsAre("a", "z"));  // beyond U+10FFFF
  EXPECT_THAT(Runs("a\xff\xfez"), ElementsAre("a", "z"));
}

TEST(LettersTest, ALetterMayCrossABlockAnywhere) {
  for (const std::string letter : {"\u00e9", "\u65e5", "\U0001d49c"}) {
    for (size_t before = 55; before < 75; ++before) {
      const std::string word = std::string(before, 'a') + letter + "b";
      const std::string text = std::string(word).append(" ").append(letter);
      EXPECT_THAT(Runs(text), ElementsAre(word, letter)) << before;
    }
  }
}

// Reads one code point at a time, by the definition of UTF-8.
std::vector<std::string> SlowRuns(const std::string& text) {
  std::vector<std::string> runs;
  bool in_run = false;
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t i) -> uint32_t {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
    };
    size_t size = 1;
    uint32_t code = byte(0);
    if (code >= 0x80) {
      size = code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : 2;
      uint32_t value = code & (0x7f >> size);
      bool valid = code >= 0xc2 && code <= 0xf4;
      for (size_t i = 1; i < size; ++i) {
        valid = valid && (byte(i) & 0xc0) == 0x80;
        value = value << 6 | (byte(i) & 0x3f);
      }
      const uint32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
      valid = valid && value >= least && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
      code = valid ? value : 0;
      if (!valid) size = 1;
    }
    const bool letter = code != 0 && IsLetter(code);
    if (letter && !in_run) runs.emplace_back();
    if (letter) runs.back() += text.substr(at, size);
    in_run = letter;
    at += size;
  }
  return runs;
}

RC_GTEST_PROP(LettersProperty, EqualsADecoderOfOneCodePointAtATime, ()) {
  const auto piece =
      rc::gen::element<std::string>("a", "Z", " ", "7", "\u00e9", "\u65e5", "\u20ac", "\U0001d49c",
                                    "\xc3", "\x80", "\xe0\xa0", "\xf0");
  std::string text;
  for (const std::string& next : *rc::gen::container<std::vector<std::string>>(200, piece)) {
    text += next;
  }
  RC_ASSERT(Runs(text) == SlowRuns(text));
}

TEST(LettersTest, CategoryLComesFromTheTable) {
  EXPECT_TRUE(IsLetter('A'));
  EXPECT_FALSE(IsLetter('_'));
  EXPECT_TRUE(IsLetter(0xaa));     // feminine ordinal indicator: Lo
  EXPECT_FALSE(IsLetter(0xb2));    // superscript two: No
  EXPECT_TRUE(IsLetter(0x1d400));  // mathematical bold A
  EXPECT_FALSE(IsLetter(0x10ffff));
}

}  // namespace
}  // namespace millrace
