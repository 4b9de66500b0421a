#include "client/process_cpu.h"

#include <time.h>

namespace millrace {

uint64_t CpuMicrosecondsOf(pid_t process) {
  clockid_t clock;
  timespec spent = {};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &spent) != 0) return 0;
  return static_cast<uint64_t>(spent.tv_sec) * 1'000'000 +
         static_cast<uint64_t>(spent.tv_nsec) / 1000;
}

}  // namespace millrace
