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
#include <utility>

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
  double stuck_chance = 0;    // of an attempt that gets nothing done until it is killed
  // Attempts on these workers take 30 times as long, too.
  std::set<std::string> slow_workers;

  // Attempts of a task that still have to fail before one succeeds.
  std::map<TaskId, uint32_t> failures;
  // Failures that happened, also those at bad records, and attempts that got stuck.
  std::map<TaskId, uint32_t> failed;
  std::map<TaskId, uint32_t> failed_at_records;
  std::set<InputRecord> bad_records;  // of all jobs
  std::map<TaskId, uint32_t> stuck;
};

class Executors final : public ExecutorFactory {
 public:
  // Those of `worker`. All must outlive it. A job's program is recognised by the name of its
  // binary.
  Executors(Life& life, FileSystem& files, UserCode& user_code, std::string worker)
      : life_(life),
        files_(files),
        user_code_(user_code),
        worker_(std::move(worker)),
        random_(life.world().random().Fork()) {}

  absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) override;

  // Attempts that run now, by executor.
  const std::set<AttemptId>& running() const { return running_; }

 private:
  class SimExecutor;

  Life& life_;
  FileSystem& files_;
  UserCode& user_code_;
  const std::string worker_;
  Random random_;
  std::set<AttemptId> running_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_EXECUTORS_H_
