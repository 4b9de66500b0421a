#include "worker/engine/run_merger.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/run_writer.h"
#include "worker/engine/key_group.h"

namespace millrace {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

bool KeyLess(const Pairs::value_type& a, const Pairs::value_type& b) { return a.first < b.first; }

// Readers of runs with one partition each.
class Runs {
 public:
  explicit Runs(const std::vector<Pairs>& sources) {
    EXPECT_TRUE(fs_.CreateFolders("/runs").ok());
    for (const Pairs& pairs : sources) Add(pairs);
  }

  void Add(const Pairs& pairs) {
    const std::string path = "/runs/" + std::to_string(readers_.size());
    auto writer = RunWriter::Create(&fs_, path, RunWriterOptions());
    EXPECT_TRUE(writer.ok());
    (*writer)->BeginPartition(0);
    for (const auto& [key, value] : pairs) (*writer)->Add(key, value);
    auto footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok());
    auto reader = RunReader::OpenInRun(&fs_, path, *footer, 0);
    EXPECT_TRUE(reader.ok());
    readers_.push_back(*std::move(reader));
  }

  std::vector<std::unique_ptr<RunReader>> Take() { return std::move(readers_); }

 private:
  MemoryFileSystem fs_;
  std::vector<std::unique_ptr<RunReader>> readers_;
};

Pairs Merge(const std::vector<Pairs>& sources) {
  Runs runs(sources);
  RunMerger merger(runs.Take());
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

TEST(KeyGroupsTest, SkipWhatNobodyRead) {
  Runs runs({{{"a", "1"}, {"a", "2"}, {"b", "3"}}, {{"a", "4"}, {"c", "5"}}});
  RunMerger merger(runs.Take());
  KeyGroups groups(&merger);
  std::vector<std::string> keys;
  while (groups.NextGroup()) keys.emplace_back(groups.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(groups.records(), 5u);
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
