// Cuts a stream that arrives in blocks into lines, and a line into key and value.
//
//   LineSplitter lines;
//   lines.Add(block, [](std::string_view line) { ... });   // once a block
//   lines.Finish([](std::string_view line) { ... });       // a last line without its end counts
//
// Lines that lie in a block are not copied. One thread.
#ifndef MILLRACE_APPS_STREAMING_LINE_SPLITTER_H_
#define MILLRACE_APPS_STREAMING_LINE_SPLITTER_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace {

class LineSplitter {
 public:
  // Calls f for each line that is complete, without its "\n".
  template <typename F>
  void Add(std::string_view block, F&& f) {
    if (!rest_.empty()) {
      const size_t end = block.find('\n');
      rest_.append(block.substr(0, end));
      if (end == std::string_view::npos) return;
      Pass(rest_, f);
      rest_.clear();
      block.remove_prefix(end + 1);
    }
    while (!block.empty()) {
      const void* const end = std::memchr(block.data(), '\n', block.size());
      if (end == nullptr) return void(rest_.assign(block));
      const size_t size = static_cast<const char*>(end) - block.data();
      Pass(block.substr(0, size), f);
      block.remove_prefix(size + 1);
    }
  }

  // Calls f for the line that has no end, if there is one.
  template <typename F>
  void Finish(F&& f) {
    if (!rest_.empty()) Pass(rest_, f);
    rest_.clear();
  }

  // How many lines there were.
  uint64_t count() const { return count_; }
  // Bytes of the line that is not complete.
  size_t rest_bytes() const { return rest_.size(); }

 private:
  template <typename F>
  void Pass(std::string_view line, F&& f) {
    ++count_;
    f(line);
  }

  std::string rest_;
  uint64_t count_ = 0;
};

struct TextPair {
  std::string_view key;
  std::string_view value;
};

// The first tab separates; without one the line is the key, and the value is empty.
inline TextPair SplitAtTab(std::string_view line) {
  const void* const tab = line.empty() ? nullptr : std::memchr(line.data(), '\t', line.size());
  if (tab == nullptr) return {line, {}};
  const size_t size = static_cast<const char*>(tab) - line.data();
  return {line.substr(0, size), line.substr(size + 1)};
}

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_LINE_SPLITTER_H_
