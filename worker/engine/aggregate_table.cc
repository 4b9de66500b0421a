#include "worker/engine/aggregate_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "worker/engine/key_order.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace {
namespace {

// A new table has at most 4096 slots, or less when memory is that short; 64 take a batch.
int FirstSlotsLog2(uint64_t memory_bytes, size_t slot_bytes) {
  int log2 = 12;
  while (log2 > 6 && (slot_bytes << log2) > memory_bytes / 4) --log2;
  return log2;
}

constexpr uint64_t kArenaChunkShare = 32;
constexpr uint64_t kMaxArenaChunk = 4 << 20;

// Keys that a table of this many slots may have. Fuller, probes get long; emptier, the table leaves
// the cache.
constexpr uint64_t MaxKeys(uint64_t slots) { return slots / 8 * 5; }

template <Aggregate kKind>
int64_t First(int64_t value) {
  return kKind == Aggregate::kCount ? 1 : value;
}

template <Aggregate kKind>
void Fold(int64_t* total, int64_t value) {
  *total = FoldTotals(kKind, *total, First<kKind>(value));
}

// hash / 2^64 is a fraction of 1; its share of `parts` is the number of the part.
uint32_t PartOf(uint64_t hash, uint32_t parts) {
  return static_cast<uint32_t>(static_cast<unsigned __int128>(hash) * parts >> 64);
}

// Turns counts[p] into where the group of p begins; one more entry for the end.
void CountsToBegins(std::vector<uint64_t>* counts) {
  uint64_t begin = 0;
  for (uint64_t& entry : *counts) begin += std::exchange(entry, begin);
}

}  // namespace

AggregateTable::AggregateTable(Aggregate kind, uint64_t memory_bytes)
    : kind_(kind),
      memory_limit_(memory_bytes),
      arena_(std::clamp<uint64_t>(memory_bytes / kArenaChunkShare, 4 << 10, kMaxArenaChunk)) {
  const int slots_log2 = FirstSlotsLog2(memory_bytes, sizeof(ShortSlot) + sizeof(LongSlot));
  const uint64_t slots = uint64_t{1} << slots_log2;
  short_memory_ = HugeBuffer(slots * sizeof(ShortSlot));
  short_slots_ = short_memory_.as<ShortSlot>();
  short_shift_ = long_shift_ = 64 - slots_log2;
  short_mask_ = long_mask_ = slots - 1;
  short_limit_ = long_limit_ = MaxKeys(slots);
  long_memory_ = HugeBuffer(slots * sizeof(LongSlot));
  long_slots_ = long_memory_.as<LongSlot>();
}

// --- Adding ---

bool AggregateTable::AddShort(const ShortPair* pairs, int count) {
  if (!MakeRoomForShort(count)) return false;
  switch (kind_) {
    case Aggregate::kMin: FoldShort<Aggregate::kMin>(pairs, count); break;
    case Aggregate::kMax: FoldShort<Aggregate::kMax>(pairs, count); break;
    case Aggregate::kCount: FoldShort<Aggregate::kCount>(pairs, count); break;
    case Aggregate::kBitOr: FoldShort<Aggregate::kBitOr>(pairs, count); break;
    default: FoldShort<Aggregate::kSum>(pairs, count); break;
  }
  return true;
}

bool AggregateTable::AddLong(const LongPair* pairs, int count) {
  if (!MakeRoomForLong(pairs, count)) return false;
  switch (kind_) {
    case Aggregate::kMin: FoldLong<Aggregate::kMin>(pairs, count); break;
    case Aggregate::kMax: FoldLong<Aggregate::kMax>(pairs, count); break;
    case Aggregate::kCount: FoldLong<Aggregate::kCount>(pairs, count); break;
    case Aggregate::kBitOr: FoldLong<Aggregate::kBitOr>(pairs, count); break;
    default: FoldLong<Aggregate::kSum>(pairs, count); break;
  }
  return true;
}

template <Aggregate kKind>
void AggregateTable::FoldShort(const ShortPair* pairs, int count) {
  for (int i = 0; i < count; ++i) {
    __builtin_prefetch(&short_slots_[pairs[i].hash >> short_shift_], /*rw=*/1);
  }
  for (int i = 0; i < count; ++i) {
    const ShortPair& pair = pairs[i];
    uint64_t at = pair.hash >> short_shift_;
    while (!(short_slots_[at].key == pair.key) && !short_slots_[at].key.empty_slot()) {
      at = (at + 1) & short_mask_;
    }
    ShortSlot& slot = short_slots_[at];
    if (slot.key.empty_slot()) {
      slot = {pair.key, First<kKind>(pair.value)};
      ++short_count_;
    } else {
      Fold<kKind>(&slot.value, pair.value);
    }
  }
}

template <Aggregate kKind>
void AggregateTable::FoldLong(const LongPair* pairs, int count) {
  for (int i = 0; i < count; ++i) {
    __builtin_prefetch(&long_slots_[pairs[i].hash >> long_shift_], /*rw=*/1);
  }
  for (int i = 0; i < count; ++i) {  // most are where the hash says: fetch their bytes, too
    const LongSlot& slot = long_slots_[pairs[i].hash >> long_shift_];
    if (slot.hash == pairs[i].hash) __builtin_prefetch(slot.data);
  }
  for (int i = 0; i < count; ++i) FoldOneLong<kKind>(pairs[i]);
}

template <Aggregate kKind>
void AggregateTable::FoldOneLong(const LongPair& pair) {
  for (uint64_t at = pair.hash >> long_shift_;; at = (at + 1) & long_mask_) {
    LongSlot& slot = long_slots_[at];
    if (slot.data == nullptr) {
      slot = {arena_.Copy(pair.key()), pair.size, pair.hash, First<kKind>(pair.value)};
      ++long_count_;
      return;
    }
    if (slot.hash == pair.hash && slot.key() == pair.key()) {
      return Fold<kKind>(&slot.value, pair.value);
    }
  }
}

// --- Room ---

uint64_t AggregateTable::DrainBytes(uint64_t short_count, uint64_t long_count) const {
  // All long keys might be in one partition, and then all are gathered at once.
  return (short_count + 2 * long_count) * sizeof(uint32_t) + short_count * sizeof(ShortElement) +
         long_count * (2 * sizeof(SortElement) + GatheredKey::BytesFor(1)) + arena_.used_bytes();
}

uint64_t AggregateTable::memory_bytes() const {
  return short_memory_.size() + long_memory_.size() + arena_.memory_bytes() +
         partition_memory_.size() + short_sort_memory_.size() + long_order_memory_.size() +
         gathered_memory_.size() + long_sort_memory_.size();
}

bool AggregateTable::FitsWith(uint64_t more_bytes, uint64_t short_count,
                              uint64_t long_count) const {
  const uint64_t tables = short_memory_.size() + long_memory_.size() + arena_.memory_bytes();
  const uint64_t kept = memory_bytes() - tables;
  return tables + more_bytes + std::max(kept, DrainBytes(short_count, long_count)) <= memory_limit_;
}

bool AggregateTable::MakeRoomForShort(int count) {
  while (__builtin_expect(short_count_ + count > short_limit_, 0)) {
    if (!FitsWith(2 * short_memory_.size(), 2 * short_limit_, long_limit_) && !empty()) {
      return false;
    }
    GrowShort();
  }
  return true;
}

bool AggregateTable::MakeRoomForLong(const LongPair* pairs, int count) {
  uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += pairs[i].size;
  const uint64_t arena_growth = arena_.BytesToGrow(bytes);
  if (arena_growth > 0 && !FitsWith(arena_growth, short_limit_, long_limit_) && !empty()) {
    return false;
  }
  while (__builtin_expect(long_count_ + count > long_limit_, 0)) {
    if (!FitsWith(arena_growth + 2 * long_memory_.size(), short_limit_, 2 * long_limit_) &&
        !empty()) {
      return false;
    }
    GrowLong();
  }
  return true;
}

void AggregateTable::GrowShort() {
  const HugeBuffer old_memory = std::move(short_memory_);
  const ShortSlot* const old_slots = short_slots_;
  const uint64_t old_count = short_mask_ + 1;
  short_memory_ = HugeBuffer(2 * old_count * sizeof(ShortSlot));
  short_slots_ = short_memory_.as<ShortSlot>();
  short_mask_ = 2 * old_count - 1;
  short_limit_ = MaxKeys(2 * old_count);
  --short_shift_;
  for (uint64_t i = 0; i < old_count; ++i) {
    if (old_slots[i].key.empty_slot()) continue;
    uint64_t at = HashShortKey(old_slots[i].key) >> short_shift_;
    while (!short_slots_[at].key.empty_slot()) at = (at + 1) & short_mask_;
    short_slots_[at] = old_slots[i];
  }
}

void AggregateTable::GrowLong() {
  const HugeBuffer old_memory = std::move(long_memory_);
  const LongSlot* const old_slots = long_slots_;
  const uint64_t old_count = long_mask_ + 1;
  long_memory_ = HugeBuffer(2 * old_count * sizeof(LongSlot));
  long_slots_ = long_memory_.as<LongSlot>();
  long_mask_ = 2 * old_count - 1;
  long_limit_ = MaxKeys(2 * old_count);
  --long_shift_;
  for (uint64_t i = 0; i < old_count; ++i) {
    if (old_slots[i].data == nullptr) continue;
    uint64_t at = old_slots[i].hash >> long_shift_;
    while (long_slots_[at].data != nullptr) at = (at + 1) & long_mask_;
    long_slots_[at] = old_slots[i];
  }
}

void AggregateTable::Clear() {
  if (short_count_ > 0) std::fill_n(short_slots_, short_mask_ + 1, ShortSlot());
  if (long_count_ > 0) std::fill_n(long_slots_, long_mask_ + 1, LongSlot());
  short_count_ = long_count_ = 0;
  arena_.Clear();
}

// --- Draining ---

absl::Status AggregateTable::ChoosePartitions(const Target& target) {
  const Partitioner* const partitioner = target.partitioner;
  const uint32_t partitions = target.partitions;
  partition_memory_.EnsureSize(distinct_keys() * sizeof(uint32_t));
  uint32_t* next = partition_memory_.as<uint32_t>();
  short_begin_.assign(partitions + 1, 0);
  long_begin_.assign(partitions + 1, 0);
  std::vector<uint64_t> gathered(partitions, 0);
  uint32_t worst = 0;
  const auto choose = [&](std::string_view key, uint64_t hash) {
    const uint32_t p =
        partitioner == nullptr ? PartOf(hash, partitions) : partitioner->Partition(key, partitions);
    worst = std::max(worst, p);
    *next++ = p;
    return std::min(p, partitions - 1);
  };
  for (uint64_t i = 0; i <= short_mask_; ++i) {
    if (short_slots_[i].key.empty_slot()) continue;
    const std::string_view key = short_slots_[i].key.view();
    ++short_begin_[choose(key, XXH3_64bits(key.data(), key.size()))];
  }
  for (uint64_t i = 0; i <= long_mask_; ++i) {
    if (long_slots_[i].data == nullptr) continue;
    const uint32_t p = choose(long_slots_[i].key(), long_slots_[i].hash);
    ++long_begin_[p];
    gathered[p] += GatheredKey::BytesFor(long_slots_[i].size);
  }
  gathered_bytes_ = *std::max_element(gathered.begin(), gathered.end());
  if (worst >= partitions) {
    return absl::AbortedError(absl::StrCat("the job's partitioner returned part ", worst, " of ",
                                           partitions, "; it must be less"));
  }
  CountsToBegins(&short_begin_);
  CountsToBegins(&long_begin_);
  return absl::OkStatus();
}

void AggregateTable::ScatterShort() {
  short_sort_memory_.EnsureSize(short_count_ * sizeof(ShortElement));
  ShortElement* const elements = short_sort_memory_.as<ShortElement>();
  const uint32_t* partition = partition_memory_.as<uint32_t>();
  for (uint64_t i = 0; i <= short_mask_; ++i) {
    const ShortSlot& slot = short_slots_[i];
    if (!slot.key.empty_slot()) {
      elements[short_begin_[*partition++]++] = {KeyOrderOf(slot.key), slot.value};
    }
  }
}

void AggregateTable::ScatterLong() {
  long_order_memory_.EnsureSize(long_count_ * sizeof(uint32_t));
  uint32_t* const order = long_order_memory_.as<uint32_t>();
  const uint32_t* partition = partition_memory_.as<uint32_t>() + short_count_;
  for (uint64_t i = 0; i <= long_mask_; ++i) {
    if (long_slots_[i].data != nullptr) {
      order[long_begin_[*partition++]++] = static_cast<uint32_t>(i);
    }
  }
}

SortElement* AggregateTable::GatherLong(const uint32_t* begin, const uint32_t* end) {
  constexpr ptrdiff_t kAhead = 12;  // keys to ask for before they are needed
  gathered_memory_.EnsureSize(gathered_bytes_);
  long_sort_memory_.EnsureSize(2 * static_cast<size_t>(end - begin) * sizeof(SortElement));
  SortElement* const elements = long_sort_memory_.as<SortElement>();
  SortElement* next = elements;
  uint64_t offset = 0;
  for (const uint32_t* at = begin; at != end; ++at) {
    if (end - at > kAhead) __builtin_prefetch(long_slots_[at[kAhead]].data);
    const LongSlot& slot = long_slots_[*at];
    auto* copy = reinterpret_cast<GatheredKey*>(gathered_memory_.as<char>() + offset);
    copy->value = slot.value;
    copy->size = slot.size;
    std::memcpy(copy->bytes, slot.data, slot.size);
    *next++ = {PrefixOf(slot.key(), 0), offset};
    offset += GatheredKey::BytesFor(slot.size);
  }
  SortStrings(elements, next - elements, next,
              [this](uint64_t ref) { return gathered(ref).key(); });
  return elements;
}

absl::Status AggregateTable::DrainTo(const Target& target) {
  MILLRACE_RETURN_IF_ERROR(ChoosePartitions(target));
  ScatterShort();
  ScatterLong();
  const RunWriter& writer = *target.writer;
  for (uint32_t p = 0; p < target.partitions && writer.status().ok(); ++p) {
    if (target.hooks != nullptr) target.hooks->Work(WorkPhase::kSort);
    WritePartition(p, target);
  }
  return writer.status();
}

void AggregateTable::WritePartition(uint32_t partition, const Target& target) {
  RunWriter* const writer = target.writer;
  writer->BeginPartition(partition);
  if (Mapper* const mapper = target.mapper; mapper != nullptr) {
    WriteInOrder(partition, target.hooks, [writer, mapper](std::string_view key, int64_t total) {
      writer->Add(key, mapper->ValueOfTotal(total));
    });
  } else {
    WriteInOrder(partition, target.hooks, [writer, mapper](std::string_view key, int64_t total) {
      writer->Add(key, total);
    });
  }
}

// Calls add(key, total) for each key of the partition.
template <typename Add>
void AggregateTable::WriteInOrder(uint32_t partition, TaskHooks* hooks, Add&& add) {
  // Scattering has moved each beginning to the beginning of the next partition.
  const uint64_t short_begin = partition == 0 ? 0 : short_begin_[partition - 1];
  const uint64_t long_begin = partition == 0 ? 0 : long_begin_[partition - 1];
  ShortElement* next_short = short_sort_memory_.as<ShortElement>() + short_begin;
  ShortElement* const short_end = short_sort_memory_.as<ShortElement>() + short_begin_[partition];
  // The slots of the short table have been copied, so its memory is free for the sort.
  SortShort(next_short, short_end - next_short, short_memory_.as<ShortElement>());
  const uint32_t* const order = long_order_memory_.as<uint32_t>();
  const SortElement* next_long = GatherLong(order + long_begin, order + long_begin_[partition]);
  const SortElement* const long_end = next_long + (long_begin_[partition] - long_begin);
  if (hooks != nullptr) hooks->Work(WorkPhase::kSpill);

  const auto add_short_until = [&](const KeyOrder& limit) {
    for (; next_short != short_end && next_short->order < limit; ++next_short) {
      const ShortKey key = ShortKeyOf(next_short->order);
      add(key.view(), next_short->value);
    }
  };
  for (; next_long != long_end; ++next_long) {
    const GatheredKey& key = gathered(next_long->ref);
    add_short_until(KeyOrderOf(key.key()));
    add(key.key(), key.value);
  }
  add_short_until({~uint64_t{0}, ~uint64_t{0}});
}

}  // namespace millrace
