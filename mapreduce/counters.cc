#include "mapreduce/counters.h"

namespace millrace {

Counter* CounterSet::Get(std::string_view group, std::string_view name) {
  std::string full(group);
  full.append("/").append(name);
  if (auto found = counters_.find(full); found != counters_.end()) return &found->second;
  if (counters_.size() >= kMaxCounters) return &counters_["millrace/overflow"];
  return &counters_[full];
}

}  // namespace millrace
