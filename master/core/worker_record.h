// Everything the core knows of one worker process: its slots, what runs on it, what it holds.
#ifndef MILLRACE_MASTER_CORE_WORKER_RECORD_H_
#define MILLRACE_MASTER_CORE_WORKER_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "master/core/core_time.h"
#include "master/core/views.h"
#include "rpc/ids.h"

namespace millrace {

// What a worker has of one job.
struct WorkerShare {
  // The source version up to which it has been told.
  uint32_t told_version = 0;
  // Map tasks whose output it made; an entry counts while the task's winner is here.
  std::vector<uint32_t> outputs;

  // Pauses without a success between; no attempt starts before `paused_until`.
  uint32_t pauses = 0;
  CoreTime paused_until;
  // The worker can never run the job, as long as it stays registered.
  bool unfit = false;
};

struct WorkerRecord {
  WorkerId id;
  Incarnation incarnation;
  std::string name;
  std::string host_id;

  WorkerState state = WorkerState::kAwaited;
  bool lost_earlier = false;  // before this master started
  CoreTime last_heartbeat;
  CoreTime suspect_since;

  uint32_t slots = 0;
  uint32_t slots_used = 0;
  uint32_t fetchers = 0;      // reduce attempts that fetch, or wait for a slot
  uint32_t fetchers_max = 0;  // so many may
  absl::btree_set<AttemptId> attempts;
  uint64_t attempts_started = 0;
  // Times that a backup of what it ran was done first, since it was last as fast as the others.
  uint32_t races_lost = 0;
  // Reduce attempts whose sources are ready, first come first; at most fetchers_max.
  std::vector<AttemptId> ready;
  absl::btree_map<JobId, WorkerShare> shares;
  // Workers that it cannot exchange map outputs with, and until when that is believed (reach.h).
  absl::btree_map<WorkerId, CoreTime> cut_from;

  // What may be sent to it: nothing at all unless reachable, new work only when joined.
  bool reachable() const {
    return state == WorkerState::kJoined || state == WorkerState::kDraining;
  }
  // Others get work first.
  bool slow() const { return races_lost >= kRacesToBeSlow; }
  static constexpr uint32_t kRacesToBeSlow = 2;  // one may be chance
  bool lost() const { return state == WorkerState::kLost; }
  uint32_t free_slots() const { return slots > slots_used ? slots - slots_used : 0; }
  uint32_t free_fetchers() const { return fetchers_max > fetchers ? fetchers_max - fetchers : 0; }

  // The keys under which the cluster's indexes hold this worker; 0 or not set if they do not.
  uint32_t indexed_slots = 0;
  uint32_t indexed_fetchers = 0;
  bool indexed_grantable = false;
  bool has_alarm = false;
  CoreTime alarm;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_WORKER_RECORD_H_
