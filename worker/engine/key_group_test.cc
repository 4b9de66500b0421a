// The records of a merge, key by key.
#include "worker/engine/key_group.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "worker/engine/run_fixture.h"

namespace millrace {
namespace {

// Two keys that are equal as far as a KeyOrder sees them.
const char kLong1[] = "fifteen bytes, and then 1";
const char kLong2[] = "fifteen bytes, and then 2";

Numbers Totals(Aggregate kind, const std::vector<Numbers>& sources, uint64_t* records = nullptr) {
  RunDisk disk;
  RunMerger merger(disk.MakeRuns(sources));
  KeyTotals totals(&merger, kind);
  Numbers all;
  while (totals.Next()) all.emplace_back(totals.key(), totals.total());
  EXPECT_TRUE(merger.status().ok()) << merger.status();
  EXPECT_FALSE(totals.Next());
  if (records != nullptr) *records = totals.records();
  return all;
}

// All groups with their values, of which at most `reads` are looked at.
using Group = std::pair<std::string, std::vector<std::string>>;
std::vector<Group> Groups(const std::vector<Pairs>& sources, size_t reads = 100) {
  RunDisk disk;
  RunMerger merger(disk.MakeRuns(sources));
  KeyGroups groups(&merger);
  std::vector<Group> all;
  uint64_t records = 0;
  for (const Pairs& pairs : sources) records += pairs.size();
  while (groups.NextGroup()) {
    all.emplace_back(groups.key(), std::vector<std::string>());
    for (; !groups.done() && all.back().second.size() < reads; groups.NextValue()) {
      all.back().second.emplace_back(groups.value());
    }
    EXPECT_EQ(groups.key(), all.back().first);  // it stays when the last value is read
  }
  EXPECT_FALSE(groups.NextGroup());
  EXPECT_EQ(groups.records(), records);
  return all;
}

TEST(KeyTotalsTest, FoldsTheNumbersOfEachKeyOverAllSources) {
  const std::vector<Numbers> sources = {{{"a", 5}, {"b", -1}}, {{"a", -7}, {"c", 4}}, {{"a", 3}}};
  uint64_t records = 0;
  EXPECT_EQ(Totals(Aggregate::kSum, sources, &records), (Numbers{{"a", 1}, {"b", -1}, {"c", 4}}));
  EXPECT_EQ(records, 5u);
  EXPECT_EQ(Totals(Aggregate::kMin, sources), (Numbers{{"a", -7}, {"b", -1}, {"c", 4}}));
  EXPECT_EQ(Totals(Aggregate::kMax, sources), (Numbers{{"a", 5}, {"b", -1}, {"c", 4}}));
}

TEST(KeyTotalsTest, CountsHaveBecomeSums) {
  EXPECT_EQ(Totals(Aggregate::kCount, {{{"a", 5}}, {{"a", 7}}}), (Numbers{{"a", 12}}));
}

TEST(KeyTotalsTest, LongKeysThatBeginAlikeAreToldApart) {
  EXPECT_EQ(Totals(Aggregate::kSum, {{{kLong1, 1}, {kLong2, 2}}, {{kLong2, 3}}}),
            (Numbers{{kLong1, 1}, {kLong2, 5}}));
}

TEST(KeyTotalsTest, NothingHasNoTotals) {
  EXPECT_EQ(Totals(Aggregate::kSum, {}), Numbers());
  EXPECT_EQ(Totals(Aggregate::kSum, {{}, {}}), Numbers());
}

TEST(KeyGroupsTest, GiveTheValuesOfEachKeyInTheOrderOfTheirSources) {
  EXPECT_EQ(Groups({{{"a", "1"}, {"a", "2"}, {"b", "3"}}, {{"a", "4"}, {"c", "5"}}}),
            (std::vector<Group>{{"a", {"1", "2", "4"}}, {"b", {"3"}}, {"c", {"5"}}}));
}

TEST(KeyGroupsTest, SkipWhatNobodyRead) {
  const std::vector<Pairs> sources = {{{"a", "1"}, {"a", "2"}, {"b", "3"}},
                                      {{"a", "4"}, {"c", "5"}}};
  EXPECT_EQ(Groups(sources, /*reads=*/0), (std::vector<Group>{{"a", {}}, {"b", {}}, {"c", {}}}));
  EXPECT_EQ(Groups(sources, /*reads=*/1),
            (std::vector<Group>{{"a", {"1"}}, {"b", {"3"}}, {"c", {"5"}}}));
}

TEST(KeyGroupsTest, LongKeysThatBeginAlikeAreToldApart) {
  EXPECT_EQ(Groups({{{kLong1, "1"}, {kLong2, "2"}}, {{kLong1, "3"}, {kLong2, "4"}}}),
            (std::vector<Group>{{kLong1, {"1", "3"}}, {kLong2, {"2", "4"}}}));
}

TEST(KeyGroupsTest, TheEmptyKeyIsAKey) {
  EXPECT_EQ(Groups({{{"", "1"}, {std::string(1, '\0'), "2"}}}),
            (std::vector<Group>{{"", {"1"}}, {std::string(1, '\0'), {"2"}}}));
}

TEST(KeyGroupsTest, ADamagedSourceEndsTheGroups) {
  RunDisk disk;
  const auto [path, footer] = disk.WriteRun(Pairs{{"a", "1"}, {"b", "2"}});
  std::string bytes = *ReadFile(*disk.fs(), path, /*max_bytes=*/1 << 20);
  bytes[footer.partitions[0].offset + kBlockHeaderBytes] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(*disk.fs(), path, bytes).ok());
  auto readers = disk.MakeRuns<Pairs>({{{"a", "0"}}});
  readers.push_back(disk.Open(path, footer, 0));
  RunMerger merger(std::move(readers));
  KeyGroups groups(&merger);
  EXPECT_FALSE(groups.NextGroup());
  EXPECT_EQ(merger.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(merger.failed_source(), 1u);
}

}  // namespace
}  // namespace millrace
