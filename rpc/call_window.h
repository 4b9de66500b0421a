// Numbers the calls of one client, and knows up to which of them all have ended: what its server
// may forget.
//
// A pure value: no I/O, no clock, no promises.
#ifndef MILLRACE_RPC_CALL_WINDOW_H_
#define MILLRACE_RPC_CALL_WINDOW_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/btree_set.h"

namespace millrace {

class CallWindow {
 public:
  // At most so many calls at a time.
  explicit CallWindow(size_t max_outstanding) : max_outstanding_(max_outstanding) {}

  bool is_full() const { return outstanding_.size() >= max_outstanding_; }

  // The number of a call that begins, from 1 up. There must be room.
  uint64_t Begin();

  // Its client has the reply, or wants none any more.
  void End(uint64_t sequence);

  // All calls up to this one have ended.
  uint64_t seen_up_to() const { return outstanding_.empty() ? last_ : *outstanding_.begin() - 1; }

  size_t outstanding() const { return outstanding_.size(); }

 private:
  const size_t max_outstanding_;
  uint64_t last_ = 0;
  absl::btree_set<uint64_t> outstanding_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_WINDOW_H_
