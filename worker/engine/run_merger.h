// Merges sorted runs into one sorted stream, with a loser tree.
//
//   RunMerger merger(std::move(readers));
//   while (merger.Next()) Use(merger.key(), merger.number());
//   MILLRACE_RETURN_IF_ERROR(merger.status());
//
// Records come in key order; those with equal keys in the order of their sources, and within one
// source in its own order, so a merge of consecutive runs keeps the order of emission. Memory is
// that of the readers. One thread.
#ifndef MILLRACE_WORKER_ENGINE_RUN_MERGER_H_
#define MILLRACE_WORKER_ENGINE_RUN_MERGER_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "storage/run_reader.h"
#include "worker/engine/key_order.h"

namespace millrace {

class RunMerger {
 public:
  explicit RunMerger(std::vector<std::unique_ptr<RunReader>> sources);
  RunMerger(const RunMerger&) = delete;
  RunMerger& operator=(const RunMerger&) = delete;

  // Goes to the next record (the first one at first). false: the end, or an error in status().
  bool Next();

  // Of the source that failed first.
  const absl::Status& status() const { return status_; }
  // Its index; needs !status().ok().
  size_t failed_source() const { return failed_source_; }

  // Of the current record, valid until Next.
  const KeyOrder& order() const { return nodes_[0].order; }
  std::string_view key() const { return current().key(); }
  std::string_view value() const { return current().value(); }
  int64_t number() const { return current().number(); }

 private:
  // A source in the tree, by the order of its current key. Exhausted sources come last.
  struct Node {
    KeyOrder order;
    uint64_t source;
  };

  const RunReader& current() const { return *sources_[nodes_[0].source]; }
  // Reads the next record of a source and makes its node.
  Node Advance(uint64_t source);
  bool Less(const Node& a, const Node& b) const {
    // By value: a node whose address is known to others would have to lie in memory.
    if (__builtin_expect(a.order == b.order, 0)) {
      return LessByRest(a.source, b.source, a.order.is_long());
    }
    return a.order < b.order;
  }
  // Who wins a match is as good as random, so a branch would be guessed wrong every other time.
  static void SwapIf(bool swaps, Node* a, Node* b) {
    const uint64_t mask = uint64_t{0} - static_cast<uint64_t>(swaps);
    const uint64_t high = (a->order.high ^ b->order.high) & mask;
    const uint64_t low = (a->order.low ^ b->order.low) & mask;
    const uint64_t source = (a->source ^ b->source) & mask;
    a->order.high ^= high;
    b->order.high ^= high;
    a->order.low ^= low;
    b->order.low ^= low;
    a->source ^= source;
    b->source ^= source;
  }
  // For sources whose keys have equal order.
  bool LessByRest(uint64_t a, uint64_t b, bool keys_are_long) const;
  void Build();

  std::vector<std::unique_ptr<RunReader>> sources_;
  // nodes_[0] is the winner; nodes_[i] the loser of the match at inner node i, whose children are
  // 2i and 2i + 1. Leaf of source s is node s + number of sources.
  std::vector<Node> nodes_;
  bool started_ = false;
  absl::Status status_;
  size_t failed_source_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_RUN_MERGER_H_
