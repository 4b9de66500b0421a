// Sorts short keys with their values: the key is a 128-bit number whose order is the byte order of
// the keys, so nothing is ever looked up.
//
//   ShortElement element = {key_order, value};      // KeyOrderOf(short_key)
//   SortShort(elements.data(), elements.size(), scratch);
//
// Equal keys stay in their order. Pure functions.
#ifndef MILLRACE_WORKER_ENGINE_SHORT_SORT_H_
#define MILLRACE_WORKER_ENGINE_SHORT_SORT_H_

#include <cstddef>
#include <cstdint>

#include "worker/engine/key_order.h"

namespace millrace {

struct ShortElement {
  KeyOrder order;
  int64_t value;
};

// `scratch` has room for as many elements. Needs count < 2^32.
void SortShort(ShortElement* elements, size_t count, ShortElement* scratch);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_SHORT_SORT_H_
