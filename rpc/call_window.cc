#include "rpc/call_window.h"

#include <glog/logging.h>

namespace millrace {

uint64_t CallWindow::Begin() {
  CHECK(!is_full());
  outstanding_.insert(outstanding_.end(), ++last_);
  return last_;
}

void CallWindow::End(uint64_t sequence) { CHECK_EQ(outstanding_.erase(sequence), 1u) << sequence; }

}  // namespace millrace
