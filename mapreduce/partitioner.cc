#include "mapreduce/partitioner.h"

#include <algorithm>
#include <utility>

#include "mapreduce/emitter.h"
#include "mapreduce/short_key.h"

namespace millrace {
namespace {

uint64_t PrefixOf(std::string_view key) {
  return __builtin_bswap64(PackShortKey(key.substr(0, sizeof(uint64_t))).low);
}

// The number of entries that are not behind `prefix`. Where it lies is random, so a branch for each
// step would be guessed wrong every other time: this has none.
size_t UpperBound(const std::vector<uint64_t>& ascending, uint64_t prefix) {
  const uint64_t* begin = ascending.data();
  size_t count = ascending.size();
  while (count > 1) {
    const size_t half = count / 2;
    begin += half & (size_t{0} - static_cast<size_t>(begin[half - 1] <= prefix));
    count -= half;
  }
  const size_t before = static_cast<size_t>(begin - ascending.data());
  return before + (count == 1 && *begin <= prefix ? 1 : 0);
}

uint64_t HashKey(std::string_view key) {
  return key.size() <= kShortKeyBytes ? HashShortKey(PackShortKey(key)) : HashBytes(key);
}

}  // namespace

uint32_t HashPartitioner::Partition(std::string_view key, uint32_t parts) const {
  // hash / 2^64 is a fraction of 1; its share of `parts` is the number of the part.
  return static_cast<uint32_t>(static_cast<unsigned __int128>(HashKey(key)) * parts >> 64);
}

RangePartitioner::RangePartitioner(std::vector<std::string> split_keys)
    : split_keys_(std::move(split_keys)) {
  prefixes_.reserve(split_keys_.size());
  for (const std::string& key : split_keys_) prefixes_.push_back(PrefixOf(key));
}

// The number of split keys that are not behind `key`. Few keys begin like one of them.
uint32_t RangePartitioner::Partition(std::string_view key, uint32_t) const {
  const uint64_t prefix = PrefixOf(key);
  size_t behind = UpperBound(prefixes_, prefix);
  while (behind > 0 && prefixes_[behind - 1] == prefix && split_keys_[behind - 1] > key) --behind;
  return static_cast<uint32_t>(behind);
}

}  // namespace millrace
