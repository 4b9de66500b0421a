// Performs the preamble of rpc/preamble.h on a stream, from either end: two round trips.
//
// The caller keeps the stream, sets the deadline, and closes the stream when the promise rejects.
#ifndef MILLRACE_RPC_HANDSHAKE_H_
#define MILLRACE_RPC_HANDSHAKE_H_

#include <kj/async-io.h>
#include <kj/async.h>

#include <string>
#include <vector>

#include "rpc/preamble.h"

namespace millrace {

// The dialling end. Rejects with UNIMPLEMENTED (the peer's version is another), FAILED (one end
// refuses the other's key, or the role) or DISCONNECTED (the peer hung up, or does not speak
// Millrace); `peer` names the other end in the message.
kj::Promise<void> OfferPreamble(kj::AsyncIoStream& stream, Role role, const ClusterKey& key,
                                const Entropy& entropy, std::string peer);

// The accepting end. Gives the role of a dialler that is welcome. A refused one is told why, as far
// as it speaks Millrace; then the promise rejects with FAILED, to be logged with the peer's name.
kj::Promise<Role> AcceptPreamble(kj::AsyncIoStream& stream, std::vector<Role> allowed,
                                 const ClusterKey& key, const Entropy& entropy);

}  // namespace millrace

#endif  // MILLRACE_RPC_HANDSHAKE_H_
