// One turn of the core: the event's time, and the decision as it grows. Every rule speaks through
// it, so nothing becomes durable without being applied, and nothing is applied without being
// journalled.
#ifndef MILLRACE_MASTER_CORE_TURN_H_
#define MILLRACE_MASTER_CORE_TURN_H_

#include <cstdint>
#include <utility>

#include "master/core/cluster_state.h"
#include "master/core/core_time.h"
#include "master/core/decision.h"

namespace millrace {

class Turn {
 public:
  // Both outlive the turn's owner.
  Turn(const CoreOptions* options, ClusterState* cluster)
      : options_(*options), cluster_(*cluster) {}

  void Begin(CoreTime now) {
    now_ = now;
    decision_ = Decision();
  }
  Decision Finish() { return std::move(decision_); }

  // Makes a fact true and durable.
  void Emit(JobEdit edit) {
    cluster_.Apply(edit);
    decision_.edits.push_back(std::move(edit));
  }
  // A reduce attempt asks for a slot, gets it, or has to fetch once more.
  void SetPhase(const AttemptId& id, Phase phase) {
    cluster_.SetPhase(id, phase);
    Pace& pace = cluster_.FindAttempt(id)->pace;
    phase == Phase::kReady ? pace.Wait(now_) : pace.Resume(now_);
  }
  void Do(Action action) { decision_.actions.push_back(std::move(action)); }

  const CoreOptions& options() const { return options_; }
  ClusterState& cluster() { return cluster_; }
  CoreTime now() const { return now_; }
  int64_t wall_us() const { return options_.started_wall_us + now_.micros(); }

 private:
  const CoreOptions& options_;
  ClusterState& cluster_;
  CoreTime now_;
  Decision decision_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_TURN_H_
