#include "worker/thread_profile.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <utility>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace millrace {
namespace {

uint64_t NanosecondsOf(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

uint64_t ThreadCpuNanoseconds() { return NanosecondsOf(CLOCK_THREAD_CPUTIME_ID); }
uint64_t ProcessCpuMicroseconds() { return NanosecondsOf(CLOCK_PROCESS_CPUTIME_ID) / 1000; }

uint64_t ChildrenCpuMicroseconds() {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto microseconds = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec);
  };
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

ThreadProfile::ThreadProfile()
    : began_(std::chrono::steady_clock::now()),
      children_us_(ChildrenCpuMicroseconds()),
      since_ns_(ThreadCpuNanoseconds()) {}

void ThreadProfile::Enter(WorkPhase phase, const PhaseTicks& sampled) {
  const uint64_t now_ns = ThreadCpuNanoseconds();
  const uint64_t passed_ns = now_ns - std::exchange(since_ns_, now_ns);
  uint64_t all_ticks = 0;
  for (const uint64_t ticks : sampled) all_ticks += ticks;
  uint64_t divided_ns = 0;
  for (int i = 0; i < kWorkPhaseCount && all_ticks > 0; ++i) {
    const double share = static_cast<double>(sampled[i]) / static_cast<double>(all_ticks);
    const auto part_ns = static_cast<uint64_t>(static_cast<double>(passed_ns) * share);
    spent_ns_[i] += part_ns;
    divided_ns += part_ns;
  }
  // All of it, or what rounding left.
  spent_ns_[static_cast<size_t>(phase_)] += passed_ns - std::min(passed_ns, divided_ns);
  phase_ = phase;
}

uint64_t ThreadProfile::Ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return NanosecondsOf(CLOCK_MONOTONIC);
#endif
}

Profile ThreadProfile::End(WorkPhase children) {
  Enter(phase_, PhaseTicks());
  for (int i = 0; i < kWorkPhaseCount; ++i) profile_.shares[i].cpu_us = spent_ns_[i] / 1000;
  profile_[children].cpu_us += ChildrenCpuMicroseconds() - children_us_;
  const auto wall = std::chrono::steady_clock::now() - began_;
  const auto wall_us =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count());
  profile_.wait_us = wall_us - std::min(wall_us, profile_.cpu_us());
  return profile_;
}

}  // namespace millrace
