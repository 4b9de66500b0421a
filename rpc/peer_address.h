// Who is at the other end of an accepted stream.
#ifndef MILLRACE_RPC_PEER_ADDRESS_H_
#define MILLRACE_RPC_PEER_ADDRESS_H_

#include <kj/async-io.h>

#include <string>

#include "rpc/address.h"

namespace millrace {

// Empty for what is no internet socket, or already gone.
HostPort PeerAddress(kj::AsyncIoStream& stream);

// HOST:PORT, or "a peer"; for people.
std::string PeerName(const HostPort& peer);

}  // namespace millrace

#endif  // MILLRACE_RPC_PEER_ADDRESS_H_
