#include "mapreduce/partitioner.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

TEST(HashPartitionerTest, IsTheSameForEver) {
  // Stored map outputs depend on these numbers.
  const HashPartitioner partitioner;
  EXPECT_EQ(partitioner.Partition("", 1000), 904u);
  EXPECT_EQ(partitioner.Partition("ant", 1000), 317u);
  EXPECT_EQ(partitioner.Partition("a key of more than fifteen bytes", 1000), 769u);
  EXPECT_EQ(partitioner.Partition("anything", 1), 0u);
}

TEST(HashPartitionerTest, EveryPartGetsItsShareOfTheKeys) {
  const HashPartitioner partitioner;
  for (const uint32_t parts : {1u, 2u, 7u, 100u}) {
    std::vector<int> keys(parts, 0);
    for (uint32_t i = 0; i < 1000 * parts; ++i) {
      const uint32_t part = partitioner.Partition("key " + std::to_string(i), parts);
      ASSERT_LT(part, parts);
      ++keys[part];
    }
    EXPECT_GT(*std::min_element(keys.begin(), keys.end()), 800) << parts;
    EXPECT_LT(*std::max_element(keys.begin(), keys.end()), 1200) << parts;
  }
}

TEST(PartitionerTest, ARangeBeginsWithItsSplitKey) {
  const RangePartitioner ranges({"bee", "bee\x01", "ladybirds"});
  const auto part = [&](std::string_view key) { return ranges.Partition(key, 4); };
  EXPECT_EQ(part(""), 0u);
  EXPECT_EQ(part("ant"), 0u);
  EXPECT_EQ(part("bed"), 0u);
  EXPECT_EQ(part("bee"), 1u);
  EXPECT_EQ(part(std::string_view("bee\0", 4)), 1u);
  EXPECT_EQ(part("bee\x01"), 2u);
  EXPECT_EQ(part("ladybird"), 2u);
  EXPECT_EQ(part("ladybirds"), 3u);
  EXPECT_EQ(part("\xff"), 3u);
}

TEST(PartitionerTest, WhatBeginsSeveralRangesGoesToTheLastOfThem) {
  const RangePartitioner ranges({"a", "a", "a"});
  EXPECT_EQ(ranges.Partition("0", 4), 0u);
  EXPECT_EQ(ranges.Partition("a", 4), 3u);
}

RC_GTEST_PROP(PartitionerTest, RangesFollowTheOrderOfKeys, ()) {
  const auto text = rc::gen::container<std::string>(rc::gen::element('\0', 'a', 'b', '\xff'));
  std::vector<std::string> split_keys = *rc::gen::container<std::vector<std::string>>(text);
  std::sort(split_keys.begin(), split_keys.end());
  const std::string key = *text;
  const RangePartitioner ranges(split_keys);
  const uint32_t part = ranges.Partition(key, static_cast<uint32_t>(split_keys.size() + 1));
  RC_ASSERT((part == 0 || split_keys[part - 1] <= key));
  RC_ASSERT((part == split_keys.size() || key < split_keys[part]));
}

}  // namespace
}  // namespace millrace
