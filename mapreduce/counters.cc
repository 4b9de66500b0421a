#include "mapreduce/counters.h"

namespace millrace {
namespace {

bool IsOurs(std::string_view full_name) {
  constexpr std::string_view kOurs = "millrace";
  if (full_name.substr(0, kOurs.size()) != kOurs) return false;
  const char next = full_name[kOurs.size()];  // there is a '/' at least
  return next == '/' || next == '.';
}

}  // namespace

Counter* CounterSet::Get(std::string_view group, std::string_view name) {
  std::string full(group);
  full.append("/").append(name);
  if (IsOurs(full)) {
    if (refused_.empty()) refused_ = full;
    return &unused_;
  }
  if (auto found = counters_.find(full); found != counters_.end()) return &found->second;
  if (counters_.size() >= kMaxCounters) return &counters_["millrace/overflow"];
  return &counters_[full];
}

}  // namespace millrace
