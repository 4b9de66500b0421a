// A key of at most 15 bytes as two machine words, so that comparing, hashing and copying it needs
// neither a pointer nor a loop.
//
//   ShortKey key = PackShortKey("hello");
//   key.view() == "hello"
//
// In memory: the bytes of the key, zeros up to byte 15, and in byte 15 the length plus one. So the
// all-zero ShortKey is no key, and two keys are equal exactly when their words are.
#ifndef MILLRACE_MAPREDUCE_SHORT_KEY_H_
#define MILLRACE_MAPREDUCE_SHORT_KEY_H_

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

constexpr size_t kShortKeyBytes = 15;

struct ShortKey {
  uint64_t low = 0;
  uint64_t high = 0;

  bool empty_slot() const { return high == 0; }
  size_t size() const { return (high >> 56) - 1; }
  // Valid as long as this object; needs !empty_slot().
  std::string_view view() const { return {reinterpret_cast<const char*>(this), size()}; }

  friend bool operator==(const ShortKey& a, const ShortKey& b) {
    return a.low == b.low && a.high == b.high;
  }
};
static_assert(sizeof(ShortKey) == 16);

namespace short_key_internal {

// 16 bytes from kMask + 16 - n keep the first n bytes of a word pair.
alignas(32) inline constexpr unsigned char kMask[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

inline uint64_t LengthByte(size_t size) { return static_cast<uint64_t>(size + 1) << 56; }

}  // namespace short_key_internal

// Needs size <= kShortKeyBytes and 16 readable bytes at `data`, whatever the size.
inline ShortKey PackShortKeyWithSlack(const char* data, size_t size) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  const __m128i mask =
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(short_key_internal::kMask + 16 - size));
  const __m128i kept = _mm_and_si128(bytes, mask);
  ShortKey key;
  key.low = static_cast<uint64_t>(_mm_cvtsi128_si64(kept));
  key.high = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(kept, kept))) |
             short_key_internal::LengthByte(size);
  return key;
}

// The same, reading no byte outside [data, data + size). Needs size <= kShortKeyBytes.
inline ShortKey PackShortKey(std::string_view bytes) {
  const char* data = bytes.data();
  const size_t size = bytes.size();
  ShortKey key;
  if (size >= 8) {
    std::memcpy(&key.low, data, 8);
    uint64_t last;  // the last 8 bytes overlap the first ones; shift the overlap away
    std::memcpy(&last, data + size - 8, 8);
    if (size > 8) key.high = last >> (8 * (16 - size));
  } else if (size >= 4) {
    uint32_t first, last;
    std::memcpy(&first, data, 4);
    std::memcpy(&last, data + size - 4, 4);
    key.low = first | static_cast<uint64_t>(last) << (8 * (size - 4));
  } else {
    for (size_t i = 0; i < size; ++i) {
      key.low |= static_cast<uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
    }
  }
  key.high |= short_key_internal::LengthByte(size);
  return key;
}

// One 64 x 64 -> 128 bit multiplication, folded: cheap, and good in its top bits. It is not keyed:
// it spreads honest keys, and does not withstand someone who chooses keys to collide. Never
// changes: it chooses the parts of keys (HashPartitioner).
inline uint64_t HashShortKey(const ShortKey& key) {
  const unsigned __int128 product = static_cast<unsigned __int128>(key.low ^ 0x9e3779b97f4a7c15u) *
                                    (key.high ^ 0xd6e8feb86659fd93u);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_SHORT_KEY_H_
