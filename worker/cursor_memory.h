// A cursor page in memory that a worker shares with one executor: readable after any death of it.
#ifndef MILLRACE_WORKER_CURSOR_MEMORY_H_
#define MILLRACE_WORKER_CURSOR_MEMORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "worker/engine/cursor_page.h"

namespace millrace {

class CursorMemory {
 public:
  // kUnavailable when this host is out of memory or descriptors.
  static absl::StatusOr<std::unique_ptr<CursorMemory>> Make();
  ~CursorMemory();
  CursorMemory(const CursorMemory&) = delete;
  CursorMemory& operator=(const CursorMemory&) = delete;

  // To be inherited by the executor, which maps it.
  int fd() const { return fd_; }
  CursorPage* page() const { return page_; }

 private:
  CursorMemory(int fd, CursorPage* page) : fd_(fd), page_(page) {}

  const int fd_;
  CursorPage* const page_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_CURSOR_MEMORY_H_
