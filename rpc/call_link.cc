#include "rpc/call_link.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/pinger.h"
#include "rpc/status_exception.h"

namespace millrace {

CallLink::CallLink(kj::Timer& timer, std::string peer, const ClientId& client, DialFunction dial,
                   const Options& options)
    : timer_(timer),
      peer_(std::move(peer)),
      client_(client),
      options_(options),
      dial_(kj::mv(dial)),
      redialer_(
          timer, peer_, options.backoff, options.backoff_seed, [this]() { return Dial(); },
          [this](Connection& connection) { return Hold(connection); }) {
  Lost();
}

kj::Promise<void> CallLink::Connected() {
  if (server_ != nullptr) return kj::READY_NOW;
  if (!dials_) {
    dials_ = true;
    run_ =
        redialer_.Run().eagerlyEvaluate([this](kj::Exception&& e) { CannotConnect(std::move(e)); });
  }
  return connected_.addBranch();
}

CallLink::Server CallLink::server() {
  KJ_IF_MAYBE (server, server_) return *server;
  kj::throwFatalException(
      ToException(absl::UnavailableError(absl::StrCat("connection to ", peer_, " lost"))));
}

// Whoever waits for a connection in vain wants to know why.
kj::Promise<kj::Own<Connection>> CallLink::Dial() {
  return dial_().catch_([this](kj::Exception&& e) -> kj::Promise<kj::Own<Connection>> {
    trouble_ = std::string(ToStatus(e).message());
    return kj::mv(e);
  });
}

kj::Promise<void> CallLink::Hold(Connection& connection) {
  trouble_.clear();
  server_ = connection.Peer().castAs<capnp_call::CallServer>();
  connect_->fulfill();
  // A connection may stand with nobody at its end: the server has frozen, or was killed while the
  // network could not tell us. A call that was sent over it would wait for ever.
  auto pinger = kj::heap<Pinger>(timer_, options_.ping_period, options_.ping_timeout, peer_,
                                 [&connection]() { return connection.Ping(); });
  kj::Promise<void> silent = pinger->Run();
  return silent.attach(kj::mv(pinger)).attach(kj::defer([this]() { Lost(); }));
}

// Whoever waits from now on waits for the next connection.
void CallLink::Lost() {
  server_ = nullptr;
  auto pair = kj::newPromiseAndFulfiller<void>();
  connect_ = kj::mv(pair.fulfiller);
  connected_ = pair.promise.fork();
}

// The next who asks tries again: somebody may have mended it.
void CallLink::CannotConnect(kj::Exception&& e) {
  dials_ = false;
  connect_->reject(std::move(e));
  Lost();
}

kj::Promise<uint64_t> CallLink::Open() {
  if (!opens_) {
    opens_ = true;
    opening_ = kj::evalNow([this]() { return SendOpen(); })
                   .attach(kj::defer([this]() { opens_ = false; }))
                   .fork();
  }
  return opening_.addBranch();
}

void CallLink::SessionHasExpired(uint64_t session) {
  if (session_ == session) session_ = 0;
}

kj::Promise<uint64_t> CallLink::SendOpen() {
  auto request = server().openRequest();
  request.getClient().setHigh(client_.high);
  request.getClient().setLow(client_.low);
  kj::Promise<uint64_t> session =
      request.send().then([](auto&& response) { return response.getSession(); });
  return WithDeadline(timer_, options_.open_deadline,
                      absl::StrCat("opening a session with ", peer_), kj::mv(session))
      .then([this](uint64_t opened) { return session_ = opened; });
}

}  // namespace millrace
