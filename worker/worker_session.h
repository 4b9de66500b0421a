// The worker's end of one session with its master: the calls it makes.
//
// Lives on one event loop, at most as long as the connection.
#ifndef MILLRACE_WORKER_WORKER_SESSION_H_
#define MILLRACE_WORKER_WORKER_SESSION_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "rpc/master.capnp.h"
#include "rpc/task_types.h"
#include "worker/executor_task.h"
#include "worker/outcome_reporter.h"

namespace millrace {

class WorkerSession {
 public:
  struct Terms {
    WorkerSessionId id;
    kj::Duration heartbeat = 1 * kj::SECONDS;
    kj::Duration lease = 10 * kj::SECONDS;
    kj::Duration call_timeout = 30 * kj::SECONDS;
  };

  WorkerSession(kj::Timer& timer, capnp_master::WorkerSession::Client calls, const Terms& terms);
  KJ_DISALLOW_COPY(WorkerSession);

  const WorkerSessionId& id() const { return terms_.id; }
  kj::Duration heartbeat_period() const { return terms_.heartbeat; }

  // All reject when the master does not answer in time.
  kj::Promise<bool> Heartbeat(const std::vector<std::pair<AttemptId, AttemptProgress>>& progress);
  kj::Promise<OutcomeVerdict> Report(const AttemptOutcome& outcome);
  kj::Promise<void> SourcesReady(const AttemptId& attempt, uint64_t version);
  kj::Promise<void> Drain();

 private:
  kj::Timer& timer_;
  capnp_master::WorkerSession::Client calls_;
  const Terms terms_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_WORKER_SESSION_H_
