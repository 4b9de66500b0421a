// Programs of /bin as partitioners.
#include "apps/streaming/part_chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PartChooserTest : public ::testing::Test {
 protected:
  PartChooserTest() {
    job_.folder = "/";
    setenv("MILLRACE_WORKER", "inline", 1);
  }
  absl::Status Choose(const Command& command, const std::vector<std::string>& keys) {
    job_.partitioner = command;
    PartChooser chooser(
        job_, [](std::string_view, std::string_view, int64_t) {},
        [this](const PlacedPair& pair) {
          pairs_.push_back(std::to_string(pair.part) + ":" + std::string(pair.key) + "=" +
                           std::string(pair.value));
        });
    for (const std::string& key : keys) chooser.Add(key, "v");
    return chooser.Finish();
  }

  StreamingJob job_;
  std::vector<std::string> pairs_;
};

TEST_F(PartChooserTest, PairsGoOnWithTheirNumbers) {
  EXPECT_TRUE(Choose({"awk", "{print length($0)}"}, {"a", "", "ccc"}).ok());
  EXPECT_THAT(pairs_, ElementsAre("1:a=v", "0:=v", "3:ccc=v"));
}

TEST_F(PartChooserTest, ItMayBufferItsOutputForAWhile) {
  const std::vector<std::string> keys(100000, "7");
  EXPECT_TRUE(Choose({"sort"}, keys).ok());
  EXPECT_EQ(pairs_.size(), keys.size());
}

TEST_F(PartChooserTest, ButNotForever) {
  const std::vector<std::string> keys(1000, std::string(100000, 'x'));
  EXPECT_THAT(std::string(Choose({"sort"}, keys).message()), HasSubstr("must flush its output"));
}

TEST_F(PartChooserTest, WhatIsNoNumberIsNamed) {
  EXPECT_THAT(std::string(Choose({"cat"}, {"1", "two"}).message()),
              HasSubstr("wrote 'two' for the key 'two'"));
  EXPECT_THAT(std::string(Choose({"echo", "-1"}, {"k"}).message()), HasSubstr("wrote '-1'"));
}

TEST_F(PartChooserTest, AsManyNumbersAsKeys) {
  EXPECT_THAT(std::string(Choose({"head", "-n", "1"}, {"1", "2", "3"}).message()),
              HasSubstr("no number for the last 2 keys, the first of which is '2'"));
  EXPECT_THAT(std::string(Choose({"sh", "-c", "cat; echo 1"}, {"1"}).message()),
              HasSubstr("more numbers than it was given keys"));
}

TEST_F(PartChooserTest, AFailureIsNamed) {
  EXPECT_THAT(std::string(Choose({"sh", "-c", "cat; exit 4"}, {"1"}).message()),
              HasSubstr("the partitioner 'sh -c cat; exit 4' exited with 4"));
}

}  // namespace
}  // namespace millrace
