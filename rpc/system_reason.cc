#include "rpc/system_reason.h"

namespace millrace {

std::string SystemReason(const kj::Exception& failure) {
  std::string reason(failure.getDescription().cStr());
  if (reason.rfind("DNS lookup failed", 0) == 0) return "the name leads to no address";
  const size_t call = reason.find("): ");
  if (call != std::string::npos) reason.erase(0, call + 3);
  return reason.substr(0, reason.find("; "));
}

}  // namespace millrace
