// The I/O thread of a simulated process: runs blocking work in order, each piece after the time
// that a disk takes for it, on the process's own clock.
#ifndef MILLRACE_TESTS_SIM_DISK_RUNNER_H_
#define MILLRACE_TESTS_SIM_DISK_RUNNER_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <deque>
#include <functional>

#include "rpc/io_thread.h"
#include "tests/sim/random.h"
#include "tests/sim/world.h"

namespace millrace::sim {

class DiskRunner final : public BlockingRunner, private kj::TaskSet::ErrorHandler {
 public:
  explicit DiskRunner(Life& life)
      : life_(life), random_(life.world().random().Fork()), tasks_(*this) {}
  ~DiskRunner() noexcept override {}
  KJ_DISALLOW_COPY(DiskRunner);

  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override;

  // Every piece of work takes up to so much longer from now on.
  void SetDelay(kj::Duration most) { most_ = most; }
  // Nothing gets done until Heal.
  void Hang();
  void Heal();

 private:
  static constexpr kj::Duration kHealthy = 400 * kj::MICROSECONDS;

  struct Piece {
    std::function<absl::Status()> work;
    kj::Own<kj::PromiseFulfiller<absl::Status>> done;
  };

  kj::Promise<void> RunFirst();
  kj::Promise<void> FinishFirst();
  void taskFailed(kj::Exception&& exception) override;

  Life& life_;
  Random random_;
  kj::Duration most_ = kHealthy;
  std::deque<Piece> pieces_;
  bool running_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> healed_;  // set while it hangs
  kj::ForkedPromise<void> healing_ = nullptr;
  kj::TaskSet tasks_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_DISK_RUNNER_H_
