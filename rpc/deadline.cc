#include "rpc/deadline.h"

#include <cstdio>

namespace millrace {

std::string FormatDuration(kj::Duration duration) {
  const double seconds = static_cast<double>(duration / kj::MILLISECONDS) / 1000;
  char text[32];
  if (seconds < 1) {
    std::snprintf(text, sizeof(text), "%lld ms",
                  static_cast<long long>(duration / kj::MILLISECONDS));
  } else {
    std::snprintf(text, sizeof(text), "%.6g s", seconds);
  }
  return text;
}

kj::Exception DeadlineExceeded(const std::string& what, kj::Duration limit) {
  const std::string message = what + ": no answer within " + FormatDuration(limit);
  return kj::Exception(kj::Exception::Type::OVERLOADED, __FILE__, __LINE__,
                       kj::heapString(message.c_str()));
}

}  // namespace millrace
