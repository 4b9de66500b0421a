// CPU time of this process and of others that still run.
#ifndef MILLRACE_CLIENT_PROCESS_CPU_H_
#define MILLRACE_CLIENT_PROCESS_CPU_H_

#include <sys/types.h>

#include <cstdint>

namespace millrace {

// In microseconds; without children. 0: there is no such process.
uint64_t CpuMicrosecondsOf(pid_t process);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_PROCESS_CPU_H_
