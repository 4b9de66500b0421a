// The keys of a reduce that have the most bytes: where its input is much larger than that of
// others, they are why. One thread.
#ifndef MILLRACE_WORKER_ENGINE_HEAVIEST_KEYS_H_
#define MILLRACE_WORKER_ENGINE_HEAVIEST_KEYS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "rpc/task_types.h"

namespace millrace {

class HeaviestKeys {
 public:
  // A key is done, with all its records; `bytes` are those of its values.
  void Add(std::string_view key, uint64_t records, uint64_t value_bytes) {
    const uint64_t bytes = records * key.size() + value_bytes;
    all_bytes_ += bytes;
    if (__builtin_expect(bytes > least_bytes_, 0)) Keep(key, records, bytes);
  }

  // The heaviest first: at most kHeavyKeysMax, and only keys that have a hundredth of all, or more.
  std::vector<HeavyKey> Take() &&;

 private:
  void Keep(std::string_view key, uint64_t records, uint64_t bytes);

  uint64_t all_bytes_ = 0;
  uint64_t least_bytes_ = 0;  // what a key must exceed to be kept
  std::vector<HeavyKey> keys_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_HEAVIEST_KEYS_H_
