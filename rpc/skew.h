// Whether some reduces of a job had much more to do than others, and because of which keys.
#ifndef MILLRACE_RPC_SKEW_H_
#define MILLRACE_RPC_SKEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "rpc/task_types.h"

namespace millrace {

// A reduce whose input is more than kSkewFactor times that of the median one.
struct SkewedPart {
  uint32_t part = 0;
  uint64_t bytes = 0;
  std::vector<HeavyKey> keys;  // its heaviest ones, if any is heavy

  friend bool operator==(const SkewedPart& a, const SkewedPart& b) {
    return a.part == b.part && a.bytes == b.bytes && a.keys == b.keys;
  }
};

struct Skew {
  static constexpr uint64_t kFactor = 3;
  static constexpr size_t kPartsMax = 10;
  // With less input the difference is not worth a word.
  static constexpr uint64_t kBytesWorthTelling = 64 << 20;

  uint64_t total_bytes = 0;  // of the input of all reduces
  uint64_t median_bytes = 0;
  std::vector<SkewedPart> parts;  // the largest first, at most kPartsMax
  uint32_t more_parts = 0;        // others that are too large
};

// The heaviest keys of parts, as far as they may be asked for: of the largest kPartsMax.
class KeysOfLargestParts {
 public:
  void Add(uint32_t part, uint64_t bytes, const std::vector<HeavyKey>& keys);
  // None if it is not among the largest, or has no heavy key.
  std::vector<HeavyKey> Of(uint32_t part) const;

 private:
  std::vector<SkewedPart> parts_;  // the largest first
};

// A key as text for people: what is not printable is escaped, as in C; of bytes that are no UTF-8
// all that are not ASCII.
std::string ShownKey(const HeavyKey& key);

// `bytes`: the input of each reduce. Its parts are empty if there is no skew.
Skew FindSkew(const std::vector<uint64_t>& bytes, const KeysOfLargestParts& keys);

}  // namespace millrace

#endif  // MILLRACE_RPC_SKEW_H_
