// The two functions of XXH3 that see every byte of a job, with the widest vectors that this
// processor has. Their results do not depend on it.
#ifndef MILLRACE_STORAGE_XXH3_H_
#define MILLRACE_STORAGE_XXH3_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

struct Xxh3Functions {
  uint64_t (*hash64)(const void* data, size_t size);
  // `state` is an XXH3_state_t that was reset for 128 bits.
  void (*update128)(void* state, const void* data, size_t size);
};

// For any processor that we run on, and for those with AVX2.
extern const Xxh3Functions kXxh3Baseline;
extern const Xxh3Functions kXxh3Avx2;

// The best of them here.
inline const Xxh3Functions& Xxh3() {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return has_avx2 ? kXxh3Avx2 : kXxh3Baseline;
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_XXH3_H_
