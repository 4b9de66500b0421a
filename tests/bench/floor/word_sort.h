// Sorts words into byte order: by radix from the first byte on while there are many, then by rank.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_SORT_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_SORT_H_

#include <algorithm>
#include <vector>

#include "tests/bench/floor/word_key.h"
#include "tests/bench/floor/word_table.h"

namespace floor_bench {

// A word in a sort: all of a short one, the address of a long one and that part of it by which it
// is sorted now.
class WordElement {
 public:
  WordElement() = default;
  WordElement(RawKey key, uint32_t value) : key(key), value_(value) {}
  explicit WordElement(const LongWord* word)
      : key(LoadKey(word->text().data(), word->length)),
        value_(reinterpret_cast<uint64_t>(word) | kIsLong) {}

  bool is_long() const { return (value_ & kIsLong) != 0; }
  const LongWord* long_word() const { return reinterpret_cast<const LongWord*>(value_ & ~kIsLong); }
  uint32_t short_value() const { return static_cast<uint32_t>(value_); }

  OrderedKey key;

 private:
  static constexpr uint64_t kIsLong = uint64_t{1} << 63;  // no address has it

  uint64_t value_;
};

class WordSorter {
 public:
  void Sort(WordElement* words, size_t count) {
    if (spare_.size() < count) spare_.resize(count);
    SortFrom(words, count, 0);
    SortLongOnes(words, count, kShortBytes);
  }

 private:
  static constexpr size_t kFew = 24;  // all pairs of so few are compared faster than moved by radix
  static constexpr int kKeyBytes = 16;
  static constexpr size_t kMaxDepth = 100 * kShortBytes;  // bounds the recursion

  static unsigned ByteOf(const OrderedKey& key, int index) {
    return static_cast<uint8_t>((index < 8 ? key.high : key.low) >> (56 - 8 * (index % 8)));
  }

  // All have the same first `byte` bytes.
  void SortFrom(WordElement* words, size_t count, int byte) {
    if (count <= kFew) return SortFew(words, count);
    if (byte == kKeyBytes) return;  // equal beginnings of long words
    uint32_t ends[256] = {};
    for (size_t i = 0; i < count; ++i) ++ends[ByteOf(words[i].key, byte)];
    if (ends[ByteOf(words[0].key, byte)] == count) return SortFrom(words, count, byte + 1);
    uint32_t sum = 0;
    for (uint32_t& end : ends) {
      const uint32_t size = end;
      end = sum;
      sum += size;
    }
    for (size_t i = 0; i < count; ++i) spare_[ends[ByteOf(words[i].key, byte)]++] = words[i];
    std::copy(spare_.begin(), spare_.begin() + static_cast<ptrdiff_t>(count), words);
    uint32_t begin = 0;
    for (const uint32_t end : ends) {
      if (end - begin > 1) SortFrom(words + begin, end - begin, byte + 1);
      begin = end;
    }
  }

  // Counts for each how many are before it: no branch that could be guessed wrong.
  static void SortFew(WordElement* words, size_t count) {
    WordElement copy[kFew];
    uint32_t ranks[kFew] = {};
    for (size_t i = 0; i < count; ++i) {
      copy[i] = words[i];
      const OrderedKey::Both key = words[i].key.both();
      uint32_t rank = 0;
      for (size_t j = 0; j < i; ++j) {
        const uint32_t after = key < copy[j].key.both();
        ranks[j] += after;
        rank += 1 - after;
      }
      ranks[i] = rank;
    }
    for (size_t i = 0; i < count; ++i) words[ranks[i]] = copy[i];
  }

  // Long words with the same beginning are sorted by the 15 bytes after it.
  void SortLongOnes(WordElement* words, size_t count, size_t depth) {
    for (size_t i = 0; i < count;) {
      size_t end = i + 1;
      if (words[i].key.is_long()) {
        while (end < count && words[end].key.both() == words[i].key.both()) ++end;
        if (end - i > 1) SortBehind(words + i, end - i, depth);
      }
      i = end;
    }
  }
  void SortBehind(WordElement* words, size_t count, size_t depth) {
    if (depth > kMaxDepth) return SortByText(words, count);
    for (size_t i = 0; i < count; ++i) {
      if (i + 8 < count) __builtin_prefetch(words[i + 8].long_word()->text().data() + depth);
      const std::string_view rest = words[i].long_word()->text().substr(depth);
      words[i].key = OrderedKey(LoadKey(rest.data(), rest.size()));
    }
    SortFrom(words, count, 0);
    SortLongOnes(words, count, depth + kShortBytes);
  }

  static void SortByText(WordElement* words, size_t count) {
    std::sort(words, words + count, [](const WordElement& a, const WordElement& b) {
      return a.long_word()->text() < b.long_word()->text();
    });
  }

  std::vector<WordElement> spare_;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_SORT_H_
