// A disk that stands still, or takes nothing more, when a test says so.
#ifndef MILLRACE_WORKER_TESTDATA_HOLDING_RUNNER_H_
#define MILLRACE_WORKER_TESTDATA_HOLDING_RUNNER_H_

#include <kj/async.h>

#include <deque>
#include <functional>
#include <utility>

#include "rpc/io_thread.h"

namespace millrace {

class HoldingRunner final : public BlockingRunner {
 public:
  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override {
    on_work();
    if (full > 0) {
      --full;
      return absl::Status(absl::ResourceExhaustedError("the queue is full"));
    }
    if (!hold) return work();
    auto paf = kj::newPromiseAndFulfiller<absl::Status>();
    held.push_back({std::move(work), kj::mv(paf.fulfiller)});
    return kj::mv(paf.promise);
  }

  void Release() {
    hold = false;
    for (; !held.empty(); held.pop_front()) held.front().end->fulfill(held.front().work());
  }

  struct Held {
    std::function<absl::Status()> work;
    kj::Own<kj::PromiseFulfiller<absl::Status>> end;
  };

  bool hold = false;
  int full = 0;                             // how many pieces of work are refused
  std::function<void()> on_work = []() {};  // called before each
  std::deque<Held> held;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_TESTDATA_HOLDING_RUNNER_H_
