// One connection that speaks Cap'n Proto in both directions, and how to open one.
//
// Bounds: a message has at most kMaxMessageBytes (a longer one that we send fails that call alone;
// a longer one that arrives closes this connection alone), and a peer that sends calls but takes no
// answers is cut off at kMaxQueuedMessages.
//
// Callers bound their own outstanding calls, to at most kMaxOutstandingCalls a connection: KJ
// destroys what is queued on a connection recursively, and a much longer queue would overflow the
// stack when the connection breaks.
//
// Lives on one event loop.
#ifndef MILLRACE_RPC_CONNECTION_H_
#define MILLRACE_RPC_CONNECTION_H_

#include <capnp/capability.h>
#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.h>
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstddef>
#include <string>

#include "rpc/preamble.h"

namespace millrace {

constexpr size_t kMaxMessageBytes = 16u << 20;
constexpr size_t kMaxQueuedMessages = 8192;
constexpr size_t kMaxOutstandingCalls = 4096;
// Of calls that a peer has sent and we have not answered: beyond it we read nothing more from it.
constexpr size_t kMaxUnansweredBytes = 64u << 20;

struct ConnectionOptions {
  ClusterKey key;
  // For connecting and the preamble together.
  kj::Duration handshake_timeout = 5 * kj::SECONDS;
  // For Pinger (rpc/pinger.h): how often a silent peer is asked, and how long it may take.
  kj::Duration ping_period = 5 * kj::SECONDS;
  kj::Duration ping_timeout = 10 * kj::SECONDS;
  Entropy entropy = KernelEntropy();
};

// Owns a stream and the RPC system on it. Destroying it closes the connection and rejects its
// outstanding calls with DISCONNECTED.
class Connection {
 public:
  // `own` is what the peer can reach; may be null. `peer` names the other end in logs.
  Connection(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
             capnp::Capability::Client own, std::string peer = "a peer");
  ~Connection() noexcept(false);
  KJ_DISALLOW_COPY(Connection);

  // The peer's bootstrap capability.
  capnp::Capability::Client Peer();

  // Resolves when the connection has ended, for whatever reason.
  kj::Promise<void> OnDisconnect();

  // Resolves when the peer's event loop answers; needs no method of the peer's. Has no deadline of
  // its own.
  kj::Promise<void> Ping();

  const std::string& peer() const { return peer_; }

 private:
  class Messages;

  capnp::Capability::Client Bootstrap();

  const std::string peer_;
  kj::Own<Messages> messages_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_system_;
  kj::Maybe<capnp::Capability::Client> peer_capability_;
};

// Connects to HOST:PORT, performs the preamble in `role` and returns the connection, all within
// `options.handshake_timeout`. Rejects with DISCONNECTED (cannot be reached, or no answer in time),
// UNIMPLEMENTED (another version) or FAILED (key or role refused); the message names the address
// and what to check.
kj::Promise<kj::Own<Connection>> Dial(kj::Network& network, kj::Timer& timer, std::string address,
                                      Role role, const ConnectionOptions& options,
                                      capnp::Capability::Client own = nullptr);

// Whether a failed Dial was told by the host itself that no process listens at the address. A host
// that is silent or cut off may still run one; one that answers so does not.
bool NobodyListens(const kj::Exception& failure);

// As Dial, without Cap'n Proto on top.
kj::Promise<kj::Own<kj::AsyncIoStream>> DialStream(kj::Network& network, kj::Timer& timer,
                                                   std::string address, Role role,
                                                   const ConnectionOptions& options);

// Makes the kernel send small messages at once and give up on a silent peer. Does nothing to
// streams that are no TCP sockets.
void TuneSocket(kj::AsyncIoStream& stream);

}  // namespace millrace

#endif  // MILLRACE_RPC_CONNECTION_H_
