// The attempts that this worker has been given and that have not ended.
//
// The master counts slots, so normally an attempt runs at once. But this worker never runs more
// than it has slots: right after a reconnect the master may count differently, and what does not
// fit waits its turn. Lives on one event loop.
#ifndef MILLRACE_WORKER_ATTEMPT_TABLE_H_
#define MILLRACE_WORKER_ATTEMPT_TABLE_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/memory.h>

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "rpc/task_types.h"
#include "worker/attempt_logs.h"
#include "worker/attempt_run.h"
#include "worker/job_table.h"

namespace millrace {

// What this worker tells its master of an attempt when it registers.
struct ListedAttempt {
  AttemptId attempt;
  TaskId task;
  bool holds_slot = false;  // a reduce attempt that was granted one
};

class AttemptTable final : private AttemptRun::Owner, private kj::TaskSet::ErrorHandler {
 public:
  // Far more than any master gives a worker: its slots and as many fetching reduces.
  static constexpr size_t kMaxAttempts = 10'000;

  struct Callbacks {
    // A reduce asks for a slot.
    kj::Function<void(const AttemptId&, uint64_t version)> sources_ready;
    // An attempt ended; those that were cancelled end silently.
    kj::Function<void(AttemptOutcome)> ended;
    // No attempt is left.
    kj::Function<void()> idle;
  };

  // `host` must outlive this object.
  AttemptTable(const AttemptHost& host, uint32_t slots, Callbacks callbacks);
  KJ_DISALLOW_COPY(AttemptTable);

  // Starts an attempt of a known job. An attempt that is here already is left alone: the master may
  // say things twice. Too many attempts, or an unknown job, end at once.
  void Launch(AttemptSpec spec, const KnownJob* job);
  void Grant(const AttemptId& attempt);
  void Cancel(const AttemptId& attempt);
  void CancelJob(JobId job);
  void CancelAll();
  // News about the sources of `job`.
  void Publish(JobId job, uint64_t version, const std::vector<MapSource>& sources,
               const std::map<WorkerId, ShuffleAddress>& addresses);

  // What runs or fetches.
  std::vector<ListedAttempt> Attempts() const;
  std::vector<std::pair<AttemptId, AttemptProgress>> Progress();
  // Of attempts that run or have ended here.
  AttemptLog FindLog(const AttemptId& attempt);
  void ForgetLogs() { logs_.Clear(); }
  // A session begins, in which source versions are counted anew.
  void ForgetVersions();
  bool idle() const { return attempts_.empty(); }

 private:
  void OnSourcesReady(const AttemptRun& attempt, uint64_t version) override;
  void OnWantsSlot(const AttemptRun& attempt) override;
  void OnEnded(const AttemptRun& attempt, AttemptOutcome outcome) override;

  void Refuse(const AttemptSpec& spec, const std::string& why);
  void GiveSlots();
  void Remove(const AttemptId& attempt);
  void taskFailed(kj::Exception&& exception) override;

  const AttemptHost& host_;
  const uint32_t slots_;
  Callbacks callbacks_;
  uint32_t running_ = 0;
  std::deque<AttemptId> waiting_;  // for a slot, in order
  std::map<AttemptId, kj::Own<AttemptRun>> attempts_;
  AttemptLogs logs_;  // of those that have ended
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_TABLE_H_
