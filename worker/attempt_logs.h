// What attempts that have ended wrote to standard error, for people who ask later.
//
// The oldest go first when there are too many. They outlive their jobs: most questions come after
// the end. Lives in memory, so they go with the worker. One thread.
#ifndef MILLRACE_WORKER_ATTEMPT_LOGS_H_
#define MILLRACE_WORKER_ATTEMPT_LOGS_H_

#include <cstddef>
#include <deque>
#include <map>

#include "rpc/task_types.h"

namespace millrace {

class AttemptLogs {
 public:
  struct Limits {
    size_t bytes = 16u << 20;  // a thousand of the longest
    // Most attempts write nothing, which is worth knowing too and takes some 100 bytes.
    size_t logs = 20'000;
  };

  AttemptLogs() : AttemptLogs(Limits()) {}
  explicit AttemptLogs(const Limits& limits) : limits_(limits) {}

  void Keep(const AttemptId& attempt, AttemptLog log);
  // One that is not kept, when it is not here (any more).
  AttemptLog Find(const AttemptId& attempt) const;
  void Clear();

 private:
  void DropOldest();

  const Limits limits_;
  std::map<AttemptId, AttemptLog> logs_;
  std::deque<AttemptId> order_;  // in which they came
  size_t bytes_ = 0;             // of all texts
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_LOGS_H_
