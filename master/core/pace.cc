#include "master/core/pace.h"

namespace millrace {

void Pace::Report(CoreTime now, uint64_t steps, uint64_t done, uint64_t total) {
  if (steps != steps_) changed_ = now;
  asked_ = seen_;
  seen_ = now;
  steps_ = steps;
  done_ = done;
  total_ = total;
  if (reports_to_base_ == 0 || waiting()) return;
  --reports_to_base_;
  began_ = asked_;
  base_ = done;
}

void Pace::Wait(CoreTime now) {
  if (!waiting_since_.has_value()) waiting_since_ = now;
}

void Pace::Resume(CoreTime now) {
  if (!waiting_since_.has_value()) return;
  began_ = began_ + (now - *waiting_since_);
  waiting_since_.reset();
  Forgive(now);
}

void Pace::Forgive(CoreTime now) {
  changed_ = now;
  seen_ = now;
}

std::optional<double> Pace::UnitCost() const {
  if (done_ <= base_) return std::nullopt;
  return absl::ToDoubleSeconds(Elapsed(asked_)) / static_cast<double>(done_ - base_);
}

}  // namespace millrace
