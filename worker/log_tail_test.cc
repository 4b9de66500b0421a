#include "worker/log_tail.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::string NumberedLines(int count) {
  std::string lines;
  for (int i = 1; i <= count; ++i) lines += "line " + std::to_string(i) + "\n";
  return lines;
}

TEST(LogTailTest, ShortOutputIsKeptWhole) {
  LogTail tail;
  EXPECT_EQ(tail.LastLines(), "");
  tail.Append("one\ntw");
  tail.Append("o\n");
  EXPECT_EQ(tail.LastLines(), "one\ntwo");
}

TEST(LogTailTest, OnlyTheLastLinesAreReported) {
  LogTail tail;
  tail.Append(NumberedLines(100));
  const std::string lines = tail.LastLines();
  EXPECT_EQ(lines.substr(0, 8), "line 81\n");
  EXPECT_EQ(lines.substr(lines.size() - 8), "line 100");
}

TEST(LogTailTest, HalfALineIsLeftOutUnlessItIsAllThereIs) {
  LogTail tail;
  tail.Append(std::string(LogTail::kMaxBytes, 'a') + "\nlast\n");
  EXPECT_EQ(tail.LastLines(), "last");
  tail.Clear();
  tail.Append(std::string(3 * LogTail::kMaxBytes, 'b'));
  EXPECT_EQ(tail.LastLines(), std::string(LogTail::kMaxBytes, 'b'));
}

TEST(LogTailTest, ManySmallWritesStayBounded) {
  LogTail tail;
  for (int i = 0; i < 1000; ++i) tail.Append(NumberedLines(10));
  const std::string twice = NumberedLines(10) + NumberedLines(10);
  EXPECT_EQ(tail.LastLines() + "\n", twice);
}

TEST(LogTailTest, ALogIsAllThatIsLeftAndSaysHowMuchIsNot) {
  LogTail tail;
  tail.Append(NumberedLines(100));
  EXPECT_EQ(tail.Log().text, NumberedLines(100)) << "more lines than a report of failure has";
  EXPECT_EQ(tail.Log().dropped, 0u);

  const std::string lines = NumberedLines(5000);
  tail.Clear();
  tail.Append(lines);
  const AttemptLog log = tail.Log();
  EXPECT_TRUE(log.is_kept);
  EXPECT_EQ(log.text.substr(0, 5), "line ") << "half a line is left out";
  EXPECT_LE(log.text.size(), LogTail::kMaxBytes);
  EXPECT_EQ(log.text, lines.substr(log.dropped));
}

TEST(LogTailTest, OfALineThatIsAllThereIsTheEndIsLeft) {
  LogTail tail;
  tail.Append(std::string(LogTail::kMaxBytes, 'a') + "b\n");
  EXPECT_EQ(tail.Log().text, std::string(LogTail::kMaxBytes - 2, 'a') + "b\n");
  EXPECT_EQ(tail.Log().dropped, 2u);
}

TEST(LogTailTest, TheLastStatusIsFoundInIt) {
  LogTail tail;
  EXPECT_EQ(tail.LastStatus(), "");
  tail.Append("reporter:status:half way\nx\nreporter:sta");
  EXPECT_EQ(tail.LastStatus(), "half way");
  tail.Append("tus:nearly\n");
  EXPECT_EQ(tail.LastStatus(), "nearly");
}

TEST(LogTailTest, ANewAttemptStartsWithAnEmptyTail) {
  LogTail tail;
  tail.Append(NumberedLines(5000));
  tail.Clear();
  tail.Append("new\n");
  EXPECT_EQ(tail.LastLines(), "new");
}

}  // namespace
}  // namespace millrace
