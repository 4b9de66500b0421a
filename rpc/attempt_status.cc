#include "rpc/attempt_status.h"

#include "rpc/json_writer.h"

namespace millrace {
namespace {

constexpr std::string_view kPrefix = "reporter:status:";

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The beginning of `text`, no character of which is cut in two.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kAttemptStatusBytesMax) return text;
  size_t end = kAttemptStatusBytesMax;
  while (end > 0 && Continues(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace

std::string LastStatusIn(std::string_view output) {
  size_t end = output.rfind('\n');  // of the last whole line
  while (end != std::string_view::npos) {
    const size_t before = end == 0 ? std::string_view::npos : output.rfind('\n', end - 1);
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    const std::string_view line = output.substr(begin, end - begin);
    if (line.substr(0, kPrefix.size()) == kPrefix) return ShownStatus(line.substr(kPrefix.size()));
    end = before;
  }
  return "";
}

std::string ShownStatus(std::string_view text) {
  std::string shown(Cut(text));
  const bool is_text = IsUtf8(shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    // The control characters U+0080 to U+009F are c2 80 to c2 9f.
    const bool begins_control =
        byte == 0xC2 && i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) < 0xA0;
    if (is_text && begins_control) shown[i + 1] = '?';
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_text) || begins_control) shown[i] = '?';
  }
  return shown;
}

}  // namespace millrace
