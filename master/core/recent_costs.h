// What a unit of work cost lately in one stage of a job: the newest of it, and its median.
#ifndef MILLRACE_MASTER_CORE_RECENT_COSTS_H_
#define MILLRACE_MASTER_CORE_RECENT_COSTS_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace millrace {

// The middle one of `costs`, the higher of two; not set when there is none.
inline std::optional<double> MedianOf(std::vector<double> costs) {
  if (costs.empty()) return std::nullopt;
  const auto middle = costs.begin() + static_cast<std::ptrdiff_t>(costs.size() / 2);
  std::nth_element(costs.begin(), middle, costs.end());
  return *middle;
}

class RecentCosts {
 public:
  // Enough for a median that no single attempt moves; few enough to sort at every look.
  static constexpr size_t kMax = 101;

  void Add(double seconds_per_unit) {
    if (costs_.size() < kMax) {
      costs_.push_back(seconds_per_unit);
    } else {
      costs_[next_] = seconds_per_unit;
    }
    next_ = (next_ + 1) % kMax;
  }
  std::optional<double> Median() const { return MedianOf(costs_); }

 private:
  std::vector<double> costs_;
  size_t next_ = 0;  // the oldest one, once all places are taken
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_RECENT_COSTS_H_
