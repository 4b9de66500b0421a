// What an executor does with memory that its tasks have freed: buffers are wanted again by the next
// task, so a little stays with the process instead of being mapped and cleared again page by page.
#ifndef MILLRACE_WORKER_FREED_MEMORY_H_
#define MILLRACE_WORKER_FREED_MEMORY_H_

#include <cstdint>

namespace millrace {

// As much may stay: the buffers of a usual merge.
constexpr uint64_t kFreedBytesKept = 16 << 20;

// From here on blocks of up to 4 MiB stay with the process when they are freed.
void KeepFreedMemory();

// Gives back what was freed if that is more than kFreedBytesKept. Between tasks: it would count
// towards the limit of the next one, however it lies between blocks that are in use.
void BoundFreedMemory();

}  // namespace millrace

#endif  // MILLRACE_WORKER_FREED_MEMORY_H_
