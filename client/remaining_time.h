// How long the stage of a job that runs now will still take, from how fast it has been so far.
//
// Of a stage that has not begun nothing is known: a job may have one map and a thousand reduces.
// Pure; the caller owns the clock. One thread.
#ifndef MILLRACE_CLIENT_REMAINING_TIME_H_
#define MILLRACE_CLIENT_REMAINING_TIME_H_

#include <cstdint>
#include <optional>

#include "rpc/task_types.h"

namespace millrace {

class RemainingTime {
 public:
  // `fraction` of `stage` is done, from 0 to 1. A stage that begins, or falls back because a worker
  // was lost, is measured anew.
  void Observe(StageKind stage, double fraction, uint64_t now_ms);

  // Nothing as long as too little of the stage was seen to say.
  std::optional<uint64_t> ms() const;

 private:
  struct Point {
    uint64_t ms;
    double fraction;
  };

  std::optional<StageKind> stage_;
  Point first_ = {};
  Point last_ = {};
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_REMAINING_TIME_H_
