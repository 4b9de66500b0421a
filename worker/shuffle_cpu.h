// CPU time of a worker's own process while it brings map outputs to reduces of jobs that want a
// profile. Whichever of these reduces ends takes what was used since one took it last, so that over
// all of them it adds up. One thread.
#ifndef MILLRACE_WORKER_SHUFFLE_CPU_H_
#define MILLRACE_WORKER_SHUFFLE_CPU_H_

#include <cstdint>
#include <utility>

#include "worker/thread_profile.h"

namespace millrace {

class ShuffleCpu {
 public:
  // A reduce begins to fetch.
  void Begin() {
    if (fetching_++ == 0) taken_us_ = ProcessCpuMicroseconds();
  }
  // It is gone.
  void End() { --fetching_; }

  uint64_t TakeUs() {
    const uint64_t now_us = ProcessCpuMicroseconds();
    return now_us - std::exchange(taken_us_, now_us);
  }

 private:
  int fetching_ = 0;
  uint64_t taken_us_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_SHUFFLE_CPU_H_
