// Fixed records of 100 bytes and the order of their keys, the first 10 bytes of each.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_RECORD_SORT_H_
#define MILLRACE_TESTS_BENCH_FLOOR_RECORD_SORT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace floor_bench {

constexpr size_t kRecordBytes = 100;

// A key and the number of its record: all different, and equal keys stay in the order of numbers.
struct RecordElement {
  using Both = unsigned __int128;

  RecordElement() = default;
  RecordElement(const char* record, uint64_t number) : prefix(PrefixOf(record)) {
    uint16_t last;
    std::memcpy(&last, record + 8, sizeof(last));
    rest = static_cast<uint64_t>(__builtin_bswap16(last)) << 48 | number;
  }

  static uint64_t PrefixOf(const char* record) {
    uint64_t first;
    std::memcpy(&first, record, sizeof(first));
    return __builtin_bswap64(first);
  }
  uint64_t number() const { return rest & ((uint64_t{1} << 48) - 1); }
  Both both() const { return static_cast<Both>(prefix) << 64 | rest; }

  uint64_t prefix;
  uint64_t rest;
};

// Deals out prefixes between two bounds to buckets of equal width.
class Buckets {
 public:
  Buckets(uint64_t low, uint64_t high, int bits) : low_(low) {
    const uint64_t width = high - low;
    const int used = width == 0 ? 1 : 64 - __builtin_clzll(width);
    shift_ = std::max(0, used - bits);
  }
  size_t Of(const RecordElement& element) const { return (element.prefix - low_) >> shift_; }

 private:
  uint64_t low_;
  int shift_;
};

// Sorts elements by radix while there are many, then by rank.
class RecordSorter {
 public:
  void Sort(RecordElement* elements, size_t count) {
    if (count <= kFew) return SortFew(elements, count);
    uint64_t low = elements[0].prefix, high = low;
    for (size_t i = 1; i < count; ++i) {
      low = std::min(low, elements[i].prefix);
      high = std::max(high, elements[i].prefix);
    }
    if (low == high) return SortByRest(elements, count);
    Deal(Buckets(low, high, kBits), elements, count);
  }

 private:
  static constexpr size_t kFew = 20;
  static constexpr int kBits = 8;

  void Deal(const Buckets& buckets, RecordElement* elements, size_t count) {
    uint32_t ends[1 << kBits] = {};
    for (size_t i = 0; i < count; ++i) ++ends[buckets.Of(elements[i])];
    uint32_t sum = 0;
    for (uint32_t& end : ends) {
      const uint32_t size = end;
      end = sum;
      sum += size;
    }
    if (spare_.size() < count) spare_.resize(count);
    for (size_t i = 0; i < count; ++i) spare_[ends[buckets.Of(elements[i])]++] = elements[i];
    std::copy(spare_.begin(), spare_.begin() + static_cast<ptrdiff_t>(count), elements);
    uint32_t begin = 0;
    for (const uint32_t end : ends) {
      if (end - begin > 1) Sort(elements + begin, end - begin);
      begin = end;
    }
  }

  static void SortByRest(RecordElement* elements, size_t count) {
    std::sort(elements, elements + count,
              [](const RecordElement& a, const RecordElement& b) { return a.rest < b.rest; });
  }

  // Counts for each how many are before it: no branch that could be guessed wrong.
  static void SortFew(RecordElement* elements, size_t count) {
    RecordElement copy[kFew];
    uint32_t ranks[kFew];
    for (size_t i = 0; i < count; ++i) {
      copy[i] = elements[i];
      uint32_t rank = 0;
      for (size_t j = 0; j < i; ++j) {
        const uint32_t after = copy[i].both() < copy[j].both();
        ranks[j] += after;
        rank += 1 - after;
      }
      ranks[i] = rank;
    }
    for (size_t i = 0; i < count; ++i) elements[ranks[i]] = copy[i];
  }

  std::vector<RecordElement> spare_;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_RECORD_SORT_H_
