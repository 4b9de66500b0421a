#include "mapreduce/partitioner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

TEST(HashPartitionerTest, IsTheSameForEver) {
  // Stored map outputs depend on these numbers.
  const HashPartitioner partitioner;
  EXPECT_EQ(partitioner.Partition("", 1000), 175u);
  EXPECT_EQ(partitioner.Partition("ant", 1000), 369u);
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

}  // namespace
}  // namespace millrace
