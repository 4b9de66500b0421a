// Four ways to call a server.
//
//   synchronous   CallAndWait(loop, call)          stands still until the reply is there
//   callback      CallWithCallback(call, f)        goes on; f runs when the reply has come
//   future        Future future(loop, call)        goes on, and looks now and then whether it has
//   call object   Call call(...)                   goes on; done, error and reply are on the object
//
// A call is a promise of the reply: the request was sent when the promise was made, and who drops
// the promise takes the call back. Only a reply that waits costs time, not a request that is sent:
// eight calls of one second to eight servers take eight seconds in the first way, one in the
// others.
//
// Every way ends in an absl::StatusOr<Reply>: the reply, or why there is none. Waiting is for the
// outermost code of a program. A server or a callback runs within the event loop, which could not
// turn while it waits, and the reply would never come.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_WORDCOUNT_RPC_WAYS_TO_CALL_H_
#define MILLRACE_APPS_WORDCOUNT_RPC_WAYS_TO_CALL_H_

#include <kj/async.h>
#include <kj/exception.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/status_exception.h"

namespace millrace {

// 1. Synchronous: looks like a function call. Nothing else of the caller's happens meanwhile.
template <typename Reply>
absl::StatusOr<Reply> CallAndWait(kj::WaitScope& loop, kj::Promise<Reply> call) {
  absl::StatusOr<Reply> outcome = absl::UnknownError("no reply yet");
  const auto failure = kj::runCatchingExceptions([&]() { outcome = call.wait(loop); });
  KJ_IF_MAYBE (exception, failure) outcome = ToStatus(*exception);
  return outcome;
}

// 2. Asynchronous with a callback: `callback` gets the outcome, once, in a later turn of the loop.
// Whoever drops what is returned before takes the call back, and the callback never runs.
template <typename Reply, typename Callback>
kj::Promise<void> CallWithCallback(kj::Promise<Reply> call, Callback callback) {
  return call
      .then([callback](Reply reply) { callback(absl::StatusOr<Reply>(std::move(reply))); },
            [callback](kj::Exception&& e) { callback(absl::StatusOr<Reply>(ToStatus(e))); })
      .eagerlyEvaluate(nullptr);  // else it would begin only when somebody waits for it
}

// 3. Asynchronous with a future: what will be the reply.
//
//   while (!future.Ready()) DoOtherWork();
//   absl::StatusOr<Reply> outcome = future.Get();
template <typename Reply>
class Future {
 public:
  Future(kj::WaitScope& loop, kj::Promise<Reply> call)
      : loop_(loop), call_(call.eagerlyEvaluate(nullptr)) {}

  // Whether Get would not have to wait. Gives the loop a chance to turn, and never waits itself.
  bool Ready() { return call_.poll(loop_); }

  // Waits for the outcome if it must. Once.
  absl::StatusOr<Reply> Get() { return CallAndWait(loop_, kj::mv(call_)); }

 private:
  kj::WaitScope& loop_;
  kj::Promise<Reply> call_;
};

// 4. A call object: the call and all that becomes of it in one place. As `Go` of Go's net/rpc.
template <typename Reply>
class Call {
 public:
  explicit Call(kj::Promise<Reply> call)
      : ended_(call.then([this](Reply reply) { End(std::move(reply)); },
                         [this](kj::Exception&& e) { End(ToStatus(e)); })
                   .fork()) {}
  KJ_DISALLOW_COPY(Call);

  bool done() const { return done_; }
  // Once done: why there is no reply; OK: there is one.
  const absl::Status& error() const { return outcome_.status(); }
  // Once done and without an error.
  const Reply& reply() const { return *outcome_; }

  // Resolves when it is done, however it ended. Any number of times.
  kj::Promise<void> OnDone() { return ended_.addBranch(); }

 private:
  void End(absl::StatusOr<Reply> outcome) {
    outcome_ = std::move(outcome);
    done_ = true;
  }

  bool done_ = false;
  absl::StatusOr<Reply> outcome_ = absl::UnknownError("no reply yet");
  kj::ForkedPromise<void> ended_;  // goes first: it refers to the others
};

}  // namespace millrace

#endif  // MILLRACE_APPS_WORDCOUNT_RPC_WAYS_TO_CALL_H_
