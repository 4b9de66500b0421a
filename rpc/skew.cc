#include "rpc/skew.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/escaping.h"
#include "rpc/json_writer.h"

namespace millrace {
namespace {

// The largest first; of equals the one with the smaller number.
bool IsLarger(const SkewedPart& a, const SkewedPart& b) {
  return a.bytes != b.bytes ? a.bytes > b.bytes : a.part < b.part;
}

// Of two in the middle the lower: else of two parts neither could be the larger by far.
uint64_t Median(std::vector<uint64_t> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void KeysOfLargestParts::Add(uint32_t part, uint64_t bytes, const std::vector<HeavyKey>& keys) {
  SkewedPart added{part, bytes, keys};
  parts_.insert(std::upper_bound(parts_.begin(), parts_.end(), added, IsLarger), added);
  if (parts_.size() > Skew::kPartsMax) parts_.pop_back();
}

std::vector<HeavyKey> KeysOfLargestParts::Of(uint32_t part) const {
  for (const SkewedPart& known : parts_) {
    if (known.part == part) return known.keys;
  }
  return {};
}

std::string ShownKey(const HeavyKey& key) {
  std::string text = key.key;
  // The cut may have gone through a character, of which up to three bytes are left.
  const auto ends_in_character = [&text]() { return !text.empty() && (text.back() & 0x80) != 0; };
  for (int i = 0; key.is_cut && i < 3 && ends_in_character() && !IsUtf8(text); ++i) text.pop_back();
  const bool is_text = !text.empty() && IsUtf8(text);
  return is_text ? absl::Utf8SafeCHexEscape(text) : absl::CHexEscape(key.key);
}

Skew FindSkew(const std::vector<uint64_t>& bytes, const KeysOfLargestParts& keys) {
  Skew skew;
  if (bytes.empty()) return skew;
  skew.total_bytes = std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
  skew.median_bytes = Median(bytes);
  for (uint32_t part = 0; part < bytes.size(); ++part) {
    if (bytes[part] > Skew::kFactor * skew.median_bytes)
      skew.parts.push_back({part, bytes[part], {}});
  }
  std::sort(skew.parts.begin(), skew.parts.end(), IsLarger);
  if (skew.parts.size() > Skew::kPartsMax) {
    skew.more_parts = static_cast<uint32_t>(skew.parts.size() - Skew::kPartsMax);
    skew.parts.resize(Skew::kPartsMax);
  }
  for (SkewedPart& part : skew.parts) part.keys = keys.Of(part.part);
  return skew;
}

}  // namespace millrace
