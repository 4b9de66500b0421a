// Text in blocks of 64 bytes, each looked at as a 64-bit mask: bit i says something about byte i.
//
// SSE2 only, which every x86-64 has. The walks over words, lines and letters are built from these.
#ifndef MILLRACE_MAPREDUCE_BYTE_MASKS_H_
#define MILLRACE_MAPREDUCE_BYTE_MASKS_H_

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

constexpr size_t kMaskBytes = 64;

namespace byte_masks_internal {

template <typename Test>  // __m128i(__m128i): 0xff in each byte that passes
inline uint64_t MaskOf(const char* block, Test test) {
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(test(bytes))))
            << (16 * i);
  }
  return mask;
}

// 0xff where first <= byte < first + count, as unsigned bytes: shifts the range to the bottom of
// the signed bytes, which is all that SSE2 can compare.
inline __m128i InRange(__m128i bytes, unsigned char first, int count) {
  const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(first + 128)));
  return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(count - 128)));
}

}  // namespace byte_masks_internal

// Bytes equal to `wanted`.
inline uint64_t MaskOfByte(const char* block, char wanted) {
  const __m128i pattern = _mm_set1_epi8(wanted);
  return byte_masks_internal::MaskOf(
      block, [pattern](__m128i bytes) { return _mm_cmpeq_epi8(bytes, pattern); });
}

// Bytes that are not ASCII white space (space, \t \n \v \f \r).
inline uint64_t MaskOfWordBytes(const char* block) {
  const __m128i space = _mm_set1_epi8(' ');
  return ~byte_masks_internal::MaskOf(block, [space](__m128i bytes) {
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, space), byte_masks_internal::InRange(bytes, '\t', 5));
  });
}

// A-Z and a-z.
inline uint64_t MaskOfAsciiLetters(const char* block) {
  const __m128i lower_case_bit = _mm_set1_epi8(0x20);
  return byte_masks_internal::MaskOf(block, [lower_case_bit](__m128i bytes) {
    return byte_masks_internal::InRange(_mm_or_si128(bytes, lower_case_bit), 'a', 26);
  });
}

// Bytes from 0x80 up.
inline uint64_t MaskOfNonAscii(const char* block) {
  return byte_masks_internal::MaskOf(block, [](__m128i bytes) { return bytes; });
}

// How many times `wanted` occurs.
size_t CountByte(std::string_view data, char wanted);

// Calls visit(const char* block, const char* readable, size_t size) for each block of 64 bytes of
// `data` and for the rest. `readable` has the same bytes and 64 of them in any case: for a rest it
// is a copy padded with `padding`, so that nothing outside `data` is read.
template <typename Visit>
inline void ForEachBlock(std::string_view data, char padding, Visit&& visit) {
  const char* block = data.data();
  const char* const end = block + data.size();
  char rest[kMaskBytes];
  while (block != end) {
    const size_t left = static_cast<size_t>(end - block);
    const char* readable = block;
    if (left < kMaskBytes) {
      std::memset(rest, padding, sizeof(rest));
      std::memcpy(rest, block, left);
      readable = rest;
    }
    const size_t size = left < kMaskBytes ? left : kMaskBytes;
    visit(block, readable, size);
    block += size;
  }
}

// Calls f(std::string_view) for each maximal run of bytes that mask_of(readable, block, size) marks
// in its blocks, and mark(const char* block) before the runs that begin in a block.
template <typename MaskOf, typename F, typename Mark>
inline void ForEachRun(std::string_view data, char padding, MaskOf&& mask_of, F&& f, Mark&& mark) {
  const char* open = nullptr;  // where the run began that is not over yet
  uint64_t last_bit = 0;       // whether the block before ended inside a run
  ForEachBlock(data, padding, [&](const char* block, const char* readable, size_t size) {
    mark(block);
    const uint64_t mask = mask_of(readable, block, size);
    // A bit here is the first byte of a run, or the first byte after one; they take turns.
    uint64_t edges = mask ^ (mask << 1 | last_bit);
    last_bit = mask >> 63;
    while (edges != 0) {
      const char* edge = block + __builtin_ctzll(edges);
      edges &= edges - 1;
      if (open == nullptr) {
        open = edge;
        if (edges == 0) break;
        edge = block + __builtin_ctzll(edges);
        edges &= edges - 1;
      }
      f(std::string_view(open, static_cast<size_t>(edge - open)));
      open = nullptr;
    }
  });
  if (open != nullptr) {
    f(std::string_view(open, static_cast<size_t>(data.data() + data.size() - open)));
  }
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_BYTE_MASKS_H_
