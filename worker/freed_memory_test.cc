// Freed memory stays, up to a bound. Needs the allocator of the system: a sanitizer has its own.
#include "worker/freed_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "worker/memory_meter.h"

namespace millrace {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

using Blocks = std::vector<std::unique_ptr<char[]>>;

// As a merge of `count` sources has them.
Blocks Touch(size_t count) {
  Blocks blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back(std::make_unique<char[]>(kBlockBytes));
  return blocks;
}

TEST(FreedMemoryTest, ALittleStaysAndMuchIsGivenBackThoughSomethingLiesBehindIt) {
  KeepFreedMemory();
  Touch(16).clear();
  const uint64_t after_few = AnonymousBytes();
  BoundFreedMemory();
  EXPECT_GE(AnonymousBytes(), after_few);  // 4 MiB
  Blocks many = Touch(400);
  const std::unique_ptr<char[]> last = std::move(many.back());
  many.clear();
  EXPECT_GT(AnonymousBytes(), after_few + (50 << 20));  // of 100 MiB
  BoundFreedMemory();
  EXPECT_LT(AnonymousBytes(), after_few + kFreedBytesKept);
}

}  // namespace
}  // namespace millrace
