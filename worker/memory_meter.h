// How much anonymous memory this process uses: what a memory limit counts. Mapped files and the
// program itself can be dropped by the kernel and do not.
#ifndef MILLRACE_WORKER_MEMORY_METER_H_
#define MILLRACE_WORKER_MEMORY_METER_H_

#include <cstdint>
#include <string_view>

namespace millrace {

// RssAnon of this process in bytes, 0 where the system does not tell. Any thread.
uint64_t AnonymousBytes();

// The number of bytes that the line "NAME: N kB" of /proc/PID/status gives; 0 when it is not there.
uint64_t BytesInStatus(std::string_view status, std::string_view name);

}  // namespace millrace

#endif  // MILLRACE_WORKER_MEMORY_METER_H_
