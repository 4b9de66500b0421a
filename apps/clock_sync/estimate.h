// How far another machine's clock is ahead, from the four time stamps of one question.
//
//      client   T1 -------.                .------> T4
//                          \              /
//      server               '-> T2 .. T3 -'
//
// The way there and back took RTT = (T4 - T1) - (T3 - T2): what the server did in between does not
// count. If both ways were equally long, the server's clock showed T3 + RTT/2 at T4. One way may
// have taken nothing and the other all of it, so the estimate is off by RTT/2 at most, and by half
// of the difference between the two ways exactly.
//
// That holds for clocks that nobody sets between T1 and T4. A step of more than the way there and
// back shows in the stamps, or in the next sample; a smaller one does not.
//
// Cristian 1989, "Probabilistic clock synchronization". Pure: no clock is read here, and none is
// ever set.
#ifndef MILLRACE_APPS_CLOCK_SYNC_ESTIMATE_H_
#define MILLRACE_APPS_CLOCK_SYNC_ESTIMATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace {

// Nanoseconds since the epoch; 1 and 4 on the client's clock, 2 and 3 on the server's.
struct Stamps {
  int64_t t1_ns = 0;
  int64_t t2_ns = 0;
  int64_t t3_ns = 0;
  int64_t t4_ns = 0;
};

struct Estimate {
  absl::Duration offset;  // how far the server's clock is ahead of ours
  absl::Duration rtt;
  absl::Duration bound;    // the offset is wrong by this much at most
  absl::Time server_time;  // at T4
};

// kInvalidArgument when the stamps cannot be true: a clock that went back on the way (T4 < T1 or
// T3 < T2), or a server that claims to have taken longer than we waited (a negative RTT).
absl::StatusOr<Estimate> EstimateFrom(const Stamps& stamps);

// Keeps the sample with the smallest RTT: the least that can hide in it is the least error. When a
// later one shows that a clock was set since (no offset is within the bounds of both), those before
// it count no more.
class BestSample {
 public:
  // Whether the stamps were good.
  bool Add(const Stamps& stamps);

  int good() const { return good_; }
  int rejected() const { return rejected_; }
  // Good ones, until a clock was set.
  int outdated() const { return outdated_; }
  // kUnavailable when no sample was good.
  absl::StatusOr<Estimate> Get() const;

 private:
  int good_ = 0;
  int rejected_ = 0;
  int outdated_ = 0;
  std::string last_problem_;
  Estimate best_;
};

// A line each, in milliseconds, and the server's time:
//
//   offset +990.000 ms
//   rtt 40.000 ms
//   error bound ±20.000 ms
//   server time 1970-01-01 00:00:02.040000 UTC
std::string ReportOf(const Estimate& estimate);

}  // namespace millrace

#endif  // MILLRACE_APPS_CLOCK_SYNC_ESTIMATE_H_
