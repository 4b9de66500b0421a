// A caller's connection and session with its server, made when they are needed and again when they
// are lost.
//
//   link.Connected().then([&]() { return link.Open(); }).then([&](uint64_t session) { ... });
//
// Lives on one event loop; what it promises must not outlive it.
#ifndef MILLRACE_RPC_CALL_LINK_H_
#define MILLRACE_RPC_CALL_LINK_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>

#include "rpc/backoff.h"
#include "rpc/call.capnp.h"
#include "rpc/call_types.h"
#include "rpc/connection.h"
#include "rpc/redialer.h"

namespace millrace {

class CallLink {
 public:
  using Server = capnp_call::CallServer::Client;

  struct Options {
    BackoffOptions backoff;
    uint64_t backoff_seed = 1;
    kj::Duration open_deadline = 5 * kj::SECONDS;
    kj::Duration ping_period = 5 * kj::SECONDS;
    kj::Duration ping_timeout = 10 * kj::SECONDS;
  };

  // `peer` names the server in messages.
  CallLink(kj::Timer& timer, std::string peer, const ClientId& client, DialFunction dial,
           const Options& options);
  KJ_DISALLOW_COPY(CallLink);

  bool is_connected() const { return server_ != nullptr; }
  // Resolves when there is a connection. Dials for as long as it takes; rejects with what another
  // try cannot mend.
  kj::Promise<void> Connected();

  // What is at the other end; DISCONNECTED is thrown when the connection has just been lost.
  Server server();

  // Our session with the server. Open is for when there is none, and rejects when that fails;
  // whoever asks meanwhile waits for the same one.
  bool has_session() const { return session_ != 0; }
  uint64_t session() const { return session_; }
  kj::Promise<uint64_t> Open();

  // The server says so of this one.
  void SessionHasExpired(uint64_t session);

  // Why there is no connection; "": there is one, or none was tried.
  const std::string& trouble() const { return trouble_; }

  const std::string& peer() const { return peer_; }
  const ClientId& client() const { return client_; }

 private:
  kj::Promise<kj::Own<Connection>> Dial();
  kj::Promise<void> Hold(Connection& connection);
  void Lost();
  void CannotConnect(kj::Exception&& e);
  kj::Promise<uint64_t> SendOpen();

  kj::Timer& timer_;
  const std::string peer_;
  const ClientId client_;
  const Options options_;
  DialFunction dial_;
  kj::Maybe<Server> server_;  // null: there is no connection
  std::string trouble_;
  kj::Own<kj::PromiseFulfiller<void>> connect_;
  kj::ForkedPromise<void> connected_ = nullptr;  // of the present or the next connection
  uint64_t session_ = 0;                         // 0: none
  bool opens_ = false;
  kj::ForkedPromise<uint64_t> opening_ = nullptr;  // the last one
  Redialer redialer_;
  bool dials_ = false;
  kj::Promise<void> run_ = nullptr;  // goes first
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_LINK_H_
