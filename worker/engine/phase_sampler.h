// What the engine says of its work, so that somebody with a clock can tell where the time goes.
//
// Most phases of work are long, and the engine says when it enters one. Where phases take turns for
// every record, as merging, reducing and writing do, that would cost more than the work itself:
// such a stretch is one section, and a sampler looks at one turn of 61 (a prime: no block of
// records keeps its pace). The time of the section is exact, how it is divided is an estimate.
// Without anybody who wants to know, a turn costs one decrement. One thread.
#ifndef MILLRACE_WORKER_ENGINE_PHASE_SAMPLER_H_
#define MILLRACE_WORKER_ENGINE_PHASE_SAMPLER_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "rpc/profile.h"

namespace millrace {

// Time by phase, in whatever unit a WorkClock counts.
using PhaseTicks = std::array<uint64_t, kWorkPhaseCount>;

class WorkClock {
 public:
  virtual ~WorkClock() = default;
  // The section before ends, and one of `phase` begins. What the one before took is divided as
  // `sampled` is; if that is empty, all of it was its phase.
  virtual void Enter(WorkPhase phase, const PhaseTicks& sampled) = 0;
  virtual void AddBytes(WorkPhase phase, uint64_t bytes) = 0;
  // A time, cheap to ask for.
  virtual uint64_t Ticks() = 0;
};

class PhaseSampler {
 public:
  static constexpr uint64_t kTurnsPerSample = 61;

  // `clock`: null, or outlives this object.
  explicit PhaseSampler(WorkClock* clock = nullptr) : clock_(clock) {
    if (clock == nullptr) return;
    left_ = kTurnsPerSample;
    look_ticks_ = std::numeric_limits<uint64_t>::max();
    for (int i = 0; i < 8; ++i) {
      const uint64_t before = clock->Ticks();
      look_ticks_ = std::min(look_ticks_, clock->Ticks() - before);
    }
  }

  // A new turn begins, with work at `phase`.
  void NextTurn(WorkPhase phase) {
    if (__builtin_expect(looking_, 0)) Stop();
    if (__builtin_expect(--left_ == 0, 0)) Look(phase);
  }
  // The turn goes on with another phase.
  void Switch(WorkPhase phase) {
    if (__builtin_expect(looking_, 0)) Mark(phase);
  }

  // The samples of a section, which ends. The next one begins without.
  PhaseTicks Take() {
    if (looking_) Stop();
    const PhaseTicks taken = ticks_;
    ticks_ = {};
    return taken;
  }
  // Whether this turn is one that stands for kTurnsPerSample of them.
  bool looking() const { return looking_; }

 private:
  void Look(WorkPhase phase) {
    left_ = kTurnsPerSample;
    looking_ = true;
    phase_ = phase;
    since_ = clock_->Ticks();
  }
  void Mark(WorkPhase phase) {
    const uint64_t now = clock_->Ticks();
    const uint64_t passed = now - since_;
    // A look takes time itself, of which a short phase would seem to consist.
    ticks_[static_cast<size_t>(phase_)] += passed > look_ticks_ ? passed - look_ticks_ : 0;
    phase_ = phase;
    since_ = now;
  }
  void Stop() {
    Mark(phase_);
    looking_ = false;
  }

  WorkClock* clock_;
  uint64_t left_ = std::numeric_limits<uint64_t>::max();
  uint64_t look_ticks_ = 0;  // what it takes to look at the clock
  bool looking_ = false;
  WorkPhase phase_ = WorkPhase::kRead;
  uint64_t since_ = 0;
  PhaseTicks ticks_{};
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_PHASE_SAMPLER_H_
