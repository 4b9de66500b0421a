#include "client/remaining_time.h"

namespace millrace {
namespace {

// Less says little about the rest: tasks end in waves, and the first one includes what starts once.
constexpr double kShareToJudge = 0.05;

}  // namespace

void RemainingTime::Observe(StageKind stage, double fraction, uint64_t now_ms) {
  const Point now{now_ms, fraction};
  if (stage_ != stage || fraction < last_.fraction) first_ = now;
  stage_ = stage;
  last_ = now;
}

std::optional<uint64_t> RemainingTime::ms() const {
  const double seen = last_.fraction - first_.fraction;
  if (seen < kShareToJudge || last_.fraction >= 1) return std::nullopt;
  const double ms_per_stage = static_cast<double>(last_.ms - first_.ms) / seen;
  return static_cast<uint64_t>((1 - last_.fraction) * ms_per_stage);
}

}  // namespace millrace
