// Sorts a few elements by counting for each how many come before it: no branch that could be
// guessed wrong, so that for up to some twenty it is faster than any sort that moves them.
#ifndef MILLRACE_WORKER_ENGINE_RANK_SORT_H_
#define MILLRACE_WORKER_ENGINE_RANK_SORT_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

constexpr size_t kRankSortMax = 24;

// Stable, by `key_of(element)`, which needs <. Needs count <= kRankSortMax.
template <typename Element, typename KeyOf>
void RankSort(Element* begin, size_t count, KeyOf key_of) {
  Element copy[kRankSortMax];
  uint32_t ranks[kRankSortMax];
  for (size_t i = 0; i < count; ++i) {
    copy[i] = begin[i];
    uint32_t rank = 0;
    for (size_t j = 0; j < i; ++j) {
      const uint32_t is_before = key_of(copy[i]) < key_of(copy[j]) ? 1 : 0;
      ranks[j] += is_before;
      rank += 1 - is_before;
    }
    ranks[i] = rank;
  }
  for (size_t i = 0; i < count; ++i) begin[ranks[i]] = copy[i];
}

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_RANK_SORT_H_
