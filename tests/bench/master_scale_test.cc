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

// Each map that runs again is news for each worker that reduces: a hundred maps for each lost
// worker would be as many messages to all others.
TEST(MasterScaleTest, TellingOfMapsThatRunAgainIsBounded) {
  ScriptedClusterOptions options = OfSize(/*workers=*/100, /*maps=*/10'000, /*reduces=*/100);
  options.lost_percent = 10;
  options.core.source_messages_per_second = options.workers;  // a round of news a second
  ScriptedCluster cluster(options);
  cluster.Run();
  EXPECT_THAT(cluster.Complaints(), IsEmpty());
  EXPECT_GT(cluster.book().maps_done_again(), 500u);
  // Of ten losses five come while reduces run, and their maps are done again between 5 and 15
  // seconds later. Besides what is gathered, the beginning, each loss and the last map of each are
  // told at once. Told one by one it would be 81 rounds.
  const uint64_t rounds = 1 + 5 * (2 + 10);
  EXPECT_LE(cluster.costs().source_messages, rounds * options.workers);
}

}  // namespace
}  // namespace millrace
