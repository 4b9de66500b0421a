#include "apps/streaming/child_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr std::string_view kReporter = "reporter:";
constexpr std::string_view kCounter = "reporter:counter:";
constexpr std::string_view kStatus = "reporter:status:";

// Of a status, which becomes part of messages.
constexpr size_t kMaxStatusBytes = 200;

// A line without an end is passed on when it has so many bytes; no counter is longer.
constexpr size_t kMaxLineBytes = 4096;

size_t FindReporter(std::string_view text, size_t from) {
  const void* const found =
      memmem(text.data() + from, text.size() - from, kReporter.data(), kReporter.size());
  return found == nullptr ? text.size() : static_cast<const char*>(found) - text.data();
}

}  // namespace

void ChildLog::Append(std::string_view block) {
  if (!line_.empty()) {
    const size_t end = block.find('\n');
    const size_t taken = end == std::string_view::npos ? block.size() : end + 1;
    line_.append(block.substr(0, taken));
    block.remove_prefix(taken);
    if (end != std::string_view::npos || line_.size() > kMaxLineBytes) {
      TakeLines(std::exchange(line_, {}));
    }
  }
  const size_t last_end = block.rfind('\n');
  const size_t whole = last_end == std::string_view::npos ? 0 : last_end + 1;
  TakeLines(block.substr(0, whole));
  line_.append(block.substr(whole));
}

void ChildLog::TakeLines(std::string_view lines) {
  size_t kept = 0;  // up to where the lines were passed on
  for (size_t at = FindReporter(lines, 0); at < lines.size(); at = FindReporter(lines, at + 1)) {
    if (at > 0 && lines[at - 1] != '\n') continue;
    const size_t end = std::min(lines.find('\n', at), lines.size() - 1);
    const std::string_view line = lines.substr(at, end + 1 - at);
    const bool is_status = LookForStatus(line);
    if (!is_status && !TakeCounter(line)) continue;
    Keep(lines.substr(kept, at - kept));
    if (is_status) PassOnStatus(line);
    kept = end + 1;
    at = end;
  }
  Keep(lines.substr(kept));
}

bool ChildLog::TakeCounter(std::string_view line) {
  if (line.substr(0, kCounter.size()) != kCounter) return false;
  line.remove_prefix(kCounter.size());
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  const size_t first = line.find(',');
  const size_t last = line.rfind(',');
  int64_t by = 0;
  if (first == last || !absl::SimpleAtoi(ToAbsl(line.substr(last + 1)), &by)) return false;
  count_(line.substr(0, first), line.substr(first + 1, last - first - 1), by);
  return true;
}

bool ChildLog::LookForStatus(std::string_view line) {
  if (line.substr(0, kStatus.size()) != kStatus) return false;
  line.remove_prefix(kStatus.size());
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  status_ = line.substr(0, kMaxStatusBytes);
  return true;
}

void ChildLog::PassOnStatus(std::string_view line) {
  const bool waits_otherwise = printed_ >= kKeptBytes;
  const bool is_whole = line.back() == '\n';
  if (!waits_otherwise || !is_whole || status_bytes_ + line.size() > kStatusLineBytes) {
    return Keep(line);
  }
  status_bytes_ += line.size();
  print_(line);
}

void ChildLog::Keep(std::string_view text) {
  if (printed_ < kKeptBytes) {
    const std::string_view first = text.substr(0, kKeptBytes - printed_);
    if (!first.empty()) print_(first);
    printed_ += first.size();
    text.remove_prefix(first.size());
  }
  if (text.size() > kKeptBytes) {
    left_out_ += text.size() - kKeptBytes + last_.size();
    last_.clear();
    text.remove_prefix(text.size() - kKeptBytes);
  }
  last_.append(text);
  if (last_.size() > 2 * kKeptBytes) {
    left_out_ += last_.size() - kKeptBytes;
    last_.erase(0, last_.size() - kKeptBytes);
  }
}

void ChildLog::Finish() {
  TakeLines(std::exchange(line_, {}));
  if (last_.size() > kKeptBytes) {
    left_out_ += last_.size() - kKeptBytes;
    last_.erase(0, last_.size() - kKeptBytes);
  }
  if (left_out_ > 0) print_(absl::StrCat("\n[", left_out_, " bytes left out]\n"));
  if (!last_.empty()) print_(std::exchange(last_, {}));
  printed_ = left_out_ = status_bytes_ = 0;
}

void PrintToStandardError(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace millrace
