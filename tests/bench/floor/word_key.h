// The first bytes of a word as two integers, which compare as the words do.
//
// A word of at most 15 bytes is its bytes, zeroes, and its length in the last byte: two such keys
// are equal only for equal words, and the order of (high, low) is byte order. A longer word is its
// first 15 bytes and kLong.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_KEY_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_KEY_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace floor_bench {

constexpr size_t kShortBytes = 15;
constexpr uint8_t kLong = 16;

// In the byte order of memory: equality and hashing need no other.
struct RawKey {
  uint64_t first;
  uint64_t second;
};

// Loads the first bytes of a word; 16 bytes must be readable.
inline RawKey LoadKey(const char* word, size_t length) {
  static constexpr uint64_t kAll = ~uint64_t{0};
  static constexpr struct Masks {
    uint64_t first[17] = {};
    uint64_t second[17] = {};
    constexpr Masks() {
      for (int i = 0; i < 17; ++i) {
        first[i] = i >= 8 ? kAll : (uint64_t{1} << (8 * i)) - 1;
        second[i] = i >= 15 ? kAll >> 8 : i <= 8 ? 0 : (uint64_t{1} << (8 * (i - 8))) - 1;
      }
    }
  } kMasks;
  const size_t kept = std::min<size_t>(length, kLong);
  RawKey key;
  std::memcpy(&key, word, sizeof(key));
  key.first &= kMasks.first[kept];
  key.second = (key.second & kMasks.second[kept]) | static_cast<uint64_t>(kept) << 56;
  return key;
}

struct OrderedKey {
  using Both = unsigned __int128;

  OrderedKey() = default;
  explicit OrderedKey(RawKey key)
      : high(__builtin_bswap64(key.first)), low(__builtin_bswap64(key.second)) {}

  // Greater than the key of any word, and one may be added to it.
  static OrderedKey BehindAll() {
    OrderedKey key;
    key.high = ~uint64_t{0};
    key.low = ~uint64_t{0} - 1;
    return key;
  }

  RawKey raw() const { return {__builtin_bswap64(high), __builtin_bswap64(low)}; }
  Both both() const { return static_cast<Both>(high) << 64 | low; }
  bool is_long() const { return static_cast<uint8_t>(low) == kLong; }

  uint64_t high;
  uint64_t low;
};

// One multiplication; the high bits are the good ones.
inline uint64_t HashOf(RawKey key) {
  const auto product = static_cast<unsigned __int128>(key.first ^ 0x9e3779b97f4a7c15) *
                       (key.second ^ 0xc2b2ae3d27d4eb4f);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Partitions are ranges of hashes, as slots are: a partition lies together in a table.
inline int PartitionOf(uint64_t hash, int partitions) {
  return static_cast<int>((static_cast<unsigned __int128>(hash) * partitions) >> 64);
}

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_KEY_H_
