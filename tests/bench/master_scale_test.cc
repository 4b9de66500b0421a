// Large clusters of scripted workers that lose some: every task has one winner, and the price of a
// task does not grow with their number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/scripted_cluster.h"

namespace millrace {
namespace {

using ::testing::IsEmpty;

ScriptedClusterOptions OfSize(uint32_t workers, uint32_t maps, uint32_t reduces) {
  ScriptedClusterOptions options;
  options.workers = workers;
  options.maps = maps;
  options.reduces = reduces;
  return options;
}

TEST(MasterScaleTest, AJobOnAClusterThatLosesWorkersHasOneWinnerForEachTask) {
  ScriptedCluster cluster(OfSize(/*workers=*/200, /*maps=*/20'000, /*reduces=*/200));
  cluster.Run();
  EXPECT_TRUE(cluster.succeeded());
  EXPECT_THAT(cluster.Complaints(), IsEmpty());
  EXPECT_EQ(cluster.workers_lost(), 2u);
  EXPECT_GT(cluster.book().outputs_lost(), 100u) << "about a hundred on each worker";
  EXPECT_EQ(cluster.book().maps_done_again(), cluster.book().outputs_lost());
}

TEST(MasterScaleTest, ACheckerThatLooksAtEveryDecisionHasNoComplaint) {
  ScriptedClusterOptions options = OfSize(/*workers=*/20, /*maps=*/500, /*reduces=*/40);
  options.lost_percent = 20;
  options.checked = true;
  ScriptedCluster cluster(options);
  cluster.Run();
  EXPECT_TRUE(cluster.succeeded());
  EXPECT_THAT(cluster.Complaints(), IsEmpty());
  EXPECT_EQ(cluster.workers_lost(), 4u);
}

// Each map that runs again is news for each worker that reduces.
TEST(MasterScaleTest, TellingOfMapsThatRunAgainIsBounded) {
  ScriptedClusterOptions options = OfSize(/*workers=*/1000, /*maps=*/20'000, /*reduces=*/1000);
  options.lost_percent = 2;
  ScriptedCluster cluster(options);
  cluster.Run();
  EXPECT_THAT(cluster.Complaints(), IsEmpty());
  const ScriptedClusterCosts& costs = cluster.costs();
  // When it begins, when a loss is found and when the last of its maps is done, and what is
  // gathered between.
  const uint64_t rounds = 1 + 10 * (2 + 20);
  EXPECT_LT(costs.source_messages, rounds * options.workers);
  EXPECT_GT(cluster.book().maps_done_again() * options.workers / 2, costs.source_messages);
}

}  // namespace
}  // namespace millrace
