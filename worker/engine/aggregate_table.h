// Folds (key, integer) pairs in memory: a pair of hash tables, then sorted into runs.
//
//   AggregateTable table(Aggregate::kSum, memory_bytes);
//   if (!table.AddShort(pairs, count)) { drain to a spill run, Clear, add again }
//   MILLRACE_RETURN_IF_ERROR(table.DrainTo({partitioner, partitions, &writer}));
//   table.Clear();
//
// Keys of at most 15 bytes lie in their slots; longer ones are a hash, a pointer and a size, with
// their bytes in an arena. Both tables probe linearly from the top bits of the hash, so growing and
// draining walk through memory in order, and what one hash partition has lies together. Adding
// works on batches: first the memory of all slots is asked for, then they are used.
//
// Memory: what the tables, the arena and the sort buffers have plus what the next growth would need
// (old and new table exist together) stays within the limit; beyond it, Add says no. Clear keeps
// the memory for the next task. One thread.
#ifndef MILLRACE_WORKER_ENGINE_AGGREGATE_TABLE_H_
#define MILLRACE_WORKER_ENGINE_AGGREGATE_TABLE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "mapreduce/emitter.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"
#include "mapreduce/partitioner.h"
#include "storage/run_writer.h"
#include "worker/engine/huge_buffer.h"
#include "worker/engine/key_arena.h"
#include "worker/engine/short_sort.h"
#include "worker/engine/string_sort.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

// What two folded values of one key fold to; counts have become sums by then.
inline int64_t FoldTotals(Aggregate kind, int64_t a, int64_t b) {
  switch (kind) {
    case Aggregate::kMin: return a < b ? a : b;
    case Aggregate::kMax: return a > b ? a : b;
    case Aggregate::kBitOr: return a | b;
    default: return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
}

class AggregateTable {
 public:
  AggregateTable(Aggregate kind, uint64_t memory_bytes);
  AggregateTable(const AggregateTable&) = delete;
  AggregateTable& operator=(const AggregateTable&) = delete;

  // Folds all pairs in, or none and returns false: then the table must be drained and cleared. An
  // empty table takes at least one batch of the emitter.
  bool AddShort(const ShortPair* pairs, int count);
  bool AddLong(const LongPair* pairs, int count);

  bool empty() const { return short_count_ + long_count_ == 0; }
  uint64_t distinct_keys() const { return short_count_ + long_count_; }

  // Where the keys go.
  struct Target {
    const Partitioner* partitioner = nullptr;  // null: as HashPartitioner
    uint32_t partitions = 1;
    RunWriter* writer = nullptr;
    Mapper* mapper = nullptr;    // turns totals into values; null: they stay numbers
    TaskHooks* hooks = nullptr;  // are told what is worked at; null: nobody is
  };

  // Adds every key with its total to the writer, partition by partition in key order. kAborted when
  // the partitioner answers out of range. Afterwards the table must be cleared.
  absl::Status DrainTo(const Target& target);

  // Forgets all keys; keeps the memory.
  void Clear();

  uint64_t memory_limit() const { return memory_limit_; }
  // Bytes in use, or kept for use.
  uint64_t memory_bytes() const;

 private:
  struct ShortSlot {
    ShortKey key;
    int64_t value;

    bool is_free() const { return key.empty_slot(); }
    std::string_view key_view() const { return key.view(); }
    uint64_t hash_of_key() const { return HashShortKey(key); }
    const void* memory() const { return this; }  // to ask for before it is needed
  };
  struct LongSlot {
    const char* data;
    uint64_t size;
    uint64_t hash;
    int64_t value;

    bool is_free() const { return data == nullptr; }
    std::string_view key_view() const { return {data, size}; }
    uint64_t hash_of_key() const { return hash; }
    const void* memory() const { return data; }
  };

  template <Aggregate kKind>
  void FoldShort(const ShortPair* pairs, int count);
  template <Aggregate kKind>
  void FoldLong(const LongPair* pairs, int count);
  template <Aggregate kKind>
  void FoldOneLong(const LongPair& pair);

  bool MakeRoomForShort(int count);
  bool MakeRoomForLong(const LongPair* pairs, int count);
  void GrowShort();
  void GrowLong();
  // What draining would need beyond the tables, if they held this many keys.
  uint64_t DrainBytes(uint64_t short_count, uint64_t long_count) const;
  bool FitsWith(uint64_t more_bytes, uint64_t short_count, uint64_t long_count) const;

  // A long key that was copied to lie beside the others of its partition.
  struct GatheredKey {
    int64_t value;
    uint64_t size;
    char bytes[];

    std::string_view key() const { return {bytes, size}; }
    static uint64_t BytesFor(uint64_t size) { return (sizeof(GatheredKey) + size + 7) / 8 * 8; }
  };
  const GatheredKey& gathered(uint64_t offset) const {
    return *reinterpret_cast<const GatheredKey*>(gathered_memory_.as<char>() + offset);
  }

  struct SlotRange;
  // The keys of one partition: short ones with their values, long ones with the beginning of the
  // key and where it was gathered.
  struct Elements {
    const ShortElement* begin;
    const ShortElement* end;
  };

  template <typename Slot, typename Visit>
  void VisitPartition(const Slot* slots, uint64_t mask, const SlotRange& range, uint32_t partition,
                      const Target& target, Visit visit);
  absl::Status ChoosePartitions(const Target& target);
  Elements SortPartition(uint32_t partition, const Target& target);
  void SortEqualBeginnings(ShortElement* begin, ShortElement* end);
  void WritePartition(uint32_t partition, const Elements& elements, const Target& target);
  template <typename Visit>
  void ForEachOf(const Elements& elements, Visit visit);

  const Aggregate kind_;
  const uint64_t memory_limit_;

  HugeBuffer short_memory_;
  ShortSlot* short_slots_;
  int short_shift_;  // 64 - log2(slots): the top bits of the hash are the index
  uint64_t short_mask_;
  uint64_t short_count_ = 0;
  uint64_t short_limit_;  // grow beyond this many keys

  HugeBuffer long_memory_;
  LongSlot* long_slots_;
  int long_shift_;
  uint64_t long_mask_;
  uint64_t long_count_ = 0;
  uint64_t long_limit_;
  KeyArena arena_;

  // Where a partitioner chooses, while draining: the partition of each key in table order, short
  // ones first; then the slots in the order of partitions, short ones first; and where each
  // partition begins there.
  HugeBuffer partition_memory_;
  HugeBuffer order_memory_;
  std::vector<uint64_t> short_begin_;
  std::vector<uint64_t> long_begin_;
  // The keys of one partition, while they are sorted. Long ones lie side by side: in the arena each
  // would be a cache miss, again and again.
  HugeBuffer sort_memory_;
  HugeBuffer gathered_memory_;
  HugeBuffer long_sort_memory_;  // those that agree in their first 15 bytes
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_AGGREGATE_TABLE_H_
