// Many sources become few, in passes, and nobody can tell from the result.
#include "worker/engine/merge_down.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

#include "worker/engine/key_group.h"
#include "worker/engine/run_fixture.h"
#include "worker/engine/run_merger.h"

namespace millrace {
namespace {

using ::testing::IsEmpty;

// Merges sources with a bound on how many are open, and watches that bound.
class Merge {
 public:
  explicit Merge(size_t sources_max, Aggregate aggregate = Aggregate::kNone) {
    plan_.fs = disk_.fs();
    plan_.memory_bytes = uint64_t{1} << 40;
    plan_.sources_max = sources_max;
    plan_.aggregate = aggregate;
  }

  template <typename Records>
  void Add(const Records& records) {
    const auto [path, footer] = disk_.WriteRun(records);
    const size_t index = sources_.size();
    sources_.push_back({[this, path = path, footer = footer, index]() {
                          opened_.push_back(index);
                          return RunReader::OpenInRun(disk_.fs(), path, footer, 0);
                        },
                        [index](const absl::Status& status) {
                          return absl::DataLossError("source " + std::to_string(index) + ": " +
                                                     std::string(status.message()));
                        }});
  }
  absl::StatusOr<RunReaders> Open() { return OpenForMerge(plan_, &sources_, &temp_files_, hooks_); }
  Pairs MergedPairs() {
    auto readers = Open();
    EXPECT_TRUE(readers.ok()) << readers.status();
    EXPECT_LE(readers->size(), plan_.sources_max);
    EXPECT_EQ(readers->size(), sources_.size());
    RunMerger merger(*std::move(readers));
    Pairs pairs;
    while (merger.Next()) pairs.emplace_back(merger.key(), merger.value());
    EXPECT_TRUE(merger.status().ok()) << merger.status();
    return pairs;
  }

  RunDisk disk_;
  MergePlan plan_;
  std::vector<MergeSource> sources_;
  std::vector<size_t> opened_;
  TempFiles temp_files_{disk_.fs(), "/temp"};
  TaskHooks hooks_;
};

class OpenSourcesTest : public testing::Test {
 protected:
  OpenSourcesTest() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~OpenSourcesTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  size_t OpenSourcesWith(rlim_t open_files) {
    const rlimit limit{open_files, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return OpenSourcesMax();
  }

  rlimit before_ = {};
};

TEST_F(OpenSourcesTest, LeaveDescriptorsToOthers) {
  EXPECT_EQ(OpenSourcesWith(256), 224u);
  EXPECT_EQ(OpenSourcesWith(64), 32u);
  EXPECT_EQ(OpenSourcesWith(20), 0u);
}

TEST_F(OpenSourcesTest, AreNoMoreThanAreOfUse) { EXPECT_EQ(OpenSourcesWith(1024), 512u); }

TEST(MergeDownTest, FewSourcesAreJustOpened) {
  Merge merge(/*sources_max=*/3);
  for (const char* value : {"1", "2", "3"}) merge.Add(Pairs{{"key", value}});
  EXPECT_EQ(merge.MergedPairs(), (Pairs{{"key", "1"}, {"key", "2"}, {"key", "3"}}));
  EXPECT_EQ(merge.temp_files_.count(), 0u);
}

TEST(MergeDownTest, NoSourcesGiveNoReaders) {
  Merge merge(/*sources_max=*/2);
  EXPECT_THAT(*merge.Open(), IsEmpty());
}

TEST(MergeDownTest, NoMoreIsMergedThanMustBe) {
  Merge merge(/*sources_max=*/4);
  for (int i = 0; i < 5; ++i) merge.Add(Pairs{{"key", std::to_string(i)}});
  // Two neighbours become one; the other three are opened once, for the merge itself.
  EXPECT_EQ(merge.MergedPairs().size(), 5u);
  EXPECT_EQ(merge.sources_.size(), 4u);
  EXPECT_EQ(merge.temp_files_.count(), 1u);
  std::sort(merge.opened_.begin(), merge.opened_.end());
  EXPECT_EQ(merge.opened_, (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(MergeDownTest, EachRecordOfAPassIsProgress) {
  Merge merge(/*sources_max=*/4);
  for (int i = 0; i < 5; ++i) merge.Add(Pairs{{"key", std::to_string(i)}});
  EXPECT_EQ(merge.MergedPairs().size(), 5u);
  EXPECT_EQ(merge.hooks_.moved_records, 2u);
}

TEST(MergeDownTest, SourcesWithLongBlocksAreFewerAtATime) {
  Merge merge(/*sources_max=*/100);
  for (int i = 0; i < 6; ++i) merge.Add(Pairs{{"key", std::to_string(i)}});
  for (MergeSource& source : merge.sources_) source.memory_bytes = 30;
  merge.plan_.memory_bytes = 100;
  EXPECT_EQ(merge.MergedPairs().size(), 6u);
  EXPECT_LE(merge.sources_.size(), 3u);
}

TEST(MergeDownTest, AnAggregateIsFoldedOnTheWay) {
  Merge merge(/*sources_max=*/2, Aggregate::kMax);
  for (const int64_t number : {3, 9, -2, 4, 5}) merge.Add(Numbers{{"a", number}, {"b", -number}});
  auto readers = merge.Open();
  ASSERT_TRUE(readers.ok()) << readers.status();
  uint64_t records = 0;
  for (const auto& reader : *readers) {
    while (reader->Next()) ++records;
  }
  EXPECT_LE(records, 4u);  // each reader has each key once
}

TEST(MergeDownTest, ASourceThatCannotBeOpenedIsBlamedWhereverItStands) {
  for (int missing = 0; missing < 5; ++missing) {
    Merge merge(/*sources_max=*/2);
    for (int i = 0; i < 5; ++i) merge.Add(Pairs{{"key", "value"}});
    ASSERT_TRUE(merge.disk_.fs()->RemoveFile("/runs/" + std::to_string(missing)).ok());
    EXPECT_THAT(std::string(merge.Open().status().message()),
                ::testing::StartsWith("source " + std::to_string(missing) + ": "));
  }
}

TEST(MergeDownTest, ADamagedSourceIsBlamedWhenAPassReadsIt) {
  Merge merge(/*sources_max=*/2);
  for (int i = 0; i < 5; ++i) merge.Add(Pairs{{"key", "value"}});
  std::string bytes = *ReadFile(*merge.disk_.fs(), "/runs/1", /*max_bytes=*/1 << 20);
  bytes[30] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(*merge.disk_.fs(), "/runs/1", bytes).ok());
  EXPECT_THAT(std::string(merge.Open().status().message()), ::testing::StartsWith("source 1: "));
}

TEST(MergeDownTest, APassLooksWhetherItIsStillWanted) {
  Merge merge(/*sources_max=*/2);
  Pairs many;
  for (int i = 0; i < 3000; ++i) many.emplace_back("key", "value");
  for (int i = 0; i < 3; ++i) merge.Add(many);
  merge.hooks_.cancelled = true;
  EXPECT_EQ(merge.Open().status().code(), absl::StatusCode::kCancelled);
}

RC_GTEST_PROP(MergeDownProperty, EqualsAStableSortOfAllSourcesHoweverManyAreOpen, ()) {
  const auto key =
      rc::gen::element<std::string>("", "a", "b", "exactly15bytes_ and 1", "exactly15bytes_ and 2");
  Merge merge(*rc::gen::inRange<size_t>(2, 6));
  Pairs expected;
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  const int sources = *rc::gen::inRange(0, 20);
  for (int s = 0; s < sources; ++s) {
    Pairs pairs = *rc::gen::container<Pairs>(rc::gen::pair(key, rc::gen::arbitrary<std::string>()));
    std::stable_sort(pairs.begin(), pairs.end(), by_key);
    merge.Add(pairs);
    expected.insert(expected.end(), pairs.begin(), pairs.end());
  }
  std::stable_sort(expected.begin(), expected.end(), by_key);
  RC_ASSERT(merge.MergedPairs() == expected);
}

}  // namespace
}  // namespace millrace
