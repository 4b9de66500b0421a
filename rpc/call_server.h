// The server's end of calls that run once (rpc/caller.h): a filter between the wire and a service.
//
//   * A call runs once; a copy of it gets the identical reply, or waits for the original's if that
//     still runs, also when the connection on which the original came is gone.
//   * A reply is kept until its client says that it has seen it; a copy from before that is stale.
//   * A client that was silent for longer than its lease is forgotten with its replies, and told so
//     (session expired) when it comes back: nothing is ever run a second time.
//   * A service that refuses has done nothing; that reply is kept like any other.
//
// What is remembered is in memory (rpc/duplicate_table.h), and a server that restarts has forgotten
// all sessions; rpc/durable_calls.h keeps effects and replies together in one database.
//
// Lives on one event loop; must outlive the connections that reach it, or end with a CallScope.
#ifndef MILLRACE_RPC_CALL_SERVER_H_
#define MILLRACE_RPC_CALL_SERVER_H_

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>

#include "rpc/call_types.h"

namespace millrace {

struct CallServerOptions {
  kj::Duration lease = 60 * kj::SECONDS;
  // Of one client, executed or not: more are refused.
  size_t max_unseen_per_client = 4096;
  // A number that no other start of this server has: it tells sessions of different starts apart.
  uint64_t incarnation = 0;
};

// One call on its way through the service.
struct CallInfo {
  bool once = false;  // false: a plain call, and the rest is not set
  CallHeader header;
  std::string peer;  // HOST:PORT that it came from, for people
};

class CallServer {
 public:
  // Runs one call; a rejected promise counts as refused, with the exception's words.
  using Service = kj::Function<kj::Promise<CallReply>(const CallInfo& call, std::string request)>;

  CallServer(kj::Timer& timer, const CallServerOptions& options, Service service);
  ~CallServer() noexcept(false);
  KJ_DISALLOW_COPY(CallServer);

  // For one client's connection: what it reaches.
  capnp::Capability::Client Welcome(std::string peer);

  // Clients and replies that are remembered now.
  size_t clients() const;
  size_t replies() const;

 private:
  class Impl;
  kj::Own<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_SERVER_H_
