#include "worker/log_tail.h"

#include <algorithm>

namespace millrace {

void LogTail::Append(std::string_view bytes) {
  written_ += bytes.size();
  if (bytes.size() > kMaxBytes) bytes.remove_prefix(bytes.size() - kMaxBytes);
  bytes_.append(bytes);
  if (bytes_.size() > 2 * kMaxBytes) bytes_.erase(0, bytes_.size() - kMaxBytes);
}

void LogTail::Clear() {
  bytes_.clear();
  written_ = 0;
}

std::string_view LogTail::Tail() const {
  std::string_view tail = bytes_;
  if (tail.size() > kMaxBytes) tail.remove_prefix(tail.size() - kMaxBytes);
  return tail;
}

AttemptLog LogTail::Log() const {
  std::string_view tail = Tail();
  const size_t end = tail.find('\n');
  const bool has_whole_lines = end != std::string_view::npos && end + 1 < tail.size();
  if (tail.size() < written_ && has_whole_lines) tail.remove_prefix(end + 1);
  AttemptLog log;
  log.is_kept = true;
  log.text = tail;
  log.dropped = written_ - tail.size();
  return log;
}

std::string LogTail::LastLines() const {
  std::string_view tail = Tail();
  const bool cut = tail.size() < written_;
  if (!tail.empty() && tail.back() == '\n') tail.remove_suffix(1);
  size_t begin = tail.size();
  for (int lines = 0; lines < kMaxLines && begin != 0; ++lines) {
    const size_t newline = begin == 0 ? std::string_view::npos : tail.rfind('\n', begin - 1);
    if (newline == std::string_view::npos) {
      // The first line that is left; half a line only if there is no whole one.
      if (!cut || lines == 0) begin = 0;
      break;
    }
    begin = newline;
  }
  if (begin < tail.size() && tail[begin] == '\n') ++begin;
  std::string result(tail.substr(begin));
  std::replace(result.begin(), result.end(), '\0', ' ');
  return result;
}

}  // namespace millrace
