// Keeps executors warm between attempts of one job.
//
// An attempt takes an executor out and gives it back when it is idle again. Busy and idle ones
// together never outnumber the slots: when another job needs a slot, the one idle for longest ends.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_EXECUTOR_POOL_H_
#define MILLRACE_WORKER_EXECUTOR_POOL_H_

#include <kj/memory.h>

#include <cstdint>
#include <list>

#include "absl/status/statusor.h"
#include "rpc/ids.h"
#include "worker/executor.h"

namespace millrace {

class ExecutorPool {
 public:
  // `factory` must outlive this object.
  ExecutorPool(ExecutorFactory& factory, uint32_t slots) : factory_(factory), slots_(slots) {}
  KJ_DISALLOW_COPY(ExecutorPool);

  // An idle executor of `job`, or one newly started with `command`.
  absl::StatusOr<kj::Own<Executor>> Take(JobId job, const ExecutorCommand& command);

  // Gives back an executor that Take gave; a dead one is buried. Before it is given back, one whose
  // job has ended, or whose attempt is still running, must be killed.
  void GiveBack(JobId job, kj::Own<Executor> executor);

  // The job is over: its idle executors end.
  void EndJob(JobId job);

  uint32_t busy() const { return busy_; }
  size_t idle() const { return idle_.size(); }

 private:
  struct Idle {
    JobId job;
    kj::Own<Executor> executor;
  };

  void DropDead();

  ExecutorFactory& factory_;
  const uint32_t slots_;
  uint32_t busy_ = 0;
  std::list<Idle> idle_;  // idle for longest first
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_EXECUTOR_POOL_H_
