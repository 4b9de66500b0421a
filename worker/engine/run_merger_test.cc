#include "worker/engine/run_merger.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/engine/run_fixture.h"

namespace millrace {
namespace {

bool KeyLess(const Pairs::value_type& a, const Pairs::value_type& b) { return a.first < b.first; }

Pairs Merge(const std::vector<Pairs>& sources) {
  RunDisk disk;
  RunMerger merger(disk.MakeRuns(sources));
  Pairs merged;
  while (merger.Next()) merged.emplace_back(merger.key(), merger.value());
  EXPECT_TRUE(merger.status().ok()) << merger.status();
  EXPECT_FALSE(merger.Next());
  return merged;
}

TEST(RunMergerTest, NoSourcesHaveNoRecords) { EXPECT_EQ(Merge({}), Pairs()); }

TEST(RunMergerTest, EmptySourcesDoNotMatter) {
  EXPECT_EQ(Merge({{}, {{"a", "1"}}, {}, {}}), (Pairs{{"a", "1"}}));
}

TEST(RunMergerTest, EqualKeysComeInTheOrderOfTheirSources) {
  const std::string long_key = "a key of more than fifteen bytes";
  for (const std::string& key : {std::string("k"), long_key}) {
    EXPECT_EQ(Merge({{{key, "1"}, {key, "2"}}, {{key, "3"}}, {{key, "4"}, {key, "5"}}}),
              (Pairs{{key, "1"}, {key, "2"}, {key, "3"}, {key, "4"}, {key, "5"}}));
  }
}

// A run whose only block no longer has its checksum.
std::unique_ptr<RunReader> MakeDamagedRun(RunDisk* disk) {
  const auto [path, footer] = disk->WriteRun(Pairs{{"b", "2"}});
  std::string bytes = *ReadFile(*disk->fs(), path, /*max_bytes=*/1 << 20);
  bytes[footer.partitions[0].offset + kBlockHeaderBytes] ^= 1;
  EXPECT_TRUE(WriteFileAtomically(*disk->fs(), path, bytes).ok());
  return disk->Open(path, footer, 0);
}

TEST(RunMergerTest, ADamagedSourceEndsTheMergeAndTheFirstOneIsNamed) {
  RunDisk disk;
  auto readers = disk.MakeRuns<Pairs>({{{"a", "1"}, {"c", "3"}}});
  readers.push_back(MakeDamagedRun(&disk));
  readers.push_back(MakeDamagedRun(&disk));
  RunMerger merger(std::move(readers));
  EXPECT_FALSE(merger.Next());
  EXPECT_EQ(merger.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(merger.failed_source(), 1u);
}

RC_GTEST_PROP(RunMergerProperty, EqualsAStableSortOfAllSources, ()) {
  const auto key = rc::gen::element<std::string>("", "a", "b", std::string("a\0", 2),
                                                 "exactly15bytes_", "exactly16bytes__",
                                                 "exactly16bytes_z", "exactly15bytes_ and more");
  const auto pairs =
      rc::gen::container<Pairs>(rc::gen::pair(key, rc::gen::arbitrary<std::string>()));
  auto sources = *rc::gen::container<std::vector<Pairs>>(pairs);
  Pairs expected;
  for (Pairs& source : sources) {
    std::stable_sort(source.begin(), source.end(), KeyLess);
    expected.insert(expected.end(), source.begin(), source.end());
  }
  std::stable_sort(expected.begin(), expected.end(), KeyLess);
  RC_ASSERT(Merge(sources) == expected);
}

}  // namespace
}  // namespace millrace
