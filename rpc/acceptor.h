// Accepts connections, lets each through the preamble, and hands the welcome ones on.
//
// What can go wrong with one connection costs that connection: bytes that are not Millrace's, a
// wrong key, a peer that says nothing for five seconds. What can go wrong with accepting (no file
// descriptors left) is logged and tried again. Bounded: at most `max_handshakes` strangers at a
// time (one more, and the one that has dawdled longest is cut off, so that strangers who say
// nothing cannot keep others out) and `max_per_peer` connections from one address.
//
// Lives on one event loop. Streams that were handed on may outlive it.
#ifndef MILLRACE_RPC_ACCEPTOR_H_
#define MILLRACE_RPC_ACCEPTOR_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rpc/connection.h"
#include "rpc/log_limiter.h"
#include "rpc/preamble.h"

namespace millrace {

// Who is at the other end of an accepted stream.
struct PeerInfo {
  Role role = Role::kClient;
  std::string address;  // HOST:PORT, for people
};

struct AcceptorLimits {
  size_t max_handshakes = 256;
  size_t max_per_peer = 512;
};

class Acceptor final : private kj::TaskSet::ErrorHandler {
 public:
  using OnStream = kj::Function<void(PeerInfo, kj::Own<kj::AsyncIoStream>)>;

  // `on_stream` gets every stream whose preamble went well, builds the Connection with what that
  // role may reach, and owns it. It must not throw.
  Acceptor(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver, ConnectionOptions options,
           std::vector<Role> allowed, OnStream on_stream, AcceptorLimits limits = {});
  KJ_DISALLOW_COPY(Acceptor);

  // Accepts until the promise is dropped; never resolves and never rejects.
  kj::Promise<void> Run();

  uint port() { return receiver_->getPort(); }

 private:
  class PeerCounts;

  void Admit(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> Welcome(std::string peer, kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> PauseAfter(const kj::Exception& failure);
  void Log(const std::string& line);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  const ConnectionOptions options_;
  const std::vector<Role> allowed_;
  OnStream on_stream_;
  const AcceptorLimits limits_;
  LogLimiter log_limiter_;
  const std::shared_ptr<PeerCounts> per_peer_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, kj::Own<kj::Canceler>> handshakes_;  // oldest first
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_ACCEPTOR_H_
