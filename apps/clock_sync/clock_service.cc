#include "apps/clock_sync/clock_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"

namespace millrace {
int64_t NanosecondsOf(const kj::Clock& clock) {
  return (clock.now() - kj::UNIX_EPOCH) / kj::NANOSECONDS;
}

// --- Serving ---

class ClockService::Server final : public ScopedServer<capnp_clock_sync::Clock> {
 public:
  explicit Server(ClockService& service) : ScopedServer(service.calls_), service_(service) {}

  kj::Promise<void> ask(AskContext context) override {
    context.getResults().setReceivedNs(NanosecondsOf(service_.clock_));
    return service_.PretendToWork().then([this, context]() mutable {
      context.getResults().setAnsweredNs(NanosecondsOf(service_.clock_));
    });
  }

 private:
  ClockService& service_;
};

capnp::Capability::Client ClockService::NewServer() { return kj::heap<Server>(*this); }

kj::Promise<void> ClockService::PretendToWork() {
  if (work_ == 0 * kj::SECONDS) return kj::READY_NOW;
  return timer_.afterDelay(work_);
}

// --- Asking ---

Sampler::Sampler(kj::Timer& timer, const kj::Clock& clock, capnp::Capability::Client server,
                 const Options& options)
    : timer_(timer),
      clock_(clock),
      server_(server.castAs<capnp_clock_sync::Clock>()),
      options_(options) {}

kj::Promise<void> Sampler::Run() {
  if (asked_ == options_.samples || lost_) {
    if (best_.good() + best_.rejected() > 0) return kj::READY_NOW;
    return DeadlineExceeded(Asking(), options_.timeout);
  }
  ++asked_;
  return Ask().catch_([this](kj::Exception&& e) { LetPass(kj::mv(e)); }).then([this]() {
    return Run();
  });  // the tail call: nothing may follow
}

kj::Promise<void> Sampler::Ask() {
  auto request = server_.askRequest();
  const int64_t asked_ns = NanosecondsOf(clock_);
  auto answer = request.send().then([this, asked_ns](auto&& response) {
    best_.Add(
        {asked_ns, response.getReceivedNs(), response.getAnsweredNs(), NanosecondsOf(clock_)});
  });
  return WithDeadline(timer_, options_.timeout, Asking(), kj::mv(answer));
}

// One question has no answer. Others may, unless the connection is gone.
void Sampler::LetPass(kj::Exception&& e) {
  ++unanswered_;
  if (e.getType() == kj::Exception::Type::OVERLOADED) return;
  if (e.getType() != kj::Exception::Type::DISCONNECTED) {
    kj::throwFatalException(ToException(absl::UnavailableError(absl::StrCat(
        options_.name, " does not tell the time: ", ToStatus(e).message(), "; check --server"))));
  }
  lost_ = true;
  if (best_.good() > 0) return;
  kj::throwFatalException(
      ToException(absl::UnavailableError(absl::StrCat(Asking(), ": ", ToStatus(e).message()))));
}

}  // namespace millrace
