#include "rpc/profile.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr char kWait[] = "wait.us";

std::string CounterOf(WorkPhase phase, const char* what) {
  return absl::StrCat(kProfileGroup, Name(phase), ".", what);
}

uint64_t ValueOf(const std::map<std::string, int64_t>& counters, const std::string& name) {
  const auto found = counters.find(name);
  return found == counters.end() ? 0 : static_cast<uint64_t>(std::max<int64_t>(0, found->second));
}

}  // namespace

const char* Name(WorkPhase phase) {
  switch (phase) {
    case WorkPhase::kRead: return "read";
    case WorkPhase::kMap: return "map";
    case WorkPhase::kAggregate: return "aggregate";
    case WorkPhase::kSort: return "sort";
    case WorkPhase::kSpill: return "spill";
    case WorkPhase::kShuffle: return "shuffle";
    case WorkPhase::kMerge: return "merge";
    case WorkPhase::kReduce: return "reduce";
    case WorkPhase::kWrite: return "write";
    case WorkPhase::kControl: return "control";
  }
  return "unknown";
}

uint64_t Profile::cpu_us() const {
  uint64_t sum = 0;
  for (const Share& share : shares) sum += share.cpu_us;
  return sum;
}

bool IsOfProfile(std::string_view counter) {
  const std::string_view group = kProfileGroup;
  return counter.substr(0, group.size()) == group;
}

void AddToCounters(const Profile& profile, std::map<std::string, int64_t>* counters) {
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    const auto phase = static_cast<WorkPhase>(i);
    (*counters)[CounterOf(phase, "cpu_us")] += static_cast<int64_t>(profile[phase].cpu_us);
    (*counters)[CounterOf(phase, "bytes")] += static_cast<int64_t>(profile[phase].bytes);
  }
  (*counters)[absl::StrCat(kProfileGroup, kWait)] += static_cast<int64_t>(profile.wait_us);
}

Profile ProfileIn(const std::map<std::string, int64_t>& counters) {
  Profile profile;
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    const auto phase = static_cast<WorkPhase>(i);
    profile[phase].cpu_us = ValueOf(counters, CounterOf(phase, "cpu_us"));
    profile[phase].bytes = ValueOf(counters, CounterOf(phase, "bytes"));
  }
  profile.wait_us = ValueOf(counters, absl::StrCat(kProfileGroup, kWait));
  return profile;
}

bool HasProfile(const std::map<std::string, int64_t>& counters) {
  const auto first = counters.lower_bound(kProfileGroup);
  return first != counters.end() && IsOfProfile(first->first);
}

void EraseProfile(std::map<std::string, int64_t>* counters) {
  auto next = counters->lower_bound(kProfileGroup);
  while (next != counters->end() && IsOfProfile(next->first)) next = counters->erase(next);
}

}  // namespace millrace
