#include "client/text_lines.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string Details(const std::string& text) {
  const size_t end = text.find('\n');
  return end == std::string::npos ? "" : text.substr(end + 1);
}

std::string Indented(const std::string& text, size_t spaces) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    absl::StrAppend(&out, std::string(spaces, ' '), text.substr(at, end - at), "\n");
    at = end + 1;
  }
  return out;
}

}  // namespace millrace
