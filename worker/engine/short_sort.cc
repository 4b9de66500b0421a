#include "worker/engine/short_sort.h"

#include <algorithm>
#include <utility>

#include "worker/engine/rank_sort.h"

namespace millrace {
namespace {

constexpr int kKeyBytes = 16;

unsigned ByteAt(const KeyOrder& order, int digit) {
  return digit < 8 ? order.high >> (56 - 8 * digit) & 0xff : order.low >> (120 - 8 * digit) & 0xff;
}

// The first byte, from `digit` on, in which two keys differ.
int FirstDifference(const ShortElement* begin, size_t count, int digit) {
  if (digit == kKeyBytes) return kKeyBytes;
  const KeyOrder first = begin->order;
  KeyOrder difference;
  for (size_t i = 1; i < count; ++i) {
    difference.high |= begin[i].order.high ^ first.high;
    difference.low |= begin[i].order.low ^ first.low;
    if (ByteAt(difference, digit) != 0) return digit;
  }
  if (difference.high != 0) return __builtin_clzll(difference.high) / 8;
  return difference.low != 0 ? 8 + __builtin_clzll(difference.low) / 8 : kKeyBytes;
}

// Stable counting sort by one byte; ends[b] is where the group of byte b ends.
template <typename Digit>
void Scatter(ShortElement* begin, size_t count, ShortElement* scratch, Digit digit_of,
             uint32_t* ends) {
  std::fill(ends, ends + 256, 0);
  for (size_t i = 0; i < count; ++i) ++ends[digit_of(begin[i])];
  uint32_t start = 0;
  for (int b = 0; b < 256; ++b) start += std::exchange(ends[b], start);
  for (size_t i = 0; i < count; ++i) scratch[ends[digit_of(begin[i])]++] = begin[i];
  std::copy(scratch, scratch + count, begin);
}

// All keys agree in their first `digit` bytes; so the recursion is at most 16 deep.
void SortFrom(ShortElement* begin, size_t count, ShortElement* scratch, int digit) {
  if (count <= kRankSortMax) {
    return RankSort(begin, count, [](const ShortElement& element) { return element.order; });
  }
  digit = FirstDifference(begin, count, digit);
  if (digit == kKeyBytes) return;  // equal keys
  uint32_t ends[256];
  if (digit < 8) {
    const int shift = 56 - 8 * digit;
    Scatter(
        begin, count, scratch,
        [shift](const ShortElement& e) { return e.order.high >> shift & 0xff; }, ends);
  } else {
    const int shift = 120 - 8 * digit;
    Scatter(
        begin, count, scratch,
        [shift](const ShortElement& e) { return e.order.low >> shift & 0xff; }, ends);
  }
  size_t at = 0;
  for (const uint32_t end : ends) {
    if (end - at > 1) SortFrom(begin + at, end - at, scratch, digit + 1);
    at = end;
  }
}

}  // namespace

void SortShort(ShortElement* elements, size_t count, ShortElement* scratch) {
  if (count > 1) SortFrom(elements, count, scratch, /*digit=*/0);
}

}  // namespace millrace
