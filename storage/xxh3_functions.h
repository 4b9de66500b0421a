// Defines one Xxh3Functions, compiled for the instructions that the including file may use. For
// xxh3_baseline.cc and xxh3_avx2.cc alone.
#ifndef MILLRACE_STORAGE_XXH3_FUNCTIONS_H_
#define MILLRACE_STORAGE_XXH3_FUNCTIONS_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "storage/xxh3.h"

namespace millrace {
namespace {

uint64_t Hash64(const void* data, size_t size) { return XXH3_64bits(data, size); }

void Update128(void* state, const void* data, size_t size) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state), data, size);
}

}  // namespace
}  // namespace millrace

#endif  // MILLRACE_STORAGE_XXH3_FUNCTIONS_H_
