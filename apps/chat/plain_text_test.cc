#include "apps/chat/plain_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace millrace::chat {
namespace {

using Lines = std::vector<std::string>;

TEST(CleanTextTest, OrdinaryTextStaysAsItIs) {
  for (const char* text :
       {"", "hello, world", "h\u00e9llo", "\u3053\u3093", "\U0001F469\u200D\U0001F4BB"}) {
    EXPECT_EQ(CleanText(text), text);
  }
}

TEST(CleanTextTest, WhatATerminalObeysBecomesAQuestionMark) {
  EXPECT_EQ(CleanText("\x1b[2Jgone"), "?[2Jgone");
  EXPECT_EQ(CleanText("bell\a back\b return\r"), "bell? back? return?");
  EXPECT_EQ(CleanText("a\x7f"), "a?");
  EXPECT_EQ(CleanText("\u009b2J"), "?2J") << "the one-character escape sequence, in UTF-8";
  EXPECT_EQ(CleanText("\x9b"
                      "2J"),
            "?2J")
      << "and as a byte";
  EXPECT_EQ(CleanText(std::string("a\0b", 3)), "a?b");
}

TEST(CleanTextTest, OneMessageCannotLookLikeTwo) {
  EXPECT_EQ(CleanText("hi\nbob: I owe you"), "hi?bob: I owe you");
  EXPECT_EQ(CleanText("hi\u2028bob: I owe you"), "hi?bob: I owe you");
}

TEST(CleanTextTest, TheDirectionOfWritingCannotBeTurned) {
  EXPECT_EQ(CleanText("a\u202eb\u2066c\u200fd"), "a?b?c?d");
}

TEST(CleanTextTest, ATabBecomesABlank) { EXPECT_EQ(CleanText("a\tb"), "a b"); }

TEST(CleanTextTest, WhatIsNoUtf8BecomesAQuestionMarkForEachByte) {
  EXPECT_EQ(CleanText("h\xe9llo"), "h?llo");
  EXPECT_EQ(CleanText("\xf0\x9f\x98"), "???") << "cut short";
  EXPECT_EQ(CleanText("\xc0\x80"), "??") << "overlong";
}

RC_GTEST_PROP(CleanTextTest, NeverGrowsNeverEscapesAndIsDoneAfterOnce, (const std::string& bytes)) {
  const std::string clean = CleanText(bytes);
  RC_ASSERT(clean.size() <= bytes.size());
  RC_ASSERT(CleanText(clean) == clean);
  for (const char c : clean) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

TEST(BeginningTest, DoesNotEndWithinACharacter) {
  EXPECT_EQ(Beginning("h\u00e9llo", 10), "h\u00e9llo");
  EXPECT_EQ(Beginning("h\u00e9llo", 3), "h\u00e9");
  EXPECT_EQ(Beginning("h\u00e9llo", 2), "h");
  EXPECT_EQ(Beginning("\U0001F600!", 3), "");
}

TEST(BeginningTest, CutsWhatIsNoUtf8Anywhere) {
  EXPECT_EQ(Beginning("\x80\x80\x80\x80\x80\x80", 5), "\x80\x80\x80\x80\x80");
}

TEST(CheckNameTest, WordsAreNames) {
  for (const char* name : {"a", "alice", "Bob-2", "\u5f20\u4f1f", "no*star"}) {
    EXPECT_TRUE(CheckName(name).ok()) << name;
  }
}

TEST(CheckNameTest, WhatCouldBeMistakenIsNone) {
  for (const char* name : {"", "two words", "a:b", "*", "* bob", "a\tb", "a\nb", "bob\u200b",
                           "bob\u200d", "bob\u00a0", "\x1b[1m", "\xff", "bob\u202e"}) {
    EXPECT_FALSE(CheckName(name).ok()) << name;
  }
}

TEST(CheckNameTest, NamesAreBounded) {
  EXPECT_TRUE(CheckName(std::string(kNameBytesMax, 'n')).ok());
  EXPECT_FALSE(CheckName(std::string(kNameBytesMax + 1, 'n')).ok());
}

TEST(CheckNameTest, TheReasonIsFitForATerminal) {
  EXPECT_EQ(CheckName("a:\x1b[2J").message(),
            "the name \"a:?[2J\" has white space, a colon, or something that a terminal does not "
            "show");
}

TEST(TypedLinesTest, AMessageIsALine) {
  TypedLines typed;
  EXPECT_EQ(typed.Add("one\ntwo\r\nth"), (Lines{"one", "two"}));
  EXPECT_EQ(typed.Add("ree\n"), (Lines{"three"}));
  EXPECT_EQ(typed.End(), (Lines{}));
}

TEST(TypedLinesTest, ALastLineWithoutAnEndCounts) {
  TypedLines typed;
  EXPECT_EQ(typed.Add("one\nand"), (Lines{"one"}));
  EXPECT_EQ(typed.End(), (Lines{"and"}));
  EXPECT_EQ(typed.End(), (Lines{}));
}

TEST(TypedLinesTest, AnEmptyLineIsNoMessage) {
  TypedLines typed;
  EXPECT_EQ(typed.Add("\n\r\n\na\n"), (Lines{"a"}));
}

TEST(TypedLinesTest, ALongLineIsSeveralMessagesAndNothingOfItIsLost) {
  TypedLines typed;
  std::string line;
  while (line.size() < 5 * kTextBytesMax / 2)
    line +=
        "\u00e9"
        "x";
  const Lines messages = typed.Add(line + "\nnext\n");
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0] + messages[1] + messages[2], line);
  EXPECT_EQ(messages[3], "next");
}

TEST(TypedLinesTest, ALineWithoutEndDoesNotPileUp) {
  TypedLines typed;
  size_t said = 0;
  for (int i = 0; i < 100; ++i) {
    for (const std::string& message : typed.Add(std::string(100, 'x'))) said += message.size();
  }
  EXPECT_GE(said, 10'000 - kTextBytesMax);
  EXPECT_LT(typed.End().size(), 2u);
}

RC_GTEST_PROP(TypedLinesTest, HowTheInputIsCutMakesNoDifference, (const std::string& input)) {
  TypedLines whole;
  Lines expected = whole.Add(input);
  for (const std::string& message : whole.End()) expected.push_back(message);

  TypedLines cut;
  Lines messages;
  for (const char byte : input) {
    for (const std::string& message : cut.Add({&byte, 1})) messages.push_back(message);
  }
  for (const std::string& message : cut.End()) messages.push_back(message);
  RC_ASSERT(messages == expected);
}

RC_GTEST_PROP(TypedLinesTest, NoMessageIsEmptyTooLongOrUnclean, (const std::string& input)) {
  TypedLines typed;
  const size_t copies = *rc::gen::inRange<size_t>(1, 200);
  for (size_t i = 0; i < copies; ++i) {
    for (const std::string& message : typed.Add(input)) {
      RC_ASSERT(!message.empty() && message.size() <= kTextBytesMax);
      RC_ASSERT(CleanText(message) == message);
    }
  }
}

}  // namespace
}  // namespace millrace::chat
