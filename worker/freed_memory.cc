#include "worker/freed_memory.h"

#include <malloc.h>

namespace millrace {

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, kFreedBytesKept);
}

void BoundFreedMemory() {
  if (mallinfo2().fordblks > kFreedBytesKept) malloc_trim(0);
}

}  // namespace millrace
