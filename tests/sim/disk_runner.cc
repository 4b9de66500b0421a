#include "tests/sim/disk_runner.h"

#include <utility>

#include "glog/logging.h"

namespace millrace::sim {

kj::Promise<absl::Status> DiskRunner::Run(std::function<absl::Status()> work) {
  auto paf = kj::newPromiseAndFulfiller<absl::Status>();
  pieces_.push_back({std::move(work), kj::mv(paf.fulfiller)});
  if (!running_) {
    running_ = true;
    tasks_.add(RunFirst());
  }
  return kj::mv(paf.promise);
}

kj::Promise<void> DiskRunner::RunFirst() {
  const auto most_us = most_ / kj::MICROSECONDS;
  const kj::Duration delay = static_cast<int64_t>(random_.Below(most_us + 1)) * kj::MICROSECONDS;
  return life_.timer().afterDelay(delay).then([this]() -> kj::Promise<void> {
    if (healed_ == nullptr) return FinishFirst();
    return healing_.addBranch().then([this]() { return FinishFirst(); });
  });
}

kj::Promise<void> DiskRunner::FinishFirst() {
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  piece.done->fulfill(piece.work());
  if (!pieces_.empty()) return RunFirst();
  running_ = false;
  return kj::READY_NOW;
}

void DiskRunner::Hang() {
  auto healing = kj::newPromiseAndFulfiller<void>();
  healing_ = healing.promise.fork();
  healed_ = kj::mv(healing.fulfiller);
}

void DiskRunner::Heal() {
  most_ = kHealthy;
  KJ_IF_MAYBE (healed, healed_) (*healed)->fulfill();
  healed_ = nullptr;
}

void DiskRunner::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "on the simulated I/O thread: " << kj::str(exception).cStr();
}

}  // namespace millrace::sim
