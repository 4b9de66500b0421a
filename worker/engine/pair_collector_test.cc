// Pairs in, a sorted (and combined) run out.
#include "worker/engine/pair_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "worker/engine/run_fixture.h"

namespace millrace {
namespace {

// Partition, key, value.
using Triples = std::vector<std::tuple<uint32_t, std::string, std::string>>;

// "a,b,c" of the values of a key; a combiner that shows order and grouping.
class Join : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string joined;
    for (; !input.done(); input.NextValue()) {
      joined.append(joined.empty() ? "" : ",").append(input.value());
    }
    Emit(std::string_view(joined));
  }
};

class Picky : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    if (input.key() == "bad") return Fail("a bad key");
    Emit(input.value());
  }
};

template <typename R>
JobDescription JobWithCombiner() {
  JobDescription job;
  job.combiner = [] { return std::make_unique<R>(); };
  return job;
}

// Each partition of the run that `collector` writes.
std::vector<Pairs> Write(PairCollector* collector, uint32_t partitions,
                         Combiner* combiner = nullptr,
                         const std::vector<std::string>* split_keys = nullptr) {
  RunDisk disk;
  RunWriterOptions options;
  options.partitions = partitions;
  auto writer = *RunWriter::Create(disk.fs(), "/runs/run", options);
  collector->WriteTo({partitions, combiner, writer.get(), /*hooks=*/nullptr, split_keys});
  const absl::StatusOr<RunFooter> footer = writer->Finish();
  EXPECT_TRUE(footer.ok()) << footer.status();
  std::vector<Pairs> run;
  for (uint32_t p = 0; p < partitions; ++p) {
    run.push_back(RunDisk::Rest(disk.Open("/runs/run", *footer, p).get()));
  }
  return run;
}

TEST(PairCollectorTest, WritesSortedByPartitionAndKey) {
  PairCollector collector(1 << 20);
  for (const auto& [partition, key, value] :
       Triples{{2, "b", "1"}, {0, "z", "2"}, {2, "a", "3"}, {0, "", "4"}}) {
    EXPECT_TRUE(collector.Add(partition, key, value));
  }
  EXPECT_EQ(Write(&collector, 3),
            (std::vector<Pairs>{{{"", "4"}, {"z", "2"}}, {}, {{"a", "3"}, {"b", "1"}}}));
}

TEST(PairCollectorTest, EqualKeysKeepTheOrderOfAdd) {
  PairCollector collector(1 << 20);
  Pairs expected;
  for (int i = 0; i < 500; ++i) {
    const std::string value = std::to_string(i);
    EXPECT_TRUE(collector.Add(0, "key", value));
    expected.emplace_back("key", value);
  }
  EXPECT_EQ(Write(&collector, 1).at(0), expected);
}

TEST(PairCollectorTest, RangesBeginWithTheirSplitKeys) {
  PairCollector collector(1 << 20);
  for (const char* const key : {"m", "b", "", "z", "a", "mm", "b"}) {
    EXPECT_TRUE(collector.Add(0, key, key));
  }
  const std::vector<std::string> split_keys = {"a", "b", "b", "m", "zz"};
  EXPECT_EQ(Write(&collector, 6, /*combiner=*/nullptr, &split_keys),
            (std::vector<Pairs>{{{"", ""}},
                                {{"a", "a"}},
                                {},
                                {{"b", "b"}, {"b", "b"}},
                                {{"m", "m"}, {"mm", "mm"}, {"z", "z"}},
                                {}}));
}

TEST(PairCollectorTest, NothingGivesEmptyPartitions) {
  PairCollector collector(1 << 20);
  EXPECT_TRUE(collector.empty());
  EXPECT_EQ(Write(&collector, 2), std::vector<Pairs>(2));
}

TEST(PairCollectorTest, SaysNoWhenItIsFullAndStartsAnewWhenCleared) {
  PairCollector collector(64 << 10);
  int added = 0;
  while (collector.Add(0, "key" + std::to_string(added), std::string(50, 'v'))) ++added;
  EXPECT_GT(added, 500);
  EXPECT_EQ(Write(&collector, 1).at(0).size(), static_cast<size_t>(added));
  collector.Clear();
  EXPECT_TRUE(collector.empty());
  EXPECT_TRUE(collector.Add(0, "again", "1"));
  EXPECT_EQ(Write(&collector, 1).at(0), (Pairs{{"again", "1"}}));
}

TEST(PairCollectorTest, TheLargestPairThatFitsFitsExactly) {
  PairCollector collector(64 << 10);
  const std::string value(collector.max_pair_bytes() - 3, 'v');
  EXPECT_FALSE(collector.Add(0, "key", value + "x"));
  EXPECT_TRUE(collector.Add(0, "key", value));
  EXPECT_FALSE(collector.Add(0, "", ""));
  EXPECT_EQ(Write(&collector, 1).at(0), (Pairs{{"key", value}}));
}

TEST(PairCollectorTest, MoreMemoryThanPaysIsNotUsed) {
  EXPECT_LT(PairCollector(uint64_t{1} << 40).max_pair_bytes(), PairCollector::kMaxMemoryBytes);
}

TEST(PairCollectorTest, ACombinerSeesAllValuesOfAKeyOfOnePartition) {
  PairCollector collector(1 << 20);
  for (const auto& [partition, key, value] :
       Triples{{1, "a", "1"}, {0, "a", "2"}, {1, "b", "3"}, {1, "a", "4"}, {0, "a", "5"}}) {
    collector.Add(partition, key, value);
  }
  const JobDescription job = JobWithCombiner<Join>();
  CounterSet counters;
  TaskHooks hooks;
  Combiner combiner(job, {&counters, &hooks, /*max_record_bytes=*/1 << 20});
  EXPECT_EQ(Write(&collector, 2, &combiner),
            (std::vector<Pairs>{{{"a", "2,5"}}, {{"a", "1,4"}, {"b", "3"}}}));
}

TEST(PairCollectorTest, NothingIsCombinedAfterTheCombinerHasFailed) {
  PairCollector collector(1 << 20);
  for (const char* key : {"ant", "bad", "bee"}) collector.Add(0, key, "1");
  const JobDescription job = JobWithCombiner<Picky>();
  CounterSet counters;
  TaskHooks hooks;
  Combiner combiner(job, {&counters, &hooks, /*max_record_bytes=*/1 << 20});
  EXPECT_EQ(Write(&collector, 1, &combiner).at(0), (Pairs{{"ant", "1"}}));
  EXPECT_EQ(combiner.status(), absl::AbortedError("a bad key"));
}

// Few letters, so that keys repeat and begin alike.
rc::Gen<Triples> AnyTriples() {
  const auto key = rc::gen::container<std::string>(rc::gen::element('a', 'b', '\0', '\xff'));
  return rc::gen::container<Triples>(
      rc::gen::tuple(rc::gen::inRange<uint32_t>(0, 4), key, rc::gen::arbitrary<std::string>()));
}

RC_GTEST_PROP(PairCollectorProperty, EqualsAStableSort, ()) {
  const Triples triples = *AnyTriples();
  PairCollector collector(1 << 20);
  std::vector<Pairs> expected(4);
  for (const auto& [partition, key, value] : triples) {
    RC_ASSERT(collector.Add(partition, key, value));
    expected[partition].emplace_back(key, value);
  }
  for (Pairs& pairs : expected) {
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  RC_ASSERT(Write(&collector, 4) == expected);
}

RC_GTEST_PROP(PairCollectorProperty, CombinedEqualsAMapOfTheValues, ()) {
  const Triples triples = *AnyTriples();
  PairCollector collector(1 << 20);
  std::vector<std::map<std::string, std::string>> joined(4);
  for (const auto& [partition, key, value] : triples) {
    RC_ASSERT(collector.Add(partition, key, value));
    std::string& sum = joined[partition][key];
    sum += (sum.empty() ? "" : ",") + value;
  }
  std::vector<Pairs> expected;
  expected.reserve(joined.size());
  for (const auto& of_part : joined) expected.emplace_back(of_part.begin(), of_part.end());
  const JobDescription job = JobWithCombiner<Join>();
  CounterSet counters;
  TaskHooks hooks;
  Combiner combiner(job, {&counters, &hooks, /*max_record_bytes=*/1 << 20});
  RC_ASSERT(Write(&collector, 4, &combiner) == expected);
}

}  // namespace
}  // namespace millrace
