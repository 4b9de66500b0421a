#include "worker/engine/huge_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

TEST(HugeBufferTest, HasAtLeastTheBytesAskedForAndTheyAreZero) {
  for (const size_t bytes : {1ul, 4096ul, 4097ul, 5ul << 20}) {
    const HugeBuffer buffer(bytes);
    ASSERT_GE(buffer.size(), bytes);
    EXPECT_LT(buffer.size(), bytes + 4096);
    const char* const data = buffer.as<char>();
    EXPECT_TRUE(std::all_of(data, data + buffer.size(), [](char c) { return c == 0; }));
    std::fill_n(buffer.as<char>(), buffer.size(), 'x');  // all of it may be written
  }
}

TEST(HugeBufferTest, NoBytesNeedNoMemory) {
  EXPECT_EQ(HugeBuffer().as<char>(), nullptr);
  EXPECT_EQ(HugeBuffer(0).as<char>(), nullptr);
  EXPECT_EQ(HugeBuffer(0).size(), 0u);
}

TEST(HugeBufferTest, MovingHandsTheMemoryOver) {
  HugeBuffer first(4096);
  *first.as<int>() = 42;
  HugeBuffer second(std::move(first));
  EXPECT_EQ(*second.as<int>(), 42);
  HugeBuffer third(100000);
  third = std::move(second);
  EXPECT_EQ(*third.as<int>(), 42);
  EXPECT_EQ(third.size(), 4096u);
}

TEST(HugeBufferTest, KeepsItsMemoryWhenItIsLargeEnough) {
  HugeBuffer buffer(8192);
  *buffer.as<int>() = 42;
  buffer.EnsureSize(8192);
  EXPECT_EQ(*buffer.as<int>(), 42);
  EXPECT_EQ(buffer.size(), 8192u);
}

TEST(HugeBufferTest, GrowsALittleBeyondWhatIsNeeded) {
  HugeBuffer buffer(4096);
  buffer.EnsureSize(800000);
  EXPECT_GE(buffer.size(), 900000u);
  const size_t size = buffer.size();
  buffer.EnsureSize(900000);
  EXPECT_EQ(buffer.size(), size);
}

}  // namespace
}  // namespace millrace
