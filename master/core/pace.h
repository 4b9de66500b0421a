// How fast a running attempt gets on, as far as its worker's reports show.
//
// Two questions are asked of it: for how long has nothing got done, and what does a unit of work
// cost here (a byte that a map reads, a record that a reduce consumes). Time in which a reduce
// waits for a slot counts for neither. Only what is reported counts: silence is the lease's
// business.
#ifndef MILLRACE_MASTER_CORE_PACE_H_
#define MILLRACE_MASTER_CORE_PACE_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "master/core/core_time.h"

namespace millrace {

class Pace {
 public:
  // An attempt that an earlier master launched: what it had done before is known only when it has
  // reported twice.
  Pace() = default;
  // An attempt that was launched at `now`.
  explicit Pace(CoreTime now)
      : began_(now), changed_(now), seen_(now), asked_(now), reports_to_base_(0) {}

  // `steps` grows whenever anything gets done; `done` of `total` is behind it, 0 if unknown. A
  // worker asks its executors when it has sent a heartbeat and reports the answers with the next
  // one: they are as old as the report before.
  void Report(CoreTime now, uint64_t steps, uint64_t done, uint64_t total);
  // It has all it needs and waits for a slot; it has got one.
  void Wait(CoreTime now);
  void Resume(CoreTime now);
  // Nobody could report for a while: that was no stall.
  void Forgive(CoreTime now);

  bool waiting() const { return waiting_since_.has_value(); }
  // For how long it has been at work.
  absl::Duration Elapsed(CoreTime now) const { return waiting_since_.value_or(now) - began_; }
  // For how long, as of the last report, it has got nothing done.
  absl::Duration Stall() const { return seen_ - changed_; }
  // Seconds that a unit of its work has taken so far; not set while none is seen to be done.
  std::optional<double> UnitCost() const;
  // Units that are left, and all of them; 0 when not known.
  uint64_t left() const { return total_ > done_ ? total_ - done_ : 0; }
  uint64_t total() const { return total_; }

 private:
  CoreTime began_;
  CoreTime changed_;  // of the last report with progress
  CoreTime seen_;     // of the last report
  CoreTime asked_;    // of the one before: what the last one says was so then
  std::optional<CoreTime> waiting_since_;
  int reports_to_base_ = 2;
  uint64_t base_ = 0;  // units done when it began, as far as is known here
  uint64_t steps_ = 0;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_PACE_H_
