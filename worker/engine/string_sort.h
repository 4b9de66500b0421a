// Sorts byte strings: MSD radix on the first 8 bytes, which lie in the elements themselves, then on
// the next 8, and so on; small groups by rank.
//
//   std::vector<SortElement> elements;              // {PrefixOf(key, 0), reference}
//   SortStrings(elements.data(), elements.size(), scratch, [&](uint64_t ref) { return Key(ref); });
//
// Byte order, shorter first; equal keys in ascending order of their references. `scratch` has room
// for as many elements. Recursion is bounded. Pure functions.
#ifndef MILLRACE_WORKER_ENGINE_STRING_SORT_H_
#define MILLRACE_WORKER_ENGINE_STRING_SORT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "worker/engine/rank_sort.h"

namespace millrace {

struct SortElement {
  uint64_t prefix;  // 8 bytes of the key, most significant first, zeros beyond its end
  uint64_t ref;     // finds the key; equal keys keep the order of their references
};

// The 8 bytes of `key` from `depth` on, as a SortElement has them.
inline uint64_t PrefixOf(std::string_view key, size_t depth) {
  if (key.size() >= depth + 8) {
    uint64_t bytes;
    std::memcpy(&bytes, key.data() + depth, sizeof(bytes));
    return __builtin_bswap64(bytes);
  }
  uint64_t prefix = 0;
  for (size_t i = depth; i < key.size(); ++i) {
    prefix |= static_cast<uint64_t>(static_cast<unsigned char>(key[i])) << (56 - 8 * (i - depth));
  }
  return prefix;
}

namespace string_sort_internal {

constexpr int kMaxRecursion = 64;  // about 2 KiB of stack each

template <typename KeyOf>
class StringSorter {
 public:
  StringSorter(SortElement* scratch, const KeyOf& key_of) : scratch_(scratch), key_of_(key_of) {}

  // All keys agree in their first `depth` bytes, and the prefixes are those at `depth`. The first
  // `digit` bytes of the prefixes are equal as well.
  void Sort(SortElement* begin, size_t count, size_t depth, int digit, int recursion) {
    for (;;) {
      if (recursion == kMaxRecursion) return SortByComparing(begin, count, depth);
      if (count <= kRankSortMax) return SortSmall(begin, count, depth, recursion);
      digit = FirstDifference(begin, count, digit);
      if (digit < 8) break;
      const size_t finished = BeginNextPrefix(begin, count, depth + 8);
      begin += finished;
      count -= finished;
      depth += 8;
      digit = 0;
    }
    uint32_t ends[256];
    Scatter(begin, count, digit, ends);
    size_t at = 0;
    for (const uint32_t end : ends) {
      if (end - at > 1) Sort(begin + at, end - at, depth, digit + 1, recursion + 1);
      at = end;
    }
  }

 private:
  // The first byte in which two prefixes differ; 8 if all are equal.
  static int FirstDifference(const SortElement* begin, size_t count, int digit) {
    if (digit == 8) return 8;
    const uint64_t first = begin->prefix;
    uint64_t difference = 0;
    for (size_t i = 1; i < count; ++i) {
      difference |= begin[i].prefix ^ first;
      if (difference >> (56 - 8 * digit) != 0) return digit;
    }
    return difference == 0 ? 8 : __builtin_clzll(difference) / 8;
  }

  // Stable counting sort by one byte of the prefix; ends[b] is where the group of byte b ends.
  void Scatter(SortElement* begin, size_t count, int digit, uint32_t* ends) {
    const int shift = 56 - 8 * digit;
    std::fill(ends, ends + 256, 0);
    for (size_t i = 0; i < count; ++i) ++ends[begin[i].prefix >> shift & 0xff];
    uint32_t start = 0;
    for (int b = 0; b < 256; ++b) start += std::exchange(ends[b], start);
    for (size_t i = 0; i < count; ++i) scratch_[ends[begin[i].prefix >> shift & 0xff]++] = begin[i];
    std::copy(scratch_, scratch_ + count, begin);
  }

  // All prefixes are equal and end at `depth`. What is left to sort gets those that begin there;
  // what is not lies in front of it. Returns how many those are.
  size_t BeginNextPrefix(SortElement* begin, size_t count, size_t depth) {
    const size_t finished = MoveFinishedToFront(begin, count, depth);
    for (size_t i = finished; i < count; ++i) {
      begin[i].prefix = PrefixOf(key_of_(begin[i].ref), depth);
    }
    return finished;
  }

  // Keys that end within the prefix (all of which are equal) come first, by size. Returns how many.
  size_t MoveFinishedToFront(SortElement* begin, size_t count, size_t end_of_prefix) {
    size_t finished = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
      if (key_of_(begin[i].ref).size() <= end_of_prefix) {
        begin[finished++] = begin[i];
      } else {
        scratch_[kept++] = begin[i];
      }
    }
    std::copy(scratch_, scratch_ + kept, begin + finished);
    const auto size_less = [this](const SortElement& a, const SortElement& b) {
      const size_t a_size = key_of_(a.ref).size();
      const size_t b_size = key_of_(b.ref).size();
      return a_size != b_size ? a_size < b_size : a.ref < b.ref;
    };
    // Nearly always they are one key, in order already.
    if (!std::is_sorted(begin, begin + finished, size_less)) {
      std::sort(begin, begin + finished, size_less);
    }
    return finished;
  }

  // By prefix first, in which few keys agree; those that do, by what follows.
  void SortSmall(SortElement* begin, size_t count, size_t depth, int recursion) {
    RankSort(begin, count, [](const SortElement& element) { return element.prefix; });
    for (size_t i = 0; i < count;) {
      size_t end = i + 1;
      while (end < count && begin[end].prefix == begin[i].prefix) ++end;
      if (end - i > 1) {
        const size_t finished = BeginNextPrefix(begin + i, end - i, depth + 8);
        Sort(begin + i + finished, end - i - finished, depth + 8, /*digit=*/0, recursion + 1);
      }
      i = end;
    }
  }

  void SortByComparing(SortElement* begin, size_t count, size_t depth) {
    std::sort(begin, begin + count, [this, depth](const SortElement& a, const SortElement& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const int order = key_of_(a.ref).substr(depth).compare(key_of_(b.ref).substr(depth));
      return order != 0 ? order < 0 : a.ref < b.ref;
    });
  }

  SortElement* const scratch_;
  const KeyOf& key_of_;
};

}  // namespace string_sort_internal

// `key_of(ref)` returns the key as std::string_view. Needs count < 2^32.
template <typename KeyOf>
void SortStrings(SortElement* elements, size_t count, SortElement* scratch, const KeyOf& key_of) {
  string_sort_internal::StringSorter<KeyOf> sorter(scratch, key_of);
  sorter.Sort(elements, count, /*depth=*/0, /*digit=*/0, /*recursion=*/0);
}

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_STRING_SORT_H_
