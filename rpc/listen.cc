#include "rpc/listen.h"

#include <kj/debug.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/system_reason.h"

namespace millrace {
namespace {

std::string WithAdvice(const std::string& reason) {
  if (reason == "Address already in use") {
    return "the address is already in use; stop the process that has it, or choose another port "
           "(0 takes any free one)";
  }
  if (reason == "Cannot assign requested address") {
    return "it is no address of this host; in a cloud listen on the host's private address, or on "
           "0.0.0.0:PORT for all that it has";
  }
  return reason;
}

}  // namespace

absl::StatusOr<kj::Own<kj::ConnectionReceiver>> ListenOn(kj::AsyncIoContext& io,
                                                         const std::string& address) {
  kj::Own<kj::ConnectionReceiver> receiver;
  const auto failure = kj::runCatchingExceptions([&]() {
    auto parsed = io.provider->getNetwork().parseAddress(address.c_str());
    receiver = parsed.wait(io.waitScope)->listen();
  });
  KJ_IF_MAYBE (exception, failure) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", WithAdvice(SystemReason(*exception))));
  }
  return kj::mv(receiver);
}

}  // namespace millrace
