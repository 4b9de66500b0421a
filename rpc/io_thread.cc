#include "rpc/io_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace millrace {

// What the thread and those who give it work share.
class IoThread::Queue {
 public:
  Queue() : thread_([this]() { RunAll(); }) {}

  ~Queue() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  bool Push(std::function<void()> work) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (work_.size() >= kMaxQueued) return false;
      work_.push_back(std::move(work));
    }
    changed_.notify_one();
    return true;
  }

 private:
  void RunAll() {
    while (std::function<void()> work = WaitForWork()) work();
  }

  // Null when the queue is closed and empty.
  std::function<void()> WaitForWork() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this]() { return closed_ || !work_.empty(); });
    if (work_.empty()) return nullptr;
    std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    return work;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;  // guarded by mutex_
  bool closed_ = false;                     // guarded by mutex_
  std::thread thread_;                      // last: it uses all of the above
};

IoThread::IoThread() : queue_(std::make_unique<Queue>()) {}

IoThread::~IoThread() = default;

kj::Promise<absl::Status> IoThread::Run(std::function<absl::Status()> work) {
  struct Errand {
    std::function<absl::Status()> work;
    absl::Status status;  // written by the thread before `done`, read by the loop after it
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> done;
  };
  auto pair = kj::newPromiseAndCrossThreadFulfiller<void>();
  auto errand = std::make_shared<Errand>();
  errand->work = std::move(work);
  errand->done = kj::mv(pair.fulfiller);
  const bool accepted = Post([errand]() {
    errand->status = errand->work();
    errand->done->fulfill();
  });
  if (!accepted) {
    return absl::Status(absl::ResourceExhaustedError(
        "the I/O thread is too far behind: 1024 operations wait; is a disk stuck?"));
  }
  return pair.promise.then([errand]() { return errand->status; });
}

bool IoThread::Post(std::function<void()> work) { return queue_->Push(std::move(work)); }

kj::Promise<absl::Status> InlineRunner::Run(std::function<absl::Status()> work) { return work(); }

}  // namespace millrace
