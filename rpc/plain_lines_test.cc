#include "rpc/plain_lines.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(PlainLinesTest, LinesStayAsTheyAre) {
  for (const char* text : {"", "one\ntwo", "h\u00e9llo", "\u00a0", "\U0001F600"}) {
    EXPECT_EQ(PlainLines(text), text);
  }
}

TEST(PlainLinesTest, WhatATerminalObeysBecomesAQuestionMark) {
  EXPECT_EQ(PlainLines("\x1b[2Jgone\a\r"), "?[2Jgone??");
  EXPECT_EQ(PlainLines("a\x7f"), "a?");
  EXPECT_EQ(PlainLines(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(PlainLines("\u009b2J"), "?2J") << "the one-character escape sequence, in UTF-8";
}

TEST(PlainLinesTest, OfWhatIsNoUtf8OnlyAsciiStays) {
  EXPECT_EQ(PlainLines("\x9b"
                       "2J"),
            "?2J");
  EXPECT_EQ(PlainLines("h\u00e9llo\xff"), "h??llo?");
  EXPECT_EQ(PlainLines("\xc2"), "?");
}

}  // namespace
}  // namespace millrace
