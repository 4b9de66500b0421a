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

}  // namespace

uint32_t HashPartitioner::Partition(std::string_view key, uint32_t parts) const {
  // hash / 2^64 is a fraction of 1; its share of `parts` is the number of the part.
  return static_cast<uint32_t>(static_cast<unsigned __int128>(HashBytes(key)) * parts >> 64);
}

RangePartitioner::RangePartitioner(std::vector<std::string> split_keys)
    : split_keys_(std::move(split_keys)) {
  prefixes_.reserve(split_keys_.size());
  for (const std::string& key : split_keys_) prefixes_.push_back(PrefixOf(key));
}

// The number of split keys that are not behind `key`. Few of them begin like it.
uint32_t RangePartitioner::Partition(std::string_view key, uint32_t) const {
  const auto alike = std::equal_range(prefixes_.begin(), prefixes_.end(), PrefixOf(key));
  const auto begin = split_keys_.begin() + (alike.first - prefixes_.begin());
  const auto end = split_keys_.begin() + (alike.second - prefixes_.begin());
  return static_cast<uint32_t>(std::upper_bound(begin, end, key) - split_keys_.begin());
}

}  // namespace millrace
