#include "rpc/service_host.h"

#include <kj/debug.h>

#include <utility>

#include "glog/logging.h"
#include "rpc/pinger.h"

namespace millrace {

ServiceHost::ServiceHost(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
                         const ConnectionOptions& options, Welcome welcome)
    : timer_(timer),
      options_(options),
      welcome_(kj::mv(welcome)),
      connections_(*this),
      acceptor_(timer, kj::mv(receiver), options, {Role::kClient},
                [this](const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream) {
                  Serve(peer, kj::mv(stream));
                }) {}

void ServiceHost::Serve(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream) {
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         welcome_(peer), peer.address);
  auto pinger = kj::heap<Pinger>(timer_, options_.ping_period, options_.ping_timeout, peer.address,
                                 [&c = *connection]() { return c.Ping(); });
  auto gone = connection->OnDisconnect().exclusiveJoin(pinger->Run());
  connections_.add(gone.catch_([](kj::Exception&&) {})  // however it ended, it has ended
                       .attach(kj::mv(pinger))
                       .attach(kj::mv(connection)));
}

void ServiceHost::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in a service: " << kj::str(exception).cStr();
}

}  // namespace millrace
