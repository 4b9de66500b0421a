#include "worker/engine/pair_collector.h"

#include <algorithm>
#include <utility>

#include "storage/byte_codec.h"

namespace millrace {
namespace {

// A reference packs the partition above the position in the arena.
constexpr int kPositionBits = 44;
constexpr uint64_t kPositionMask = (uint64_t{1} << kPositionBits) - 1;

// In the arena a pair is as a run has it, so that it is written by copying it:
// varint(key size) key varint(value size) value. Sizes are below 2^32: a varint has at most 5
// bytes.
constexpr uint64_t kMaxSizeBytes = 5;
constexpr uint64_t kMaxPairHeaderBytes = 2 * kMaxSizeBytes;
// One element to sort and its copy in the scratch memory.
constexpr uint64_t kElementBytes = 2 * sizeof(SortElement);

// The bytes with a size before them, at `at`.
std::string_view SizedBytes(const char* at) {
  uint64_t size = 0;
  const char* const begin = GetVarint(at, at + kMaxSizeBytes, &size);
  return {begin, size};
}

// How many pairs before they are needed their memory is asked for.
constexpr ptrdiff_t kAhead = 12;

}  // namespace

// The values of one key that are in memory, in the order of Add.
class PairCollector::Group : public ReduceInput {
 public:
  Group(const PairCollector& collector, const SortElement* begin, const SortElement* end)
      : collector_(collector), key_(collector.KeyAt(begin->ref)), next_(begin), end_(end) {}

  std::string_view key() const override { return key_; }
  bool done() const override { return next_ == end_; }
  std::string_view value() const override { return collector_.ValueAt(next_->ref); }
  void NextValue() override { ++next_; }

 private:
  const PairCollector& collector_;
  const std::string_view key_;
  const SortElement* next_;
  const SortElement* const end_;
};

PairCollector::PairCollector(uint64_t memory_bytes)
    : memory_limit_(std::min(memory_bytes, kMaxMemoryBytes)),
      arena_(memory_limit_),
      elements_(memory_limit_ / 2),
      scratch_(memory_limit_) {}

uint64_t PairCollector::max_pair_bytes() const {
  return memory_limit_ - std::min(memory_limit_, kMaxPairHeaderBytes + kElementBytes);
}

bool PairCollector::Add(uint32_t partition, std::string_view key, std::string_view value) {
  const uint64_t most_bytes = kMaxPairHeaderBytes + key.size() + value.size();
  if (used_ + most_bytes + (count_ + 1) * kElementBytes > memory_limit_) return false;
  char* out = PutVarint(arena_.as<char>() + used_, key.size());
  out = PutVarint(std::copy(key.begin(), key.end(), out), value.size());
  out = std::copy(value.begin(), value.end(), out);
  elements_.as<SortElement>()[count_++] = {
      PrefixOf(key, 0), static_cast<uint64_t>(partition) << kPositionBits | used_};
  used_ = static_cast<uint64_t>(out - arena_.as<char>());
  return true;
}

std::string_view PairCollector::KeyAt(uint64_t position) const {
  return SizedBytes(arena_.as<char>() + position);
}

std::string_view PairCollector::ValueAt(uint64_t position) const {
  const std::string_view key = KeyAt(position);
  return SizedBytes(key.data() + key.size());
}

std::string_view PairCollector::RecordAt(uint64_t position) const {
  const char* const begin = arena_.as<char>() + position;
  const std::string_view value = ValueAt(position);
  return {begin, static_cast<size_t>(value.data() + value.size() - begin)};
}

// In key order the pairs are all over the arena: each would be a few cache misses.
void PairCollector::Prefetch(uint64_t position) const {
  constexpr uint64_t kCacheLine = 64;
  __builtin_prefetch(arena_.as<char>() + position);
  __builtin_prefetch(arena_.as<char>() + position + kCacheLine);
  __builtin_prefetch(arena_.as<char>() + position + 2 * kCacheLine);
}

void PairCollector::ScatterByPartition(uint32_t partitions) {
  const SortElement* const elements = elements_.as<SortElement>();
  SortElement* const sorted = scratch_.as<SortElement>();
  begin_.assign(partitions + 1, 0);
  for (uint64_t i = 0; i < count_; ++i) ++begin_[elements[i].ref >> kPositionBits];
  uint64_t begin = 0;
  for (uint64_t& entry : begin_) begin += std::exchange(entry, begin);
  for (uint64_t i = 0; i < count_; ++i) {
    const uint64_t ref = elements[i].ref;
    sorted[begin_[ref >> kPositionBits]++] = {elements[i].prefix, ref & kPositionMask};
  }
}

void PairCollector::WriteTo(const Target& target) {
  if (target.split_keys != nullptr) return WriteRanges(target);
  ScatterByPartition(target.partitions);
  uint64_t begin = 0;
  for (uint32_t p = 0; p < target.partitions; ++p) {
    if (target.hooks != nullptr) target.hooks->Work(WorkPhase::kSort);
    const uint64_t end = begin_[p];  // scattering has moved it there
    SortElement* const elements = scratch_.as<SortElement>() + begin;
    // The elements in the order of Add have been copied, so their memory is free for the sort.
    SortStrings(elements, end - begin, elements_.as<SortElement>(),
                [this](uint64_t position) { return KeyAt(position); });
    WritePartition(p, elements, scratch_.as<SortElement>() + end, target);
    begin = end;
  }
}

// Sorted together, the pairs of a range lie side by side: nobody has to find the part of each.
void PairCollector::WriteRanges(const Target& target) {
  if (target.hooks != nullptr) target.hooks->Work(WorkPhase::kSort);
  SortElement* const elements = elements_.as<SortElement>();
  SortStrings(elements, count_, scratch_.as<SortElement>(),
              [this](uint64_t position) { return KeyAt(position); });
  const SortElement* begin = elements;
  for (uint32_t p = 0; p < target.partitions; ++p) {
    const SortElement* end = elements + count_;
    if (p < target.split_keys->size()) {
      end = std::lower_bound(begin, end, std::string_view((*target.split_keys)[p]),
                             [this](const SortElement& element, std::string_view split_key) {
                               return KeyAt(element.ref) < split_key;
                             });
    }
    WritePartition(p, begin, end, target);
    begin = end;
  }
}

void PairCollector::WritePartition(uint32_t partition, const SortElement* begin,
                                   const SortElement* end, const Target& target) {
  // A combiner and the writer take turns.
  const bool only_writes = target.combiner == nullptr;
  if (target.hooks != nullptr && only_writes) target.hooks->Work(WorkPhase::kSpill);
  target.writer->BeginPartition(partition);
  WriteSorted(begin, end, target.combiner, target.writer);
  if (target.combiner != nullptr) target.combiner->EndPartition(target.writer);
}

void PairCollector::WriteSorted(const SortElement* begin, const SortElement* end,
                                Combiner* combiner, RunWriter* writer) {
  if (combiner == nullptr) {
    for (; begin != end; ++begin) {
      if (end - begin > kAhead) Prefetch(begin[kAhead].ref);
      writer->AddEncoded(RecordAt(begin->ref));
    }
    return;
  }
  while (begin != end && combiner->status().ok()) {
    const std::string_view key = KeyAt(begin->ref);
    const SortElement* after = begin + 1;
    while (after != end && KeyAt(after->ref) == key) ++after;
    Group group(*this, begin, after);
    combiner->Combine(group, writer);
    begin = after;
  }
}

void PairCollector::Clear() { used_ = count_ = 0; }

}  // namespace millrace
