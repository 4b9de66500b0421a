// A deadline for a promise. KJ and Cap'n Proto have none by default, so every call gets one here.
#ifndef MILLRACE_RPC_DEADLINE_H_
#define MILLRACE_RPC_DEADLINE_H_

#include <kj/async.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <string>
#include <utility>

namespace millrace {

// "5 s", "250 ms", "1.5 s".
std::string FormatDuration(kj::Duration duration);

// OVERLOADED: "WHAT: no answer within 5 s".
kj::Exception DeadlineExceeded(const std::string& what, kj::Duration limit);

// Gives what `promise` gives, or cancels it after `limit` and rejects with DeadlineExceeded. `what`
// names the call and the peer: "registering with the master at 10.0.0.1:7070".
template <typename T>
kj::Promise<T> WithDeadline(kj::Timer& timer, kj::Duration limit, std::string what,
                            kj::Promise<T> promise) {
  return promise.exclusiveJoin(
      timer.afterDelay(limit).then([limit, what = std::move(what)]() -> kj::Promise<T> {
        return DeadlineExceeded(what, limit);
      }));
}

}  // namespace millrace

#endif  // MILLRACE_RPC_DEADLINE_H_
