// What the master can call on a worker, over one connection: decodes, checks the session, calls.
//
// A message that comes before the answer to the registration is held until the session is known.
// Lives on one event loop; serves as long as the shell lives.
#ifndef MILLRACE_WORKER_WORKER_SERVER_H_
#define MILLRACE_WORKER_WORKER_SERVER_H_

#include <kj/async.h>

#include "rpc/call_scope.h"
#include "rpc/worker.capnp.h"
#include "worker/worker_shell.h"

namespace millrace {

class WorkerServer final : public ScopedServer<capnp_worker::Worker> {
 public:
  // `registered` resolves when the session has begun. `scope` is the shell's.
  WorkerServer(WorkerShell& shell, const CallScope& scope, kj::Promise<void> registered);

  kj::Promise<void> prepareJob(PrepareJobContext context) override;
  kj::Promise<void> publishSources(PublishSourcesContext context) override;
  kj::Promise<void> launch(LaunchContext context) override;
  kj::Promise<void> grantSlot(GrantSlotContext context) override;
  kj::Promise<void> cancel(CancelContext context) override;
  kj::Promise<void> releaseJob(ReleaseJobContext context) override;
  kj::Promise<void> retainOutputs(RetainOutputsContext context) override;
  kj::Promise<void> dropOutputs(DropOutputsContext context) override;
  kj::Promise<void> attemptLogs(AttemptLogsContext context) override;
  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }

 private:
  // Calls `act` once the session has begun, if the message belongs to it; a stale one is dropped.
  template <typename Params, typename Act>
  kj::Promise<void> InSession(Params params, Act act);

  WorkerShell& shell_;
  kj::ForkedPromise<void> registered_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_WORKER_SERVER_H_
