#include "rpc/listen.h"

#include <kj/debug.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace millrace {

absl::StatusOr<kj::Own<kj::ConnectionReceiver>> ListenOn(kj::AsyncIoContext& io,
                                                         const std::string& address) {
  kj::Own<kj::ConnectionReceiver> receiver;
  const auto failure = kj::runCatchingExceptions([&]() {
    auto parsed = io.provider->getNetwork().parseAddress(address.c_str());
    receiver = parsed.wait(io.waitScope)->listen();
  });
  KJ_IF_MAYBE (exception, failure) {
    const std::string why(exception->getDescription().cStr());
    const bool in_use = why.find("ddress already in use") != std::string::npos;
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ",
                     in_use ? "the address is already in use; stop the process that has it, or "
                              "choose another port (0 takes any free one)"
                            : why));
  }
  return kj::mv(receiver);
}

}  // namespace millrace
