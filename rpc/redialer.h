// Keeps trying to reach a peer.
//
// Only what another try can mend is tried again: DISCONNECTED and OVERLOADED. A refused key or
// another version ends it at once.
#ifndef MILLRACE_RPC_REDIALER_H_
#define MILLRACE_RPC_REDIALER_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <string>

#include "rpc/backoff.h"
#include "rpc/connection.h"

namespace millrace {

using DialFunction = kj::Function<kj::Promise<kj::Own<Connection>>()>;

// Dials until it works, waiting between tries as `backoff` says. Gives up when `patience` has
// passed, with the last failure; a try that is under way then still ends by its own deadline.
kj::Promise<kj::Own<Connection>> DialUntil(kj::Timer& timer, kj::Duration patience, Backoff backoff,
                                           DialFunction dial);

// Holds a session with a peer, and begins a new one whenever the connection is lost.
class Redialer {
 public:
  // One session. Resolves when all is done, which ends the redialer too. The connection lives
  // until the promise is settled or the connection is lost, whichever comes first.
  using Session = kj::Function<kj::Promise<void>(Connection&)>;

  Redialer(kj::Timer& timer, std::string peer, BackoffOptions options, uint64_t seed,
           DialFunction dial, Session session);
  KJ_DISALLOW_COPY(Redialer);

  // Resolves when a session does; rejects with what another try cannot mend. The promise must not
  // outlive the redialer.
  kj::Promise<void> Run();

 private:
  kj::Promise<bool> RunOnce();
  bool MayTryAgain(kj::Exception&& e);
  kj::Promise<void> RunSession(kj::Own<Connection> connection);

  kj::Timer& timer_;
  const std::string peer_;
  const BackoffOptions options_;
  Backoff backoff_;
  DialFunction dial_;
  Session session_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_REDIALER_H_
