#include "rpc/pinger.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"

namespace millrace {

Pinger::Pinger(kj::Timer& timer, kj::Duration period, kj::Duration timeout, std::string peer,
               kj::Function<kj::Promise<void>()> ping)
    : timer_(timer),
      period_(period),
      timeout_(timeout),
      peer_(std::move(peer)),
      ping_(kj::mv(ping)) {}

kj::Promise<void> Pinger::Run() {
  return timer_.afterDelay(period_).then([this]() { return PingOnce(); }).then([this]() {
    return Run();
  });  // the tail call: nothing may follow
}

kj::Promise<void> Pinger::PingOnce() {
  return WithDeadline(timer_, timeout_, "pinging " + peer_, ping_())
      .catch_([this](kj::Exception&& e) {
        kj::throwFatalException(ToException(absl::UnavailableError(
            absl::StrCat(peer_, " does not answer: ", e.getDescription().cStr()))));
      });
}

}  // namespace millrace
