#include "client/skew_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

JobView Skewed() {
  JobView view;
  view.skew.total_bytes = 1000 << 20;
  view.skew.median_bytes = 33 << 20;
  view.skew.parts = {
      {7, 400 << 20, {{"the", false, 12345, 390 << 20}, {"\xff\tb", true, 1, 5 << 20}}}};
  return view;
}

TEST(SkewTextTest, NamesPartsTheirKeysAndWhatHelps) {
  EXPECT_EQ(
      SkewText(Skewed()),
      "  skew      part 7 has 400 MiB, 40 % of the reduce input, 12.1 times the median: key "
      "\"the\" 390 MiB in 12345 records, \"\\xff\\tb…\" 5 MiB in 1 record\n"
      "            what helps: a combiner or an aggregate, which leave less of a key, or keys "
      "that are cut finer; more reducers do not divide a key\n");
}

TEST(SkewTextTest, WithoutAHeavyKeyMoreReducersHelp) {
  JobView view = Skewed();
  view.skew.parts[0].keys.clear();
  view.skew.median_bytes = 0;
  view.skew.more_parts = 4;
  const std::string text = SkewText(view);
  EXPECT_THAT(text, HasSubstr("where most parts have nothing\n            and 4 smaller ones\n"));
  EXPECT_THAT(text, HasSubstr("what helps: more reducers"));
}

TEST(SkewTextTest, ASmallJobIsSilentUnlessItIsProfiled) {
  JobView view = Skewed();
  view.skew.total_bytes = 1 << 20;
  EXPECT_EQ(SkewText(view), "");
  view.counters["millrace.profile/wait.us"] = 1;
  EXPECT_THAT(SkewText(view), HasSubstr("part 7"));
  EXPECT_EQ(SkewText(JobView()), "");
}

}  // namespace
}  // namespace millrace
