// When each worker's patience runs out: a worker that is silent for a lease, or disconnected for a
// grace, is lost.
//
// Failures may be false: a silent worker may be alive behind a partition, so being lost only means
// that its results no longer count. A heartbeat costs nothing here; an alarm that rings too early
// is set again, so there is one entry per worker and about one operation per worker and lease.
#ifndef MILLRACE_MASTER_CORE_LEASES_H_
#define MILLRACE_MASTER_CORE_LEASES_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "master/core/turn.h"
#include "master/core/worker_record.h"

namespace millrace {

class Leases {
 public:
  explicit Leases(Turn* turn) : turn_(*turn) {}

  // The deadline of `worker` may have come closer.
  void Watch(WorkerRecord* worker);
  void Forget(WorkerRecord* worker);

  // Workers whose time is up, in order of their deadlines. They are no longer watched.
  std::vector<WorkerId> TakeExpired();

  // Asks for a Tick at the next alarm, or at `other` if that is earlier, unless one is on its way.
  void AskForTick(std::optional<CoreTime> other);
  void TickArrived() { tick_on_its_way_ = false; }

 private:
  CoreTime DeadlineOf(const WorkerRecord& worker) const;
  void SetAlarm(WorkerRecord* worker, CoreTime at);

  Turn& turn_;
  absl::btree_set<std::pair<int64_t, WorkerId>> alarms_;  // by microseconds
  bool tick_on_its_way_ = false;
  CoreTime tick_at_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_LEASES_H_
