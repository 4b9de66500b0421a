#include "client/text_lines.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TextLinesTest, TheFirstLineAndTheDetailsMakeTheText) {
  EXPECT_EQ(FirstLine("one\ntwo\nthree\n"), "one");
  EXPECT_EQ(Details("one\ntwo\nthree\n"), "two\nthree\n");
}

TEST(TextLinesTest, ATextOfOneLineHasNoDetails) {
  EXPECT_EQ(FirstLine("one"), "one");
  EXPECT_EQ(Details("one"), "");
  EXPECT_EQ(Details("one\n"), "");
}

TEST(TextLinesTest, IndentedTextEndsEachOfItsLines) {
  EXPECT_EQ(Indented("one\n\ntwo", 2), "  one\n  \n  two\n");
  EXPECT_EQ(Indented("", 2), "");
}

}  // namespace
}  // namespace millrace
