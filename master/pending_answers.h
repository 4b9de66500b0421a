// Callers that wait for an answer which the core gives later, by key.
//
//   kj::Promise<Verdict> answer = reports_.Await(key);   // first: the answer may come at once
//   shell_.Happened(AttemptReported{...});
//   ...
//   reports_.Answer(key, verdict);                       // everybody who waits for this key
//
// A caller that loses interest drops its promise, which takes it off the list. The promises may
// outlive the list; they are then never fulfilled. One loop; not thread-safe.
#ifndef MILLRACE_MASTER_PENDING_ANSWERS_H_
#define MILLRACE_MASTER_PENDING_ANSWERS_H_

#include <kj/async.h>

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace millrace {

template <typename Key, typename T>
class PendingAnswers {
 public:
  kj::Promise<T> Await(const Key& key) { return kj::newAdaptedPromise<T, Waiter>(waiters_, key); }

  void Answer(const Key& key, const T& value) {
    // Fulfilling runs no foreign code: continuations come in a later turn of the loop.
    auto [first, last] = waiters_->equal_range(key);
    for (auto it = first; it != last; ++it) it->second->Fulfil(value);
  }

  size_t size() const { return waiters_->size(); }

 private:
  class Waiter;
  using Waiters = std::multimap<Key, Waiter*>;

  // Lives inside the promise; its destruction is the caller's loss of interest.
  class Waiter {
   public:
    Waiter(kj::PromiseFulfiller<T>& fulfiller, std::shared_ptr<Waiters> waiters, const Key& key)
        : fulfiller_(fulfiller),
          waiters_(std::move(waiters)),
          self_(waiters_->emplace(key, this)) {}
    ~Waiter() { waiters_->erase(self_); }
    KJ_DISALLOW_COPY(Waiter);

    void Fulfil(const T& value) { fulfiller_.fulfill(T(value)); }

   private:
    kj::PromiseFulfiller<T>& fulfiller_;
    const std::shared_ptr<Waiters> waiters_;
    const typename Waiters::iterator self_;
  };

  const std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_PENDING_ANSWERS_H_
