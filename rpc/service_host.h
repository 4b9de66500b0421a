// Serves one capability to whoever comes: the listening end of a small service.
//
//   ServiceHost host(timer, kj::mv(receiver), options,
//                    [&](const PeerInfo& peer) { return chat.Welcome(peer); });
//   host.Run().wait(...)
//
// Each client has a connection of its own. It ends when the client does, when the client's machine
// falls silent, or with the host; what `welcome` made for it is destroyed with it.
//
// Lives on one event loop.
#ifndef MILLRACE_RPC_SERVICE_HOST_H_
#define MILLRACE_RPC_SERVICE_HOST_H_

#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "rpc/acceptor.h"
#include "rpc/connection.h"

namespace millrace {

class ServiceHost final : private kj::TaskSet::ErrorHandler {
 public:
  // What a client that has just arrived can reach; must not throw.
  using Welcome = kj::Function<capnp::Capability::Client(const PeerInfo&)>;

  ServiceHost(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
              const ConnectionOptions& options, Welcome welcome);
  KJ_DISALLOW_COPY(ServiceHost);

  // Accepts until the promise is dropped; never resolves and never rejects.
  kj::Promise<void> Run() { return acceptor_.Run(); }

  uint port() { return acceptor_.port(); }

 private:
  void Serve(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  const ConnectionOptions options_;
  Welcome welcome_;
  kj::TaskSet connections_;
  Acceptor acceptor_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_SERVICE_HOST_H_
