// Measures where the CPU time of one attempt goes: the clock that the engine itself has not.
//
//   ThreadProfile profile;
//   hooks.SetWorkClock(&profile);
//   ... run a task ...
//   AddToCounters(profile.End(WorkPhase::kMap), &outcome.counters);
//
// Times are those of the thread that makes it and calls it, and of child processes that ended
// meanwhile.
#ifndef MILLRACE_WORKER_THREAD_PROFILE_H_
#define MILLRACE_WORKER_THREAD_PROFILE_H_

#include <chrono>
#include <cstdint>

#include "rpc/profile.h"
#include "worker/engine/phase_sampler.h"

namespace millrace {

class ThreadProfile final : public WorkClock {
 public:
  ThreadProfile();

  void Enter(WorkPhase phase, const PhaseTicks& sampled) override;
  void AddBytes(WorkPhase phase, uint64_t bytes) override { profile_[phase].bytes += bytes; }
  uint64_t Ticks() override;

  // Ends it. Child processes are those of the user code of `children`.
  Profile End(WorkPhase children);

 private:
  std::array<uint64_t, kWorkPhaseCount> spent_ns_{};
  Profile profile_;
  WorkPhase phase_ = WorkPhase::kRead;
  const std::chrono::steady_clock::time_point began_;
  const uint64_t children_us_;  // of earlier attempts
  uint64_t since_ns_;
};

// CPU time so far of the calling thread, of this process, and of its children that it waited for.
uint64_t ThreadCpuNanoseconds();
uint64_t ProcessCpuMicroseconds();
uint64_t ChildrenCpuMicroseconds();

}  // namespace millrace

#endif  // MILLRACE_WORKER_THREAD_PROFILE_H_
