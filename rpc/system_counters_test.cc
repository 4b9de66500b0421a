#include "rpc/system_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(SystemCountersTest, TheTasksOfAStageAddUpUnderNamesOfTheirStage) {
  AttemptStats map;
  map.input_bytes = 10;
  map.input_records = 2;
  map.output_bytes = 30;
  map.output_records = 4;
  map.spills = 1;
  std::map<std::string, int64_t> counters;
  AddSystemCounters(StageKind::kMap, map, &counters);
  AddSystemCounters(StageKind::kMap, map, &counters);
  AddSkippedRecords(3, &counters);
  EXPECT_THAT(
      counters,
      ElementsAre(Pair("millrace/map_input_bytes", 20), Pair("millrace/map_input_records", 4),
                  Pair("millrace/map_output_bytes", 60), Pair("millrace/map_output_records", 8),
                  Pair("millrace/map_spills", 2), Pair("millrace/skipped_records", 3)));
  AddSystemCounters(StageKind::kReduce, map, &counters);
  EXPECT_EQ(counters.at("millrace/reduce_input_records"), 2);
  EXPECT_EQ(counters.at("millrace/map_input_records"), 4);
}

}  // namespace
}  // namespace millrace
