#include "client/counters_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

JobView Counted() {
  JobView view;
  view.stages = {{StageKind::kMap, 2, 2, 0}, {StageKind::kReduce, 1, 1, 0}};
  view.counters = {{"millrace/map_input_records", 9},
                   {"millrace/map_output_records", 20},
                   {"millrace/reduce_input_records", 21},
                   {"millrace/reduce_output_records", 5},
                   {"words/uppercase", -12},
                   {"lines/seen", 7}};
  return view;
}

TEST(CountersTextTest, RecordsAreFollowedThroughTheJob) {
  EXPECT_EQ(RecordsLine(Counted()), "  records   9 in, 20 out of maps, 21 into reduces, 5 out\n");
}

TEST(CountersTextTest, SpillsAreToldIfThereWereAny) {
  JobView view = Counted();
  view.counters["millrace/map_spills"] = 2;
  view.counters["millrace/reduce_spills"] = 1;
  EXPECT_THAT(RecordsLine(view), HasSubstr("5 out; 3 spills\n"));
}

TEST(CountersTextTest, MapsOfAMapOnlyJobWriteItsOutput) {
  JobView view = Counted();
  view.stages.pop_back();
  EXPECT_EQ(RecordsLine(view), "  records   9 in, 20 out\n");
}

TEST(CountersTextTest, NothingIsMadeUpWhenTheMasterDoesNotCount) {
  JobView view = Counted();
  view.counters.clear();
  EXPECT_EQ(RecordsLine(view), "");
  EXPECT_EQ(CountersText(view), "");
}

TEST(CountersTextTest, CountersOfUserCodeAreListedByGroupAndName) {
  JobView view = Counted();
  view.counters["millrace.profile/read.cpu_us"] = 5;  // a table of its own shows it
  EXPECT_EQ(CountersText(view),
            "  counters  lines/seen       7\n"
            "            words/uppercase  -12\n");
}

TEST(CountersTextTest, NamesAreEscapedAndVeryManyAreCutShort) {
  JobView view = Counted();
  view.counters["a/\033[31m"] = 1;
  for (int i = 10; i < 99; ++i) view.counters["b/" + std::to_string(i)] = i;
  const std::string text = CountersText(view);
  EXPECT_THAT(text, HasSubstr("  counters  a/\\033[31m  1\n"));
  EXPECT_THAT(text, HasSubstr("b/48        48\n            and 52 more, in --summary_json\n"));
}

}  // namespace
}  // namespace millrace
