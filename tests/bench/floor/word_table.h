// Words with a 32-bit value each, as one map task collects them.
//
// Two tables: words of at most 15 bytes lie in their slots; of longer ones a slot has the hash and
// where word and value are. The tables are larger than the L2 cache, and one miss takes as long as
// ten lookups: so words wait in queues while the memory of their slots is on its way.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_TABLE_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_TABLE_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string_view>

#include "tests/bench/floor/hash_slots.h"
#include "tests/bench/floor/run_file.h"
#include "tests/bench/floor/word_key.h"

namespace floor_bench {

struct LongWord {
  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), length}; }

  uint32_t value;
  uint32_t length;
  // The bytes follow, and at least kReadableBytes that may be read.
};

struct ShortSlot {
  bool is_free() const { return key.second == 0; }  // its last byte is the length
  uint64_t hash() const { return HashOf(key); }
  const void* memory() const { return this; }

  RawKey key;
  uint64_t value;
};

struct LongSlot {
  bool is_free() const { return word == nullptr; }
  uint64_t hash() const { return stored_hash; }
  const void* memory() const { return word; }

  uint64_t stored_hash;
  LongWord* word;
};

// Memory for long words; all of it is given back at once.
class WordArena {
 public:
  LongWord* Add(std::string_view text) {
    const size_t size = (sizeof(LongWord) + text.size() + 7) / 8 * 8;
    if (used_ + size + kReadableBytes > size_) NextBlock(size + kReadableBytes);
    auto* word = reinterpret_cast<LongWord*>(blocks_[block_] + used_);
    used_ += size;
    word->value = 0;
    word->length = static_cast<uint32_t>(text.size());
    std::memcpy(static_cast<void*>(word + 1), text.data(), text.size());
    return word;
  }
  void Clear() {
    block_ = -1;
    used_ = size_ = 0;
  }

 private:
  static constexpr size_t kBlockSize = 32 << 20;

  void NextBlock(size_t least) {
    ++block_;
    used_ = 0;
    size_ = std::max(least, kBlockSize);
    if (size_ == kBlockSize && block_ < static_cast<int>(blocks_.size())) return;
    blocks_.insert(blocks_.begin() + block_, static_cast<char*>(HugeMemory(size_)));
  }

  std::vector<char*> blocks_;
  int block_ = -1;
  size_t used_ = 0;
  size_t size_ = 0;
};

// Fold: static void Add(Value* value, uint32_t more), where *value is 0 at first.
template <typename Fold>
class WordTable {
 public:
  // Adds `value` to the words text[edges[2 * i], edges[2 * i + 1]); 16 bytes must be readable at
  // each.
  void AddAll(const char* text, const uint32_t* edges, size_t words, uint32_t value) {
    for (size_t i = 0; i < words; ++i) {
      const char* word = text + edges[2 * i];
      const size_t length = edges[2 * i + 1] - edges[2 * i];
      if (__builtin_expect(length <= kShortBytes, 1)) {
        QueueShort(LoadKey(word, length), value);
      } else {
        QueueLong({word, length}, value);
      }
    }
    FinishShort(value);
    AddLong(value);
  }

  // Calls short_word(key, value) and long_word(word) for those of one partition, in no order.
  template <typename OnShort, typename OnLong>
  void ForEachOf(int partition, int partitions, OnShort short_word, OnLong long_word) {
    short_.ForEachOf(partition, partitions,
                     [&](const ShortSlot& slot) { short_word(slot.key, slot.value); });
    long_.ForEachOf(partition, partitions, [&](const LongSlot& slot) { long_word(slot.word); });
  }

  void Clear() {
    short_.Clear();
    long_.Clear();
    arena_.Clear();
  }

 private:
  static constexpr size_t kShortQueue = 32;
  static constexpr size_t kLongBatch = 16;

  struct QueuedShort {
    bool is_free() const { return key.second == 0; }

    RawKey key;
    uint64_t hash;
  };
  struct QueuedLong {
    std::string_view text;
    uint64_t hash;
  };

  // Puts a word in the place of the one that waited longest, which is added.
  void QueueShort(RawKey key, uint32_t value) {
    QueuedShort& oldest = shorts_[short_turn_++ % kShortQueue];
    if (!oldest.is_free()) AddShort(oldest, value);
    oldest = {key, HashOf(key)};
    __builtin_prefetch(short_.Home(oldest.hash), 1);
  }

  void FinishShort(uint32_t value) {
    for (QueuedShort& queued : shorts_) {
      if (!queued.is_free()) AddShort(queued, value);
      queued = {};
    }
  }

  void AddShort(const QueuedShort& queued, uint32_t value) {
    ShortSlot* slot = short_.Home(queued.hash);
    while (slot->key.first != queued.key.first || slot->key.second != queued.key.second) {
      if (slot->is_free()) {
        slot->key = queued.key;
        Fold::Add(&slot->value, value);
        short_.CountOne();
        return;
      }
      slot = short_.Next(slot);
    }
    Fold::Add(&slot->value, value);
  }

  void QueueLong(std::string_view text, uint32_t value) {
    longs_[long_count_++] = {text, 0};
    if (long_count_ == kLongBatch) AddLong(value);
  }

  // In three steps over a batch: the slots, the words they point to, the comparisons.
  void AddLong(uint32_t value) {
    for (size_t i = 0; i < long_count_; ++i) {
      longs_[i].hash = XXH3_64bits(longs_[i].text.data(), longs_[i].text.size());
      __builtin_prefetch(long_.Home(longs_[i].hash), 1);
    }
    for (size_t i = 0; i < long_count_; ++i) {  // most are found at home
      __builtin_prefetch(long_.Home(longs_[i].hash)->word, 1);
    }
    for (size_t i = 0; i < long_count_; ++i) {
      Fold::Add(&FindOrAdd(longs_[i].text, longs_[i].hash)->value, value);
    }
    long_count_ = 0;
  }

  LongWord* FindOrAdd(std::string_view text, uint64_t hash) {
    LongSlot* slot = long_.Home(hash);
    for (; !slot->is_free(); slot = long_.Next(slot)) {
      if (slot->stored_hash == hash && slot->word->text() == text) return slot->word;
    }
    LongWord* const word = arena_.Add(text);
    *slot = {hash, word};
    long_.CountOne();  // may move the slots
    return word;
  }

  HashSlots<ShortSlot> short_;
  HashSlots<LongSlot> long_;
  WordArena arena_;
  QueuedShort shorts_[kShortQueue] = {};
  QueuedLong longs_[kLongBatch];
  size_t short_turn_ = 0;
  size_t long_count_ = 0;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_TABLE_H_
