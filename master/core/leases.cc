#include "master/core/leases.h"

#include <algorithm>

namespace millrace {

void Leases::Watch(WorkerRecord* worker) {
  const CoreTime deadline = DeadlineOf(*worker);
  if (!worker->has_alarm || deadline < worker->alarm) SetAlarm(worker, deadline);
}

void Leases::Forget(WorkerRecord* worker) {
  if (worker->has_alarm) alarms_.erase({worker->alarm.micros(), worker->id});
  worker->has_alarm = false;
}

std::vector<WorkerId> Leases::TakeExpired() {
  std::vector<WorkerId> expired;
  while (!alarms_.empty() && alarms_.begin()->first <= turn_.now().micros()) {
    WorkerRecord* worker = turn_.cluster().FindWorker(alarms_.begin()->second);
    const CoreTime deadline = DeadlineOf(*worker);
    if (deadline <= turn_.now()) {
      Forget(worker);
      expired.push_back(worker->id);
    } else {
      SetAlarm(worker, deadline);
    }
  }
  return expired;
}

void Leases::AskForTick(std::optional<CoreTime> other) {
  if (alarms_.empty() && !other.has_value()) return;
  CoreTime next = alarms_.empty() ? *other : CoreTime::FromMicros(alarms_.begin()->first);
  if (other.has_value()) next = std::min(next, *other);
  if (tick_on_its_way_ && tick_at_ <= next) return;
  tick_on_its_way_ = true;
  tick_at_ = next;
  turn_.Do(WakeAt{next});
}

CoreTime Leases::DeadlineOf(const WorkerRecord& worker) const {
  const CoreTime silent = worker.last_heartbeat + turn_.options().lease;
  if (worker.state != WorkerState::kSuspect) return silent;
  return std::min(silent, worker.suspect_since + turn_.options().disconnect_grace);
}

void Leases::SetAlarm(WorkerRecord* worker, CoreTime at) {
  Forget(worker);
  worker->has_alarm = true;
  worker->alarm = at;
  alarms_.insert({at.micros(), worker->id});
}

}  // namespace millrace
