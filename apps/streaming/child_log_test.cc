#include "apps/streaming/child_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

class ChildLogTest : public ::testing::Test {
 protected:
  std::map<std::string, int64_t> counters_;
  std::string printed_;
  ChildLog log_{[this](std::string_view group, std::string_view name, int64_t by) {
                  counters_[std::string(group) + "/" + std::string(name)] += by;
                },
                [this](std::string_view text) { printed_ += text; }};
};

TEST_F(ChildLogTest, TextGoesOnAsItIs) {
  log_.Append("one\ntw");
  log_.Append("o\nthree");
  log_.Finish();
  EXPECT_EQ(printed_, "one\ntwo\nthree");
  EXPECT_THAT(counters_, IsEmpty());
}

TEST_F(ChildLogTest, CountersCountAndAreNotPrinted) {
  log_.Append("a\nreporter:counter:words,long,2\nb\nreporter:counter:words,long,3\n");
  log_.Append("reporter:coun");
  log_.Append("ter:g,n, with comma,-1");
  log_.Finish();
  EXPECT_EQ(printed_, "a\nb\n");
  EXPECT_THAT(counters_, ElementsAre(Pair("g/n, with comma", -1), Pair("words/long", 5)));
}

TEST_F(ChildLogTest, WhatOnlyLooksLikeACounterIsText) {
  const std::string text =
      "reporter:status:half way\nreporter:counter:a,b\nreporter:counter:a,b,c\n"
      "see reporter:counter:a,b,1\n";
  log_.Append(text);
  log_.Finish();
  EXPECT_EQ(printed_, text);
  EXPECT_THAT(counters_, IsEmpty());
}

TEST_F(ChildLogTest, TheLastStatusIsRemembered) {
  log_.Append("reporter:status:half way\nx\nreporter:sta");
  EXPECT_EQ(log_.status(), "half way");
  log_.Append("tus:nearly\nno reporter:status:this\n");
  EXPECT_EQ(log_.status(), "nearly");
  log_.ForgetStatus();
  EXPECT_EQ(log_.status(), "");
}

TEST_F(ChildLogTest, OfVeryMuchTheEndsAreKept) {
  std::string block;
  for (int i = 0; i < 1000; ++i) block += "a line of text that says nothing\n";
  log_.Append("first\n");
  for (int i = 0; i < 100; ++i) log_.Append(block);
  EXPECT_EQ(printed_.size(), ChildLog::kKeptBytes);
  log_.Append("last");
  log_.Finish();
  EXPECT_THAT(printed_, StartsWith("first\n"));
  EXPECT_THAT(printed_, EndsWith("\nlast"));
  const uint64_t left_out = 6 + 100 * block.size() + 4 - 2 * ChildLog::kKeptBytes;
  EXPECT_THAT(printed_, HasSubstr("\n[" + std::to_string(left_out) + " bytes left out]\n"));
  EXPECT_LE(printed_.size(), 2 * ChildLog::kKeptBytes + 100);
}

TEST_F(ChildLogTest, StatusLinesDoNotWaitForTheProgramsEnd) {
  log_.Append(std::string(ChildLog::kKeptBytes, 'x') + "\nheld back\nreporter:status:half way\n");
  EXPECT_THAT(printed_, EndsWith("xreporter:status:half way\n"));
  log_.Finish();
  EXPECT_THAT(printed_, EndsWith("half way\n\nheld back\n"));
}

TEST_F(ChildLogTest, StatusLinesThatGoAheadAreBoundedToo) {
  log_.Append(std::string(ChildLog::kKeptBytes, 'x') + "\n");
  for (int i = 0; i < 100'000; ++i) log_.Append("reporter:status:and again\n");
  log_.Finish();
  EXPECT_LE(printed_.size(), 2 * ChildLog::kKeptBytes + ChildLog::kStatusLineBytes + 100);
}

TEST_F(ChildLogTest, ALineWithoutAnEndIsBoundedToo) {
  for (int i = 0; i < 1000; ++i) log_.Append(std::string(1000, 'x'));
  log_.Finish();
  EXPECT_LE(printed_.size(), 2 * ChildLog::kKeptBytes + 100);
}

}  // namespace
}  // namespace millrace
