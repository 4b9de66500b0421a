// The server's end of calls that run once (rpc/caller.h): a filter between the wire and a service.
//
//   * A call runs once; a copy of it gets the identical reply, or waits for the original's if that
//     still runs, also when the connection on which the original came is gone. It runs to its end.
//   * A reply is kept until its client says that it has seen it; a copy from before that is stale.
//   * A client that was silent for longer than its lease is forgotten with its replies, and told so
//     (session expired) when it comes back: nothing is ever run a second time.
//   * A service that refuses has done nothing; that reply is kept like any other.
//   * A plain call passes by all that: it runs each time, and ends when its caller drops it.
//
// What is remembered is in memory (rpc/duplicate_table.h), and a server that restarts has forgotten
// all sessions; rpc/durable_calls.h keeps effects and replies together in one database.
//
// A client with a call that takes long lets its server forget no later reply before that one ends:
// after `max_unseen_per_client` of them its calls have to wait.
//
// Lives on one event loop; must outlive the connections that reach it, or end with a CallScope.
#ifndef MILLRACE_RPC_CALL_SERVER_H_
#define MILLRACE_RPC_CALL_SERVER_H_

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rpc/call_types.h"
#include "rpc/preamble.h"

namespace millrace {

struct CallServerOptions {
  kj::Duration lease = 60 * kj::SECONDS;
  // Of one client, executed or not: more have to wait.
  size_t max_unseen_per_client = 4096;
  // Tells the sessions of this start of the server from those of any other.
  Entropy entropy = KernelEntropy();
};

// One call on its way through the service.
struct CallInfo {
  bool once = false;  // false: a plain call, and the rest is not set
  CallHeader header;
  std::string peer;  // that it came from, as it was made welcome
};

// Keeps sessions for a server that is to know them when it starts again. Does what it is asked for
// in the order of asking; a promise that cannot be kept never resolves.
class SessionStore {
 public:
  virtual ~SessionStore() noexcept(false) = default;

  // Resolves when the session is kept. Its client hears of it only then.
  virtual kj::Promise<void> Keep(const ClientId& client, uint64_t session) = 0;

  // Resolves when nothing of them is kept any more. They are told so only then.
  virtual kj::Promise<void> Forget(std::vector<ClientId> clients) = 0;
};

class CallServer {
 public:
  // Runs one call; a rejected promise counts as refused, with the exception's words.
  using Service = kj::Function<kj::Promise<CallReply>(const CallInfo& call, std::string request)>;

  CallServer(kj::Timer& timer, const CallServerOptions& options, Service service);
  // With the clients that `store` has kept; it must outlive the server.
  CallServer(kj::Timer& timer, const CallServerOptions& options, Service service,
             SessionStore& store, const std::vector<ClientRecord>& kept);
  ~CallServer() noexcept(false);
  KJ_DISALLOW_COPY(CallServer);

  // For one client's connection: what it reaches. `peer` is its name: HOST:PORT, mostly.
  capnp::Capability::Client Welcome(std::string peer);

  // What is remembered now, of clients that are not silent.
  size_t clients() const;
  size_t replies() const;
  // Calls that are not plain and run now.
  size_t running() const;

 private:
  class Impl;
  kj::Own<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_SERVER_H_
