#include "worker/engine/key_arena.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

constexpr uint64_t kChunk = 64 << 10;

TEST(KeyArenaTest, KeysStayWhereTheyAreUntilTheyAreCleared) {
  KeyArena arena(kChunk);
  std::vector<std::pair<const char*, std::string>> copies;
  uint64_t bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = std::to_string(i) + std::string(i % 300, 'k');
    copies.emplace_back(arena.Copy(key), key);
    bytes += key.size();
  }
  for (const auto& [address, key] : copies) {
    ASSERT_EQ(std::string_view(address, key.size()), key);
  }
  EXPECT_EQ(arena.used_bytes(), bytes);
  EXPECT_GE(arena.memory_bytes(), bytes);
}

TEST(KeyArenaTest, AnEmptyKeyHasAnAddressOnceThereIsMemory) {
  KeyArena arena(kChunk);
  arena.Copy("a");
  EXPECT_NE(arena.Copy(""), nullptr);
  EXPECT_EQ(arena.used_bytes(), 1u);
}

TEST(KeyArenaTest, AKeyLargerThanAChunkHasOneOfItsOwn) {
  KeyArena arena(kChunk);
  const std::string large(3 * kChunk, 'x');
  const char* const before = arena.Copy("before");
  const char* const copy = arena.Copy(large);
  const char* const after = arena.Copy("after");
  EXPECT_EQ(std::string_view(before, 6), "before");
  EXPECT_EQ(std::string_view(copy, large.size()), large);
  EXPECT_EQ(std::string_view(after, 5), "after");
}

TEST(KeyArenaTest, SaysBeforehandWhatTheNextKeyCosts) {
  KeyArena arena(kChunk);
  for (const uint64_t size : {10ul, 1000ul, kChunk - 1, kChunk, 1ul, 2 * kChunk, 5ul}) {
    const uint64_t growth = arena.BytesToGrow(size);
    const uint64_t before = arena.memory_bytes();
    arena.Copy(std::string(size, 'k'));
    EXPECT_EQ(arena.memory_bytes(), before + growth) << size;
  }
}

TEST(KeyArenaTest, ClearingKeepsChunksForTheNextKeysAndLetsLargeOnesGo) {
  KeyArena arena(kChunk);
  for (int i = 0; i < 3; ++i) arena.Copy(std::string(kChunk, 'k'));
  arena.Copy(std::string(10 * kChunk, 'k'));
  arena.Clear();
  EXPECT_EQ(arena.used_bytes(), 0u);
  EXPECT_EQ(arena.memory_bytes(), 3 * kChunk);
  arena.Clear();  // there is no large one left to let go
  EXPECT_EQ(arena.memory_bytes(), 3 * kChunk);
  EXPECT_EQ(arena.BytesToGrow(kChunk), 0u);
  for (int i = 0; i < 3; ++i) arena.Copy(std::string(kChunk, 'k'));
  EXPECT_EQ(arena.memory_bytes(), 3 * kChunk);
  EXPECT_EQ(arena.BytesToGrow(1), kChunk);
}

}  // namespace
}  // namespace millrace
