#include "worker/heartbeater.h"

#include <glog/logging.h>

#include "storage/failpoint.h"

namespace millrace {

Heartbeater::Heartbeater(kj::Timer& timer, kj::Duration period, Send send)
    : timer_(timer), period_(period), send_(kj::mv(send)) {}

kj::Promise<void> Heartbeater::Run() {
  return timer_.afterDelay(period_)
      .then([this]() { return SendOne(); })
      .then([this](bool current) -> kj::Promise<void> {
        if (!current) return kj::READY_NOW;
        return Run();
      });
}

kj::Promise<bool> Heartbeater::SendOne() {
  if (!CheckFailpoint(Failpoint::kHeartbeat).ok()) return true;  // skipped
  return send_().catch_([this](kj::Exception&& exception) {
    ++missed_;
    LOG(WARNING) << "a heartbeat failed: " << exception.getDescription().cStr();
    return true;
  });
}

}  // namespace millrace
