#include "rpc/attempt_status.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(LastStatusInTest, TheLastWholeLineCounts) {
  EXPECT_EQ(LastStatusIn("reporter:status:half way\nx\nreporter:status:nearly\ny\n"), "nearly");
  EXPECT_EQ(LastStatusIn("reporter:status:half way\nreporter:status:near"), "half way");
  EXPECT_EQ(LastStatusIn("\nreporter:status:\n"), "");
}

TEST(LastStatusInTest, WhatOnlyLooksLikeOneIsNone) {
  EXPECT_EQ(LastStatusIn(""), "");
  EXPECT_EQ(LastStatusIn("\n\n"), "");
  EXPECT_EQ(LastStatusIn("see reporter:status:this\nreporter:counter:a,b,1\n"), "");
}

TEST(ShownStatusTest, ALongOneIsCutBetweenCharacters) {
  const std::string most(kAttemptStatusBytesMax - 1, 'a');
  EXPECT_EQ(ShownStatus(most + "bc"), most + "b");
  EXPECT_EQ(ShownStatus(most + "\xc3\xa4"), most);
}

TEST(ShownStatusTest, NothingInItMovesACursor) {
  EXPECT_EQ(ShownStatus("a\tb\x1b[2Jc\x7f\r"), "a?b?[2Jc??");
  EXPECT_EQ(ShownStatus("\xc2\x9b"
                        "2J \xc3\xa4"),
            "??2J \xc3\xa4");
  EXPECT_EQ(ShownStatus("\xff \xc3\xa4"), "? ??") << "no text";
}

TEST(ShownStatusTest, WhatIsShownIsShownAgainAsItIs) {
  for (const char* text : {"half way", "a\tb\x1b", "\xff \xc3\xa4", "\xc2\x9b"}) {
    EXPECT_EQ(ShownStatus(ShownStatus(text)), ShownStatus(text));
  }
}

}  // namespace
}  // namespace millrace
