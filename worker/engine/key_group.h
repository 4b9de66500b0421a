// The records of a merge, key by key.
//
//   KeyGroups groups(&merger);
//   while (groups.NextGroup()) reducer.Reduce(groups);       // for byte strings: a ReduceInput
//
//   KeyTotals totals(&merger, Aggregate::kSum);
//   while (totals.Next()) Write(totals.key(), totals.total());
//
// Neither holds more than one key. Errors are those of the merger. One thread.
#ifndef MILLRACE_WORKER_ENGINE_KEY_GROUP_H_
#define MILLRACE_WORKER_ENGINE_KEY_GROUP_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "mapreduce/job.h"
#include "mapreduce/reducer.h"
#include "worker/engine/aggregate_table.h"
#include "worker/engine/heaviest_keys.h"
#include "worker/engine/phase_sampler.h"
#include "worker/engine/run_merger.h"

namespace millrace {

// A copy of the key that a merge was at.
class SavedKey {
 public:
  void Save(const RunMerger& merger) {
    order_ = merger.order();
    if (order_.is_long()) {
      long_.assign(merger.key().data(), merger.key().size());
    } else {
      short_ = ShortKeyOf(order_);
    }
  }
  bool Equals(const RunMerger& merger) const {
    if (!(merger.order() == order_)) return false;
    return !order_.is_long() || merger.key() == long_;
  }
  std::string_view view() const {
    return order_.is_long() ? std::string_view(long_) : short_.view();
  }
  // What a reducer sees of a record of this key.
  static std::string_view ValueOf(const RunMerger& merger) { return merger.value(); }

 private:
  KeyOrder order_;
  ShortKey short_;
  std::string long_;
};

class KeyTotals {
 public:
  // `merger` must be at its start and outlive this object.
  KeyTotals(RunMerger* merger, Aggregate kind)
      : merger_(merger), kind_(kind), more_(merger->Next()) {}

  bool Next() {
    if (!more_) return false;
    key_.Save(*merger_);
    total_ = merger_->number();
    const uint64_t before = records_++;
    while ((more_ = merger_->Next()) && key_.Equals(*merger_)) {
      total_ = FoldTotals(kind_, total_, merger_->number());
      ++records_;
    }
    key_records_ = records_ - before;
    return true;
  }

  std::string_view key() const { return key_.view(); }
  int64_t total() const { return total_; }
  // Records that went into this total, and into all so far.
  uint64_t key_records() const { return key_records_; }
  uint64_t records() const { return records_; }

 private:
  RunMerger* const merger_;
  const Aggregate kind_;
  bool more_;
  SavedKey key_;
  int64_t total_ = 0;
  uint64_t key_records_ = 0;
  uint64_t records_ = 0;
};

// `Key` remembers the key of a group, knows which records belong to it, and finds their values: a
// SavedKey, where keys and values are those of the records.
template <typename Key>
class GroupsOf : public ReduceInput {
 public:
  // `merger` must be at its start and, like `progress` and `sampler`, outlive this object.
  // `progress`, if given, is kept at records(), also while a reducer is long at one key; with
  // `sampler` each record is a turn of merging and reducing.
  explicit GroupsOf(RunMerger* merger, std::atomic<uint64_t>* progress = nullptr,
                    PhaseSampler* sampler = nullptr, Key key = Key())
      : merger_(merger),
        progress_(progress == nullptr ? &own_progress_ : progress),
        sampler_(sampler == nullptr ? &own_sampler_ : sampler),
        more_(merger->Next()),
        key_(std::move(key)) {}

  // Goes to the next key; values of the one before that nobody read are skipped.
  bool NextGroup() {
    SkipRest();
    if (!more_) return false;
    key_.Save(*merger_);
    key_records_ = value_bytes_ = 0;
    Count();
    done_ = false;
    return true;
  }

  std::string_view key() const override { return key_.view(); }
  bool done() const override { return done_; }
  std::string_view value() const override { return value_; }
  void NextValue() override {
    sampler_->NextTurn(WorkPhase::kMerge);
    more_ = merger_->Next();
    done_ = !more_ || !key_.Equals(*merger_);
    if (!done_) Count();
    sampler_->Switch(WorkPhase::kReduce);
  }

  // To the end of the group.
  void SkipRest() {
    while (!done_) NextValue();
  }

  // Records of this group so far, and the bytes of their values.
  uint64_t key_records() const { return key_records_; }
  uint64_t value_bytes() const { return value_bytes_; }
  // Of all groups so far.
  uint64_t records() const { return records_; }

 private:
  void Count() {
    ++key_records_;
    value_ = key_.ValueOf(*merger_);
    value_bytes_ += value_.size();
    progress_->store(++records_, std::memory_order_relaxed);
  }

  RunMerger* const merger_;
  std::atomic<uint64_t> own_progress_{0};
  std::atomic<uint64_t>* const progress_;
  PhaseSampler own_sampler_;
  PhaseSampler* const sampler_;
  bool more_;  // the merger is at a record that no group has consumed
  bool done_ = true;
  Key key_;
  std::string_view value_;
  uint64_t key_records_ = 0;
  uint64_t value_bytes_ = 0;
  uint64_t records_ = 0;
};

using KeyGroups = GroupsOf<SavedKey>;

// The keys of a merge whose records are looked at one by one.
class WeighedKeys {
 public:
  // `heaviest` must outlive this object, which must have been told of the End before it is asked.
  explicit WeighedKeys(HeaviestKeys* heaviest) : heaviest_(heaviest) {}

  // The merger is at the next record.
  void Add(const RunMerger& merger) {
    if (records_ == 0 || !key_.Equals(merger)) {
      End();
      key_.Save(merger);
    }
    ++records_;
    value_bytes_ += merger.value().size();
  }
  void End() {
    if (records_ > 0) heaviest_->Add(key_.view(), records_, value_bytes_);
    records_ = value_bytes_ = 0;
  }

 private:
  HeaviestKeys* const heaviest_;
  SavedKey key_;
  uint64_t records_ = 0;
  uint64_t value_bytes_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_KEY_GROUP_H_
