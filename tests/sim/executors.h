// Executors of a simulated worker: they run the real engine on the worker's files, and take as long
// as they are told.
//
// An attempt's work is done in one go, at its beginning or at its end (either may be what a real
// executor has done when it is killed in the middle); its outcome comes after a virtual time that
// is drawn. User code fails where the plan says so.
#ifndef MILLRACE_TESTS_SIM_EXECUTORS_H_
#define MILLRACE_TESTS_SIM_EXECUTORS_H_

#include <kj/async.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "storage/file_system.h"
#include "tests/sim/workload.h"
#include "tests/sim/world.h"
#include "worker/executor.h"
#include "worker/task_executor.h"

namespace millrace::sim {

// How user code behaves in the whole cluster: shared by all workers.
struct UserCode {
  kj::Duration shortest = 20 * kj::MILLISECONDS;
  kj::Duration longest = 2 * kj::SECONDS;
  double slow_chance = 0.02;  // of an attempt that takes 30 times as long

  // Attempts of a task that still have to fail before one succeeds.
  std::map<TaskId, uint32_t> failures;
  // Failures that happened.
  std::map<TaskId, uint32_t> failed;
};

class Executors final : public ExecutorFactory {
 public:
  // All must outlive it. A job's program is recognised by the name of its binary.
  Executors(Life& life, FileSystem& files, UserCode& user_code)
      : life_(life), files_(files), user_code_(user_code), random_(life.world().random().Fork()) {}

  absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) override;

  // Attempts that run now, by executor.
  const std::set<AttemptId>& running() const { return running_; }

 private:
  class SimExecutor;

  Life& life_;
  FileSystem& files_;
  UserCode& user_code_;
  Random random_;
  std::set<AttemptId> running_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_EXECUTORS_H_
