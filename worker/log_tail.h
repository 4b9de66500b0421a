// The end of a process's output: a ring of its last bytes, whatever it wrote before.
//
// One thread.
#ifndef MILLRACE_WORKER_LOG_TAIL_H_
#define MILLRACE_WORKER_LOG_TAIL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rpc/attempt_status.h"
#include "rpc/task_types.h"

namespace millrace {

class LogTail {
 public:
  static constexpr size_t kMaxBytes = 16 << 10;
  static constexpr int kMaxLines = 20;

  void Append(std::string_view bytes);
  void Clear();

  // At most the last kMaxLines lines of the last kMaxBytes bytes, valid UTF-8 or not, NULs as
  // spaces, without the newline at the end. A line that lost its beginning is left out unless it is
  // the only one.
  std::string LastLines() const;

  // All that is left of it: the last kMaxBytes bytes, without a line that lost its beginning unless
  // it is the only one.
  AttemptLog Log() const;
  // The last status in it (rpc/attempt_status.h); empty: there is none.
  std::string LastStatus() const { return LastStatusIn(Tail()); }

 private:
  std::string_view Tail() const;

  std::string bytes_;     // up to twice kMaxBytes, so that trimming is rare
  uint64_t written_ = 0;  // since the last Clear
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_LOG_TAIL_H_
