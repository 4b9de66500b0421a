#include "apps/clock_sync/estimate.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace {
namespace {

absl::Status Impossible(const char* what) { return absl::InvalidArgumentError(what); }

// Whether no offset is within the bounds of both.
bool Contradict(const Estimate& a, const Estimate& b) {
  return absl::AbsDuration(a.offset - b.offset) > a.bound + b.bound;
}

}  // namespace

absl::StatusOr<Estimate> EstimateFrom(const Stamps& stamps) {
  // absl::Duration saturates where int64_t would overflow: a server may send any stamps.
  const absl::Time t1 = absl::FromUnixNanos(stamps.t1_ns);
  const absl::Time t2 = absl::FromUnixNanos(stamps.t2_ns);
  const absl::Time t3 = absl::FromUnixNanos(stamps.t3_ns);
  const absl::Time t4 = absl::FromUnixNanos(stamps.t4_ns);
  if (t4 < t1) return Impossible("our own clock went back while we waited");
  if (t3 < t2) return Impossible("the server's clock went back while it worked");
  Estimate estimate;
  estimate.rtt = (t4 - t1) - (t3 - t2);
  if (estimate.rtt < absl::ZeroDuration()) {
    return Impossible(
        "a negative round trip: the server claims to have taken longer than we waited");
  }
  estimate.bound = estimate.rtt / 2;
  estimate.server_time = t3 + estimate.bound;
  estimate.offset = estimate.server_time - t4;
  return estimate;
}

bool BestSample::Add(const Stamps& stamps) {
  const absl::StatusOr<Estimate> estimate = EstimateFrom(stamps);
  if (!estimate.ok()) {
    ++rejected_;
    last_problem_ = std::string(estimate.status().message());
    return false;
  }
  if (good_ > 0 && Contradict(*estimate, best_)) outdated_ += std::exchange(good_, 0);
  if (good_ == 0 || estimate->rtt < best_.rtt) best_ = *estimate;
  ++good_;
  return true;
}

absl::StatusOr<Estimate> BestSample::Get() const {
  if (good_ > 0) return best_;
  return absl::UnavailableError(
      rejected_ == 0 ? "no sample"
                     : absl::StrCat("no good sample of ", rejected_, ": ", last_problem_));
}

std::string ReportOf(const Estimate& estimate) {
  return absl::StrFormat(
      "offset %+.3f ms\nrtt %.3f ms\nerror bound ±%.3f ms\nserver time %s\n",
      absl::ToDoubleMilliseconds(estimate.offset), absl::ToDoubleMilliseconds(estimate.rtt),
      absl::ToDoubleMilliseconds(estimate.bound),
      absl::FormatTime("%Y-%m-%d %H:%M:%E6S UTC", estimate.server_time, absl::UTCTimeZone()));
}

}  // namespace millrace
