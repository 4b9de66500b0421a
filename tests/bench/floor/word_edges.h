// Where words begin and end in text, found 64 bytes at a time.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_EDGES_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_EDGES_H_

#include <emmintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace floor_bench {

// 0xff where first <= byte < first + count; SSE2 compares signed bytes only, hence the shift.
inline __m128i BytesInRange(__m128i bytes, unsigned char first, int count) {
  const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(first + 128)));
  return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(count - 128)));
}

// Words between ASCII white space.
struct Fields {
  static __m128i Separators(__m128i bytes) {
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')), BytesInRange(bytes, '\t', 5));
  }
  static bool IsSeparator(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
};

// Runs of ASCII letters.
struct Letters {
  static __m128i Separators(__m128i bytes) {
    const __m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    return _mm_xor_si128(BytesInRange(small, 'a', 26), _mm_set1_epi8(-1));
  }
  static bool IsSeparator(char c) { return (c | 0x20) < 'a' || (c | 0x20) > 'z'; }
};

template <typename Tokens>
inline uint64_t WordBytes(const char* block) {
  uint64_t separators = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(Tokens::Separators(bytes)));
    separators |= static_cast<uint64_t>(mask) << (16 * i);
  }
  return ~separators;
}

// Calls visit(edges, words) for all words of `text`, some hundred or thousand at a time: word i is
// text[edges[2 * i], edges[2 * i + 1]). `text` must be readable for 64 bytes more.
template <typename Tokens>
class WordEdges {
 public:
  template <typename Visit>
  void ForEach(std::string_view text, Visit visit) {
    count_ = 0;
    inside_ = 0;
    for (size_t begin = 0; begin < text.size(); begin += kPieceBytes) {
      Find(text, begin, std::min(text.size(), begin + kPieceBytes));
      visit(edges_, count_ / 2);
      if (count_ % 2 == 1) edges_[0] = edges_[count_ - 1];  // a word that goes on
      count_ %= 2;
    }
    if (count_ == 1) {
      edges_[1] = static_cast<uint32_t>(text.size());
      visit(edges_, 1);
    }
  }

 private:
  static constexpr size_t kPieceBytes = 8 << 10;
  static constexpr int kAtOnce = 16;  // edges that most blocks do not have more of

  void Find(std::string_view text, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += 64) {
      uint64_t words = WordBytes<Tokens>(text.data() + i);
      if (end - i < 64) words &= (uint64_t{1} << (end - i)) - 1;
      Write(words ^ (words << 1 | inside_), static_cast<uint32_t>(i));
      inside_ = words >> 63;
    }
  }

  // Writes more edges than there are, so that how many it were need not be guessed right.
  void Write(uint64_t bits, uint32_t base) {
    uint32_t* to = edges_ + count_;
    const int count = __builtin_popcountll(bits);
    count_ += static_cast<size_t>(count);
    for (int i = 0; i < kAtOnce; ++i) WriteOne(to + i, base, &bits);
    for (int i = kAtOnce; __builtin_expect(i < count, 0); ++i) WriteOne(to + i, base, &bits);
  }
  static void WriteOne(uint32_t* to, uint32_t base, uint64_t* bits) {
    *to = base + static_cast<uint32_t>(__builtin_ctzll(*bits | uint64_t{1} << 63));
    *bits &= *bits - 1;
  }

  uint32_t edges_[kPieceBytes + 2 + kAtOnce];
  size_t count_ = 0;
  uint64_t inside_ = 0;  // whether the last byte before was in a word
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_EDGES_H_
