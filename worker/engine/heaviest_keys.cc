#include "worker/engine/heaviest_keys.h"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace {
namespace {

// Lighter ones explain nothing.
constexpr uint64_t kShareMin = 100;

}  // namespace

void HeaviestKeys::Keep(std::string_view key, uint64_t records, uint64_t bytes) {
  if (keys_.size() == kHeavyKeysMax) keys_.pop_back();
  HeavyKey heavy;
  heavy.key = std::string(key.substr(0, kHeavyKeyBytesMax));
  heavy.is_cut = key.size() > kHeavyKeyBytesMax;
  heavy.records = records;
  heavy.bytes = bytes;
  const auto lighter = std::find_if(keys_.begin(), keys_.end(),
                                    [bytes](const HeavyKey& kept) { return kept.bytes < bytes; });
  keys_.insert(lighter, std::move(heavy));
  if (keys_.size() == kHeavyKeysMax) least_bytes_ = keys_.back().bytes;
}

std::vector<HeavyKey> HeaviestKeys::Take() && {
  while (!keys_.empty() && keys_.back().bytes < all_bytes_ / kShareMin) keys_.pop_back();
  return std::move(keys_);
}

}  // namespace millrace
