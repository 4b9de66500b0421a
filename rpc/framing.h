// Reads one Cap'n Proto message from a stream, within bounds that hold before anything is
// allocated. (Cap'n Proto's own reader of 0.9 miscounts a message that claims 2^32 segments.)
#ifndef MILLRACE_RPC_FRAMING_H_
#define MILLRACE_RPC_FRAMING_H_

#include <capnp/message.h>
#include <kj/async-io.h>
#include <kj/async.h>

#include <cstdint>

namespace millrace {

// More than any writer makes of a message of 16 MiB, each segment being as long as all before it.
constexpr uint32_t kMaxSegments = 512;

// Null at the end of the stream. Rejects with FAILED for what is no message, or one of more than
// `options.traversalLimitInWords`; with DISCONNECTED when the stream ends inside one.
kj::Promise<kj::Maybe<kj::Own<capnp::MessageReader>>> TryReadFrame(kj::AsyncInputStream& stream,
                                                                   capnp::ReaderOptions options);

}  // namespace millrace

#endif  // MILLRACE_RPC_FRAMING_H_
