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

#include "mapreduce/job.h"
#include "mapreduce/reducer.h"
#include "worker/engine/aggregate_table.h"
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
    ++records_;
    while ((more_ = merger_->Next()) && key_.Equals(*merger_)) {
      total_ = FoldTotals(kind_, total_, merger_->number());
      ++records_;
    }
    return true;
  }

  std::string_view key() const { return key_.view(); }
  int64_t total() const { return total_; }
  // Records that went into the totals so far.
  uint64_t records() const { return records_; }

 private:
  RunMerger* const merger_;
  const Aggregate kind_;
  bool more_;
  SavedKey key_;
  int64_t total_ = 0;
  uint64_t records_ = 0;
};

class KeyGroups : public ReduceInput {
 public:
  // `merger` must be at its start and, like `progress`, outlive this object. `progress`, if given,
  // is kept at records(), also while a reducer is long at one key.
  explicit KeyGroups(RunMerger* merger, std::atomic<uint64_t>* progress = nullptr)
      : merger_(merger),
        progress_(progress == nullptr ? &own_progress_ : progress),
        more_(merger->Next()) {}

  // Goes to the next key; values of the one before that nobody read are skipped.
  bool NextGroup() {
    while (!done_) NextValue();
    if (!more_) return false;
    key_.Save(*merger_);
    Count();
    done_ = false;
    return true;
  }

  std::string_view key() const override { return key_.view(); }
  bool done() const override { return done_; }
  std::string_view value() const override { return merger_->value(); }
  void NextValue() override {
    more_ = merger_->Next();
    done_ = !more_ || !key_.Equals(*merger_);
    if (!done_) Count();
  }

  uint64_t records() const { return records_; }

 private:
  void Count() { progress_->store(++records_, std::memory_order_relaxed); }

  RunMerger* const merger_;
  std::atomic<uint64_t> own_progress_{0};
  std::atomic<uint64_t>* const progress_;
  bool more_;  // the merger is at a record that no group has consumed
  bool done_ = true;
  SavedKey key_;
  uint64_t records_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_KEY_GROUP_H_
