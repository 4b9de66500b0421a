#include "mapreduce/byte_masks.h"

#include <algorithm>

namespace millrace {

size_t CountByte(std::string_view data, char wanted) {
  const __m128i pattern = _mm_set1_epi8(wanted);
  const __m128i zero = _mm_setzero_si128();
  size_t count = 0;
  size_t at = 0;
  while (data.size() - at >= 16) {
    // Each byte of `found` counts matches downwards from 0, so at most 255 steps before a sum.
    const size_t steps = std::min<size_t>(255, (data.size() - at) / 16);
    __m128i found = zero;
    for (size_t i = 0; i < steps; ++i, at += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data.data() + at));
      found = _mm_sub_epi8(found, _mm_cmpeq_epi8(bytes, pattern));
    }
    const __m128i sums = _mm_sad_epu8(found, zero);
    count += static_cast<size_t>(_mm_cvtsi128_si64(sums)) +
             static_cast<size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
  }
  return count + std::count(data.begin() + at, data.end(), wanted);
}

}  // namespace millrace
