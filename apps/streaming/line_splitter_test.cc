#include "apps/streaming/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Split(const std::vector<std::string>& blocks) {
  std::vector<std::string> lines;
  LineSplitter splitter;
  const auto keep = [&lines](std::string_view line) { lines.emplace_back(line); };
  for (const std::string& block : blocks) splitter.Add(block, keep);
  splitter.Finish(keep);
  EXPECT_EQ(splitter.count(), lines.size());
  return lines;
}

TEST(LineSplitterTest, LinesMayBeCutAnywhere) {
  EXPECT_THAT(Split({"a\nb\n"}), ElementsAre("a", "b"));
  EXPECT_THAT(Split({"a", "b\n", "c\nd", "", "e", "\n"}), ElementsAre("ab", "c", "de"));
  EXPECT_THAT(Split({"\n", "\n"}), ElementsAre("", ""));
}

TEST(LineSplitterTest, ALastLineWithoutItsEndCounts) {
  EXPECT_THAT(Split({"a\nb"}), ElementsAre("a", "b"));
  EXPECT_THAT(Split({}), IsEmpty());
}

TEST(SplitAtTabTest, TheFirstTabSeparates) {
  const auto split = [](std::string_view line) {
    const TextPair pair = SplitAtTab(line);
    return std::vector<std::string>{std::string(pair.key), std::string(pair.value)};
  };
  EXPECT_THAT(split("key\tvalue"), ElementsAre("key", "value"));
  EXPECT_THAT(split("key\ta\tb"), ElementsAre("key", "a\tb"));
  EXPECT_THAT(split("\tvalue"), ElementsAre("", "value"));
  EXPECT_THAT(split("key"), ElementsAre("key", ""));
  EXPECT_THAT(split(""), ElementsAre("", ""));
}

}  // namespace
}  // namespace millrace
