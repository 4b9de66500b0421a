// The standard error of a user's program: counters for us, and text for people.
//
// Lines `reporter:counter:GROUP,NAME,N` count and are not logged; of lines `reporter:status:TEXT`
// the last is remembered; they and everything else go on to our own standard error, of which the
// worker keeps the end. Of a program that writes very much, the first and the last 64 KiB are
// passed on, and how much lies between; the last ones when it has ended, but status lines at once,
// up to a megabyte of them: people may look on. One thread.
#ifndef MILLRACE_APPS_STREAMING_CHILD_LOG_H_
#define MILLRACE_APPS_STREAMING_CHILD_LOG_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace millrace {

class ChildLog {
 public:
  static constexpr size_t kKeptBytes = 64 << 10;  // at either end
  static constexpr size_t kStatusLineBytes = 1 << 20;

  using Count = std::function<void(std::string_view group, std::string_view name, int64_t by)>;
  using Print = std::function<void(std::string_view text)>;

  ChildLog(Count count, Print print) : count_(std::move(count)), print_(std::move(print)) {}

  void Append(std::string_view block);
  // Prints what is still held back; the program has ended.
  void Finish();

  // The text of the last status line since the program was started; empty if it wrote none.
  const std::string& status() const { return status_; }
  void ForgetStatus() { status_.clear(); }

 private:
  void TakeLines(std::string_view lines);
  // Whether it is one, and so not to be logged.
  bool TakeCounter(std::string_view line);
  // Whether it is one.
  bool LookForStatus(std::string_view line);
  void PassOnStatus(std::string_view line);
  void Keep(std::string_view text);

  const Count count_;
  const Print print_;
  std::string status_;
  std::string line_;  // the beginning of one that is not complete
  uint64_t printed_ = 0;
  uint64_t status_bytes_ = 0;  // of lines that went ahead of others
  uint64_t left_out_ = 0;
  std::string last_;  // up to twice kKeptBytes, so that trimming is rare
};

// Prints to our own standard error.
void PrintToStandardError(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_CHILD_LOG_H_
