// Collects (key, value) pairs of byte strings, then writes them sorted into a run.
//
//   PairCollector collector(memory_bytes);
//   if (!collector.Add(partition, key, value)) { write a spill run, Clear, add again }
//   collector.WriteTo({partitions, combiner, &writer});
//
// Pairs lie in an arena, each with a 16-byte element to sort. Equal keys keep the order of Add. A
// combiner, if there is one, sees all values of a key that are in memory. One thread.
#ifndef MILLRACE_WORKER_ENGINE_PAIR_COLLECTOR_H_
#define MILLRACE_WORKER_ENGINE_PAIR_COLLECTOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/run_writer.h"
#include "worker/engine/combiner.h"
#include "worker/engine/huge_buffer.h"
#include "worker/engine/string_sort.h"

namespace millrace {

class PairCollector {
 public:
  // Room for a split of 64 MiB that is emitted as it is, in records of 100 bytes or more: it needs
  // no spill then. Beyond that a larger arena is not faster, for sorting it leaves the cache.
  static constexpr uint64_t kMaxMemoryBytes = 104 << 20;

  // Uses at most `memory_bytes`, and at most kMaxMemoryBytes.
  explicit PairCollector(uint64_t memory_bytes);
  PairCollector(const PairCollector&) = delete;
  PairCollector& operator=(const PairCollector&) = delete;

  // false: no room; write, clear and add again. An empty collector that still says no can never
  // hold the pair. Needs partition < 2^20.
  bool Add(uint32_t partition, std::string_view key, std::string_view value);

  bool empty() const { return count_ == 0; }

  // The largest pair that fits.
  uint64_t max_pair_bytes() const;

  // Where the pairs go.
  struct Target {
    uint32_t partitions = 1;
    Combiner* combiner = nullptr;  // null: none
    RunWriter* writer = nullptr;
    TaskHooks* hooks = nullptr;  // are told what is worked at; null: nobody is
    // If there are any, partitions are ranges: each after the first begins with one of these, in
    // ascending order. Then all pairs were added to partition 0, and are dealt out here.
    const std::vector<std::string>* split_keys = nullptr;
  };

  // Adds everything to the writer, sorted by (partition, key). Afterwards the collector must be
  // cleared. Errors are those of the writer and the combiner.
  void WriteTo(const Target& target);

  void Clear();

  uint64_t memory_bytes() const { return arena_.size() + elements_.size() + scratch_.size(); }

 private:
  class Group;

  std::string_view KeyAt(uint64_t position) const;
  std::string_view ValueAt(uint64_t position) const;
  // Both, as a run has them.
  std::string_view RecordAt(uint64_t position) const;
  void Prefetch(uint64_t position) const;
  void ScatterByPartition(uint32_t partitions);
  void WriteRanges(const Target& target);
  void WritePartition(uint32_t partition, const SortElement* begin, const SortElement* end,
                      const Target& target);
  void WriteSorted(const SortElement* begin, const SortElement* end, Combiner* combiner,
                   RunWriter* writer);

  const uint64_t memory_limit_;
  // Each is mapped at its largest possible size; only what is used gets memory.
  HugeBuffer arena_;
  HugeBuffer elements_;  // in order of Add: {prefix, partition and position}
  HugeBuffer scratch_;   // by partition: {prefix, position}
  uint64_t used_ = 0;    // bytes of the arena
  uint64_t count_ = 0;
  std::vector<uint64_t> begin_;  // of each partition in scratch_
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_PAIR_COLLECTOR_H_
