// Time as the master's core knows it: microseconds since this master started, from a monotonic
// clock that the shell reads. Never wall time, and never comparable between two lives of a master.
#ifndef MILLRACE_MASTER_CORE_CORE_TIME_H_
#define MILLRACE_MASTER_CORE_CORE_TIME_H_

#include <cstdint>
#include <ostream>

#include "absl/time/time.h"

namespace millrace {

class CoreTime {
 public:
  constexpr CoreTime() = default;
  static constexpr CoreTime FromMicros(int64_t us) { return CoreTime(us); }

  constexpr int64_t micros() const { return us_; }

  friend CoreTime operator+(CoreTime t, absl::Duration d) {
    return CoreTime(t.us_ + absl::ToInt64Microseconds(d));
  }
  friend absl::Duration operator-(CoreTime a, CoreTime b) {
    return absl::Microseconds(a.us_ - b.us_);
  }
  friend constexpr bool operator==(CoreTime a, CoreTime b) { return a.us_ == b.us_; }
  friend constexpr bool operator!=(CoreTime a, CoreTime b) { return a.us_ != b.us_; }
  friend constexpr bool operator<(CoreTime a, CoreTime b) { return a.us_ < b.us_; }
  friend constexpr bool operator<=(CoreTime a, CoreTime b) { return a.us_ <= b.us_; }
  friend std::ostream& operator<<(std::ostream& out, CoreTime t) { return out << t.us_ << "us"; }

 private:
  constexpr explicit CoreTime(int64_t us) : us_(us) {}

  int64_t us_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_CORE_TIME_H_
