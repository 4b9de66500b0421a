#include "rpc/redialer.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

// One DialUntil under way.
class PatientDial {
 public:
  PatientDial(kj::Timer& timer, kj::Duration patience, Backoff backoff, DialFunction dial)
      : timer_(timer),
        patience_(patience),
        give_up_(timer.now() + patience),
        backoff_(backoff),
        dial_(kj::mv(dial)) {}

  kj::Promise<kj::Own<Connection>> Run() {
    return dial_().catch_([this](kj::Exception&& e) { return Retry(std::move(e)); });
  }

 private:
  kj::Promise<kj::Own<Connection>> Retry(kj::Exception&& e) {
    if (!MayPass(e)) return std::move(e);
    const kj::TimePoint next = timer_.now() + backoff_.Next();
    if (next > give_up_) {
      return ToException(absl::UnavailableError(
          absl::StrCat(e.getDescription().cStr(), " (tried for ", FormatDuration(patience_), ")")));
    }
    return timer_.atTime(next).then([this]() { return Run(); });
  }

  kj::Timer& timer_;
  const kj::Duration patience_;
  const kj::TimePoint give_up_;
  Backoff backoff_;
  DialFunction dial_;
};

}  // namespace

kj::Promise<kj::Own<Connection>> DialUntil(kj::Timer& timer, kj::Duration patience, Backoff backoff,
                                           DialFunction dial) {
  auto patient = kj::heap<PatientDial>(timer, patience, backoff, kj::mv(dial));
  kj::Promise<kj::Own<Connection>> connection = patient->Run();
  return connection.attach(kj::mv(patient));
}

Redialer::Redialer(kj::Timer& timer, std::string peer, BackoffOptions options, uint64_t seed,
                   DialFunction dial, Session session)
    : timer_(timer),
      peer_(std::move(peer)),
      options_(options),
      backoff_(options, seed),
      dial_(kj::mv(dial)),
      session_(kj::mv(session)) {}

kj::Promise<void> Redialer::Run() {
  return RunOnce().then([this](bool done) -> kj::Promise<void> {
    if (done) return kj::READY_NOW;
    return timer_.afterDelay(backoff_.Next()).then([this]() { return Run(); });  // the tail call
  });
}

// True when all is done, false when another try is due.
kj::Promise<bool> Redialer::RunOnce() {
  return dial_()
      .then([this](kj::Own<Connection> connection) { return RunSession(kj::mv(connection)); })
      .then([]() { return true; }, [this](kj::Exception&& e) { return MayTryAgain(std::move(e)); });
}

bool Redialer::MayTryAgain(kj::Exception&& e) {
  if (!MayPass(e)) kj::throwFatalException(std::move(e));
  LOG(WARNING) << peer_ << ": " << e.getDescription().cStr() << "; trying again";
  return false;
}

kj::Promise<void> Redialer::RunSession(kj::Own<Connection> connection) {
  kj::Promise<void> lost = connection->OnDisconnect().then([this]() -> kj::Promise<void> {
    return ToException(absl::UnavailableError(absl::StrCat("connection to ", peer_, " lost")));
  });
  return session_(*connection)
      .exclusiveJoin(kj::mv(lost))
      .attach(kj::mv(connection))
      .catch_([this, began = timer_.now()](kj::Exception&& e) {
        // A peer that takes the connection and drops it at once has not been reached.
        if (timer_.now() - began > options_.max) backoff_.Reset();
        kj::throwFatalException(std::move(e));
      });
}

}  // namespace millrace
