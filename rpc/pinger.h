// Notices a peer that has frozen: its kernel still acknowledges, its process no longer answers. A
// peer that trickles a message byte by byte is noticed too, because its answer waits behind it.
#ifndef MILLRACE_RPC_PINGER_H_
#define MILLRACE_RPC_PINGER_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <string>

namespace millrace {

// Asks a peer, over and over, whether it is there. Either end of a connection may have one:
//
//   Pinger pinger(timer, options.ping_period, options.ping_timeout, connection->peer(),
//                 [&c = *connection]() { return c.Ping(); });
//   connection->OnDisconnect().exclusiveJoin(pinger.Run()) ...
//
// The promise of Run must not outlive the pinger. At most one ping is under way.
class Pinger {
 public:
  Pinger(kj::Timer& timer, kj::Duration period, kj::Duration timeout, std::string peer,
         kj::Function<kj::Promise<void>()> ping);
  KJ_DISALLOW_COPY(Pinger);

  // Never resolves. Rejects with DISCONNECTED when a ping fails or is not answered in time.
  kj::Promise<void> Run();

 private:
  kj::Promise<void> PingOnce();

  kj::Timer& timer_;
  const kj::Duration period_;
  const kj::Duration timeout_;
  const std::string peer_;
  kj::Function<kj::Promise<void>()> ping_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_PINGER_H_
