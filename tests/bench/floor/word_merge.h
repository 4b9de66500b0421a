// Merges the runs of one partition: records of words, sorted, one stream from each run.
//
// A record is varint length, the word, varint value.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_MERGE_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_MERGE_H_

#include <string_view>
#include <vector>

#include "tests/bench/floor/run_file.h"
#include "tests/bench/floor/word_key.h"

namespace floor_bench {

// One run, at one of its words.
class WordStream {
 public:
  WordStream(const RunIndex& index, int run, int partition) : reader_(index, run, partition) {}

  // Goes to the next word. Returns its key, or BehindAll() at the end.
  OrderedKey Advance() {
    if (next_ == end_ && !NextBlock()) return OrderedKey::BehindAll();
    uint64_t length;
    word_ = ReadVarint(next_, &length);
    length_ = length;
    next_ = ReadVarint(word_ + length, &value_);
    return OrderedKey(LoadKey(word_, length));
  }
  std::string_view word() const { return {word_, length_}; }
  uint64_t value() const { return value_; }

 private:
  bool NextBlock() {
    std::string_view block;
    if (!reader_.NextBlock(&block)) return false;
    next_ = block.data();
    end_ = next_ + block.size();
    return true;
  }

  RunReader reader_;
  const char* next_ = nullptr;
  const char* end_ = nullptr;
  const char* word_ = nullptr;
  size_t length_ = 0;
  uint64_t value_ = 0;
};

// A tree of losers (Knuth, volume 3, section 5.4.1): of equal words that of the earlier run wins.
class WordMerge {
 public:
  WordMerge(const RunIndex& index, int partition) {
    streams_.reserve(static_cast<size_t>(index.runs()));
    for (int run = 0; run < index.runs(); ++run) streams_.emplace_back(index, run, partition);
    while (leaves_ < streams_.size()) leaves_ *= 2;
    keys_.resize(leaves_, OrderedKey{});
    losers_.resize(leaves_);
    for (size_t i = 0; i < leaves_; ++i) {
      keys_[i] = i < streams_.size() ? streams_[i].Advance() : OrderedKey::BehindAll();
    }
    winner_ = Play(1);
  }

  // Calls visit(key, stream, run) for all words in order; `stream` is at the word.
  template <typename Visit>
  void ForEach(Visit visit) {
    const OrderedKey::Both behind = OrderedKey::BehindAll().both();
    while (keys_[winner_].both() != behind) {
      visit(keys_[winner_], streams_[winner_], static_cast<int>(winner_));
      keys_[winner_] = streams_[winner_].Advance();
      Replay();
    }
  }

 private:
  // Whether the word of `a` comes before that of `b`, of which `a_is_earlier` says the order of
  // their runs. Adding it to a key makes "less or equal" of "less" without a branch.
  bool Before(uint32_t a, uint32_t b, bool a_is_earlier) const {
    const OrderedKey::Both key_a = keys_[a].both();
    const OrderedKey::Both key_b = keys_[b].both();
    if (__builtin_expect(key_a == key_b && keys_[a].is_long(), 0)) {
      const int order = streams_[a].word().compare(streams_[b].word());
      if (order != 0) return order < 0;
    }
    return key_a < key_b + a_is_earlier;
  }

  // Plays all matches below a node; returns the winner.
  uint32_t Play(size_t node) {
    if (node >= leaves_) return static_cast<uint32_t>(node - leaves_);
    const uint32_t left = Play(2 * node);
    const uint32_t right = Play(2 * node + 1);
    const bool left_wins = Before(left, right, /*a_is_earlier=*/true);
    losers_[node] = left_wins ? right : left;
    return left_wins ? left : right;
  }

  // Plays the matches on the way up from the winner, whose key has changed.
  void Replay() {
    uint32_t winner = winner_;
    for (size_t child = winner + leaves_; child > 1; child /= 2) {
      uint32_t* loser = &losers_[child / 2];
      const uint32_t other = *loser;
      const bool other_wins = Before(other, winner, child % 2 == 1);
      *loser = other_wins ? winner : other;
      winner = other_wins ? other : winner;
    }
    winner_ = winner;
  }

  std::vector<WordStream> streams_;
  std::vector<OrderedKey> keys_;
  std::vector<uint32_t> losers_;
  size_t leaves_ = 1;
  uint32_t winner_ = 0;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_MERGE_H_
