#include "worker/engine/run_merger.h"

#include <utility>

namespace millrace {
namespace {

// Behind every key: real ones end with a byte of at most kLongKey.
constexpr KeyOrder kExhausted = {~uint64_t{0}, ~uint64_t{0}};

}  // namespace

RunMerger::RunMerger(std::vector<std::unique_ptr<RunReader>> sources)
    : sources_(std::move(sources)) {}

bool RunMerger::Next() {
  if (__builtin_expect(!started_, 0)) {
    started_ = true;
    Build();
  } else {
    if (sources_.empty()) return false;
    // The winner's next record plays the losers on the way from its leaf to the root.
    Node winner = Advance(nodes_[0].source);
    for (size_t i = (winner.source + sources_.size()) / 2; i > 0; i /= 2) {
      SwapIf(Less(nodes_[i], winner), &nodes_[i], &winner);
    }
    nodes_[0] = winner;
  }
  return status_.ok() && !sources_.empty() && !(nodes_[0].order == kExhausted);
}

void RunMerger::Build() {
  const size_t count = sources_.size();
  nodes_.resize(count > 0 ? count : 1);
  // Winners of all nodes from the leaves up; the losers stay.
  std::vector<Node> winners(2 * count);
  for (size_t s = 0; s < count; ++s) winners[count + s] = Advance(s);
  for (size_t i = count - 1; count > 1 && i > 0; --i) {
    const Node& left = winners[2 * i];
    const Node& right = winners[2 * i + 1];
    const bool left_wins = Less(left, right);
    winners[i] = left_wins ? left : right;
    nodes_[i] = left_wins ? right : left;
  }
  if (count > 0) nodes_[0] = winners[1];
}

RunMerger::Node RunMerger::Advance(uint64_t source) {
  RunReader& reader = *sources_[source];
  if (__builtin_expect(reader.Next(), 1)) return {KeyOrderWithSlack(reader.key()), source};
  if (!reader.status().ok() && status_.ok()) {
    status_ = reader.status();
    failed_source_ = source;
  }
  return {kExhausted, source};
}

bool RunMerger::LessByRest(uint64_t a, uint64_t b, bool keys_are_long) const {
  if (keys_are_long) {
    const std::string_view a_rest = sources_[a]->key().substr(kShortKeyBytes);
    const std::string_view b_rest = sources_[b]->key().substr(kShortKeyBytes);
    const int order = a_rest.compare(b_rest);
    if (order != 0) return order < 0;
  }
  return a < b;
}

}  // namespace millrace
