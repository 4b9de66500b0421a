// The one place where std::string_view and absl::string_view meet.
//
// Debian builds Abseil with a string_view of its own: neither converts to the other, and
// absl::StrCat(std::string_view) does not compile. Our interfaces speak std::string_view.
#ifndef MILLRACE_MAPREDUCE_STRINGS_H_
#define MILLRACE_MAPREDUCE_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace millrace {

inline absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_STRINGS_H_
