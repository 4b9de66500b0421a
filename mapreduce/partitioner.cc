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

// The number of split keys that are not behind `key`. Few keys begin like one of them.
uint32_t RangePartitioner::Partition(std::string_view key, uint32_t) const {
  const uint64_t prefix = PrefixOf(key);
  auto behind = std::upper_bound(prefixes_.begin(), prefixes_.end(), prefix) - prefixes_.begin();
  while (behind > 0 && prefixes_[behind - 1] == prefix && split_keys_[behind - 1] > key) --behind;
  return static_cast<uint32_t>(behind);
}

}  // namespace millrace
