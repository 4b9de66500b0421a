// Wakes whoever waits for something to change.
//
//   kj::Promise<void> Watch() {
//     if (enough()) return kj::READY_NOW;
//     return bell_.Next().then([this]() { return Watch(); });
//   }
//
// A waiter that loses interest drops its promise. The promises may outlive the bell; they are then
// never fulfilled. Lives on one event loop.
#ifndef MILLRACE_APPS_CHAT_BELL_H_
#define MILLRACE_APPS_CHAT_BELL_H_

#include <kj/async.h>

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace millrace::chat {

class Bell {
 public:
  Bell() = default;
  KJ_DISALLOW_COPY(Bell);

  // Resolves when the bell rings the next time.
  kj::Promise<void> Next() { return kj::newAdaptedPromise<void, Waiter>(waiters_); }

  void Ring() {
    // Fulfilling runs no foreign code: continuations come in a later turn of the loop.
    for (Waiter* const waiter : *waiters_) waiter->Wake();
  }

  size_t waiters() const { return waiters_->size(); }

 private:
  class Waiter;
  using Waiters = std::list<Waiter*>;  // in the order of asking, so that runs repeat themselves

  // Lives inside the promise; its destruction is the waiter's loss of interest.
  class Waiter {
   public:
    Waiter(kj::PromiseFulfiller<void>& fulfiller, std::shared_ptr<Waiters> waiters)
        : fulfiller_(fulfiller),
          waiters_(std::move(waiters)),
          self_(waiters_->insert(waiters_->end(), this)) {}
    ~Waiter() { waiters_->erase(self_); }
    KJ_DISALLOW_COPY(Waiter);

    void Wake() { fulfiller_.fulfill(); }

   private:
    kj::PromiseFulfiller<void>& fulfiller_;
    const std::shared_ptr<Waiters> waiters_;
    const Waiters::iterator self_;
  };

  const std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_BELL_H_
