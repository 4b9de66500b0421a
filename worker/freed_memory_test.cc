// Freed memory stays, up to a bound. Needs the allocator of the system: a sanitizer has its own.
#include "worker/freed_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "worker/memory_meter.h"

namespace millrace {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

using Blocks = std::vector<std::unique_ptr<char[]>>;

// As a merge of `count` sources has them, each with something small behind it.
Blocks Touch(size_t count, Blocks* pins) {
  Blocks blocks;
  for (size_t i = 0; i < count; ++i) {
    blocks.push_back(std::make_unique<char[]>(kBlockBytes));
    pins->push_back(std::make_unique<char[]>(40));
  }
  return blocks;
}

TEST(FreedMemoryTest, ALittleStaysAndMuchIsGivenBackThoughSmallBlocksLieBetween) {
  KeepFreedMemory();
  Blocks pins;
  Touch(16, &pins).clear();
  const uint64_t after_few = AnonymousBytes();
  BoundFreedMemory();
  EXPECT_GE(AnonymousBytes(), after_few);  // 4 MiB
  Touch(400, &pins).clear();
  EXPECT_GT(AnonymousBytes(), after_few + (50 << 20));  // of 100 MiB: held by the pins
  BoundFreedMemory();
  EXPECT_LT(AnonymousBytes(), after_few + kFreedBytesKept);
}

}  // namespace
}  // namespace millrace
