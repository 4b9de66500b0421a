#include "worker/engine/aggregate_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "worker/engine/key_order.h"

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
void CountsToBegins(uint64_t begin, std::vector<uint64_t>* counts) {
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
    while (!(short_slots_[at].key == pair.key) && !short_slots_[at].is_free()) {
      at = (at + 1) & short_mask_;
    }
    ShortSlot& slot = short_slots_[at];
    if (slot.is_free()) {
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
    if (slot.is_free()) {
      slot = {arena_.Copy(pair.key()), pair.size, pair.hash, First<kKind>(pair.value)};
      ++long_count_;
      return;
    }
    if (slot.hash == pair.hash && slot.key_view() == pair.key()) {
      return Fold<kKind>(&slot.value, pair.value);
    }
  }
}

// --- Room ---

uint64_t AggregateTable::DrainBytes(uint64_t short_count, uint64_t long_count) const {
  // All keys might be in one partition, and are sorted at once then.
  const uint64_t keys = short_count + long_count;
  return keys * (2 * sizeof(uint32_t) + 2 * sizeof(ShortElement)) +
         long_count * (2 * sizeof(SortElement) + GatheredKey::BytesFor(1)) + arena_.used_bytes();
}

uint64_t AggregateTable::memory_bytes() const {
  return short_memory_.size() + long_memory_.size() + arena_.memory_bytes() +
         partition_memory_.size() + order_memory_.size() + sort_memory_.size() +
         long_sort_memory_.size() + gathered_memory_.size();
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
    if (old_slots[i].is_free()) continue;
    uint64_t at = old_slots[i].hash_of_key() >> short_shift_;
    while (!short_slots_[at].is_free()) at = (at + 1) & short_mask_;
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
    if (old_slots[i].is_free()) continue;
    uint64_t at = old_slots[i].hash >> long_shift_;
    while (!long_slots_[at].is_free()) at = (at + 1) & long_mask_;
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

// Of a table in which what one hash partition has lies together: slots lie in the order of hashes,
// and partitions are ranges of hashes. Keys at the end of a range may have been pushed beyond it by
// others: up to the first free slot.
struct AggregateTable::SlotRange {
  uint64_t begin;
  uint64_t end;  // may be beyond the table's end, where it goes on at its beginning

  template <typename Slot>
  static SlotRange Of(const Slot* slots, uint64_t mask, uint32_t partition, uint32_t partitions) {
    const auto first_of = [mask, partitions](uint32_t p) {
      return static_cast<uint64_t>(static_cast<unsigned __int128>(mask + 1) * p / partitions);
    };
    SlotRange range = {first_of(partition), first_of(partition + 1)};
    while (range.end <= range.begin + mask && !slots[range.end & mask].is_free()) ++range.end;
    return range;
  }
};

// Calls visit(slot) for all keys of a partition, which is a range of the table or, where a
// partitioner chooses, a list of slots.
template <typename Slot, typename Visit>
void AggregateTable::VisitPartition(const Slot* slots, uint64_t mask, const SlotRange& range,
                                    uint32_t partition, const Target& target, Visit visit) {
  constexpr uint64_t kAhead = 16;  // keys to ask for before they are needed
  if (target.partitioner == nullptr) {
    for (uint64_t i = range.begin; i < range.end; ++i) {
      const Slot& slot = slots[i & mask];
      __builtin_prefetch(slots[(i + kAhead) & mask].memory());
      if (!slot.is_free() && PartOf(slot.hash_of_key(), target.partitions) == partition) {
        visit(slot);
      }
    }
  } else {
    const uint32_t* const order = order_memory_.as<uint32_t>();
    for (uint64_t i = range.begin; i < range.end; ++i) {
      if (i + kAhead < range.end) __builtin_prefetch(slots[order[i + kAhead]].memory());
      visit(slots[order[i]]);
    }
  }
}

// Asks the partitioner, and puts the slots of both tables in the order of their partitions.
absl::Status AggregateTable::ChoosePartitions(const Target& target) {
  partition_memory_.EnsureSize(distinct_keys() * sizeof(uint32_t));
  uint32_t* const chosen = partition_memory_.as<uint32_t>();
  uint32_t* next = chosen;
  short_begin_.assign(target.partitions + 1, 0);
  long_begin_.assign(target.partitions + 1, 0);
  uint32_t worst = 0;
  const auto choose = [&](std::string_view key, std::vector<uint64_t>* counts) {
    *next = target.partitioner->Partition(key, target.partitions);
    worst = std::max(worst, *next);
    ++(*counts)[std::min(*next++, target.partitions - 1)];
  };
  for (uint64_t i = 0; i <= short_mask_; ++i) {
    if (!short_slots_[i].is_free()) choose(short_slots_[i].key_view(), &short_begin_);
  }
  for (uint64_t i = 0; i <= long_mask_; ++i) {
    if (!long_slots_[i].is_free()) choose(long_slots_[i].key_view(), &long_begin_);
  }
  if (worst >= target.partitions) {
    return absl::AbortedError(absl::StrCat("the job's partitioner returned part ", worst, " of ",
                                           target.partitions, "; it must be less"));
  }
  CountsToBegins(0, &short_begin_);
  CountsToBegins(short_count_, &long_begin_);

  order_memory_.EnsureSize(distinct_keys() * sizeof(uint32_t));
  uint32_t* const order = order_memory_.as<uint32_t>();
  next = chosen;
  std::vector<uint64_t> at = short_begin_;
  for (uint64_t i = 0; i <= short_mask_; ++i) {
    if (!short_slots_[i].is_free()) order[at[*next++]++] = static_cast<uint32_t>(i);
  }
  at = long_begin_;
  for (uint64_t i = 0; i <= long_mask_; ++i) {
    if (!long_slots_[i].is_free()) order[at[*next++]++] = static_cast<uint32_t>(i);
  }
  return absl::OkStatus();
}

absl::Status AggregateTable::DrainTo(const Target& target) {
  if (target.partitioner != nullptr) MILLRACE_RETURN_IF_ERROR(ChoosePartitions(target));
  const RunWriter& writer = *target.writer;
  for (uint32_t p = 0; p < target.partitions && writer.status().ok(); ++p) {
    if (target.hooks != nullptr) target.hooks->Work(WorkPhase::kSort);
    const Elements elements = SortPartition(p, target);
    if (target.hooks != nullptr) target.hooks->Work(WorkPhase::kSpill);
    WritePartition(p, elements, target);
  }
  return writer.status();
}

AggregateTable::Elements AggregateTable::SortPartition(uint32_t partition, const Target& target) {
  const bool is_chosen = target.partitioner != nullptr;
  const SlotRange shorts =
      is_chosen ? SlotRange{short_begin_[partition], short_begin_[partition + 1]}
                : SlotRange::Of(short_slots_, short_mask_, partition, target.partitions);
  const SlotRange longs =
      is_chosen ? SlotRange{long_begin_[partition], long_begin_[partition + 1]}
                : SlotRange::Of(long_slots_, long_mask_, partition, target.partitions);
  const uint64_t most = std::min(shorts.end - shorts.begin, short_count_) +
                        std::min(longs.end - longs.begin, long_count_);
  sort_memory_.EnsureSize(2 * most * sizeof(ShortElement));
  gathered_memory_.EnsureSize(long_count_ * GatheredKey::BytesFor(1) + arena_.used_bytes());

  ShortElement* const begin = sort_memory_.as<ShortElement>();
  ShortElement* end = begin;
  VisitPartition(short_slots_, short_mask_, shorts, partition, target, [&](const ShortSlot& slot) {
    *end++ = {KeyOrderOf(slot.key), slot.value};
  });
  char* next_copy = gathered_memory_.as<char>();
  VisitPartition(long_slots_, long_mask_, longs, partition, target, [&](const LongSlot& slot) {
    auto* const copy = reinterpret_cast<GatheredKey*>(next_copy);
    copy->value = slot.value;
    copy->size = slot.size;
    std::memcpy(copy->bytes, slot.data, slot.size);
    *end++ = {KeyOrderOf(slot.key_view()), next_copy - gathered_memory_.as<char>()};
    next_copy += GatheredKey::BytesFor(slot.size);
  });
  SortShort(begin, end - begin, /*scratch=*/end);
  SortEqualBeginnings(begin, end);
  return {begin, end};
}

// Sorts long keys that agree in what their elements have of them.
void AggregateTable::SortEqualBeginnings(ShortElement* begin, ShortElement* end) {
  for (ShortElement* group = begin; group != end;) {
    ShortElement* group_end = group + 1;
    while (group_end != end && group_end->order == group->order) ++group_end;
    const size_t count = group_end - group;
    if (count > 1) {
      long_sort_memory_.EnsureSize(2 * count * sizeof(SortElement));
      auto* const elements = long_sort_memory_.as<SortElement>();
      for (size_t i = 0; i < count; ++i) {
        const std::string_view key = gathered(group[i].value).key();
        elements[i] = {PrefixOf(key, kShortKeyBytes), static_cast<uint64_t>(group[i].value)};
      }
      SortStrings(elements, count, /*scratch=*/elements + count, [this](uint64_t offset) {
        return gathered(offset).key().substr(kShortKeyBytes);
      });
      for (size_t i = 0; i < count; ++i) group[i].value = static_cast<int64_t>(elements[i].ref);
    }
    group = group_end;
  }
}

void AggregateTable::WritePartition(uint32_t partition, const Elements& elements,
                                    const Target& target) {
  RunWriter* const writer = target.writer;
  writer->BeginPartition(partition);
  if (Mapper* const mapper = target.mapper; mapper != nullptr) {
    ForEachOf(elements, [writer, mapper](std::string_view key, int64_t total) {
      writer->Add(key, mapper->ValueOfTotal(total));
    });
  } else {
    ForEachOf(elements, [writer](std::string_view key, int64_t total) { writer->Add(key, total); });
  }
}

// Calls visit(key, total) for each.
template <typename Visit>
void AggregateTable::ForEachOf(const Elements& elements, Visit visit) {
  constexpr ptrdiff_t kAhead = 8;
  for (const ShortElement* at = elements.begin; at != elements.end; ++at) {
    if (elements.end - at > kAhead && at[kAhead].order.is_long()) {
      __builtin_prefetch(&gathered(at[kAhead].value));
    }
    if (at->order.is_long()) {
      const GatheredKey& key = gathered(at->value);
      visit(key.key(), key.value);
    } else {
      const ShortKey key = ShortKeyOf(at->order);
      visit(key.view(), at->value);
    }
  }
}

}  // namespace millrace
