// The client's end of calls whose fate matters: says how often a call may run, sends it again when
// connections break, and tells in the end whether it was done, refused, or nobody knows.
//
//   Caller caller(timer, "the bank at 10.0.0.1:7100", dial, options);
//   caller.Call(CallMode::kAtMostOnce, "deduct 10").then([](CallResult result) { ... });
//
//   mode            sent again   runs             the rest
//   kPlain          never        at most once     unknown when the connection breaks meanwhile
//   kAtLeastOnce    until done   once or more     for reads, and what may be repeated
//   kAtMostOnce     until done   at most once     the server keeps the reply until it was seen
//   kExactlyOnce    for ever     exactly once     as kAtMostOnce, with no deadline; needs a server
//                                                 whose replies survive it (rpc/durable_calls.h)
//
// A call is sent again when its connection has broken, or the server has put it off; one that is
// merely slow is waited for, as long as the server answers pings.
//
// A session with the server is opened with the first call that needs one, and again when the server
// says that it has expired: a call that was not sent before goes on in the new session, any other
// is unknown. Lives on one event loop.
#ifndef MILLRACE_RPC_CALLER_H_
#define MILLRACE_RPC_CALLER_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "rpc/backoff.h"
#include "rpc/call_types.h"
#include "rpc/preamble.h"
#include "rpc/redialer.h"

namespace millrace {

enum class CallMode { kPlain, kAtLeastOnce, kAtMostOnce, kExactlyOnce };

struct CallerOptions {
  // How long a call is tried, in all modes but kExactlyOnce.
  kj::Duration deadline = 30 * kj::SECONDS;
  // How often a silent server is asked whether it is there, and how long it may take: else its
  // connection is given up (rpc/pinger.h).
  kj::Duration ping_period = 5 * kj::SECONDS;
  kj::Duration ping_timeout = 10 * kj::SECONDS;
  BackoffOptions backoff;
  // Calls that wait for their replies; more are refused.
  size_t max_outstanding = 1024;
  Entropy entropy = KernelEntropy();
};

class Caller {
 public:
  // `dial` gives a connection whose peer is a CallServer (rpc/call.capnp); `peer` names it in
  // messages.
  Caller(kj::Timer& timer, std::string peer, DialFunction dial, const CallerOptions& options = {});
  ~Caller() noexcept(false);
  KJ_DISALLOW_COPY(Caller);

  // The bytes of `request` are copied before this returns; those of a plain call only into the
  // message, if there is a connection.
  //
  // Rejects only with what is a bug. Dropping the promise cancels the call: of a plain one the
  // server hears of that, any other runs to its end there, since a copy may wait for its reply. The
  // promise must not outlive the caller.
  kj::Promise<CallResult> Call(CallMode mode, std::string_view request);

  // What the server knows us by.
  const ClientId& client() const;

 private:
  class Impl;
  kj::Own<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALLER_H_
