// An open-addressed array of slots, indexed by the top bits of the hash.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_HASH_SLOTS_H_
#define MILLRACE_TESTS_BENCH_FLOOR_HASH_SLOTS_H_

#include <cstdint>
#include <cstring>

#include "tests/bench/floor/processes.h"
#include "tests/bench/floor/word_key.h"

namespace floor_bench {

// `Slot` is plain, zero where it is free, and has is_free() and hash(). Growing and visiting go
// through memory in order, for the order of slots is that of hashes.
template <typename Slot>
class HashSlots {
 public:
  HashSlots() { Allocate(16); }

  Slot* Home(uint64_t hash) { return slots_ + (hash >> shift_); }
  Slot* Next(Slot* slot) { return ++slot == slots_ + size() ? slots_ : slot; }
  size_t size() const { return size_t{1} << (64 - shift_); }

  // Says that a free slot was filled; slots may move.
  void CountOne() {
    if (++used_ > limit_) Grow();
  }

  // Frees all slots and keeps the memory.
  void Clear() {
    if (used_ != 0) std::memset(static_cast<void*>(slots_), 0, size() * sizeof(Slot));
    used_ = 0;
  }

  // Calls visit(slot) for all of one partition: those at home in its range, which may have been
  // pushed out of it at its end.
  template <typename Visit>
  void ForEachOf(int partition, int partitions, Visit visit) {
    const size_t mask = size() - 1;
    const size_t begin = size() * static_cast<size_t>(partition) / partitions;
    const size_t end = size() * static_cast<size_t>(partition + 1) / partitions;
    for (size_t i = begin; i < begin + size(); ++i) {
      const Slot& slot = slots_[i & mask];
      __builtin_prefetch(slots_[(i + kAhead) & mask].memory());
      if (slot.is_free()) {
        if (i > end) break;
        continue;
      }
      if (PartitionOf(slot.hash(), partitions) == partition) visit(slot);
    }
  }

 private:
  static constexpr size_t kAhead = 16;

  void Allocate(int bits) {
    shift_ = 64 - bits;
    limit_ = size() / 8 * 5;  // a load at which searches are short
    slots_ = static_cast<Slot*>(HugeMemory(size() * sizeof(Slot)));
  }

  void Grow() {
    Slot* const old = slots_;
    const size_t old_size = size();
    Allocate(64 - shift_ + 1);
    for (size_t i = 0; i < old_size; ++i) {
      if (old[i].is_free()) continue;
      Slot* slot = Home(old[i].hash());
      while (!slot->is_free()) slot = Next(slot);
      *slot = old[i];
    }
    munmap(static_cast<void*>(old), old_size * sizeof(Slot));
  }

  Slot* slots_;
  int shift_;
  size_t used_ = 0;
  size_t limit_;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_HASH_SLOTS_H_
