#include "rpc/system_counters.h"

#include "absl/strings/str_cat.h"

namespace millrace {

void AddSystemCounters(StageKind kind, const AttemptStats& stats,
                       std::map<std::string, int64_t>* counters) {
  const char* const stage = kind == StageKind::kMap ? "map_" : "reduce_";
  const auto add = [&](const char* name, uint64_t value) {
    (*counters)[absl::StrCat(kSystemGroup, stage, name)] += static_cast<int64_t>(value);
  };
  add("input_bytes", stats.input_bytes);
  add("input_records", stats.input_records);
  add("output_bytes", stats.output_bytes);
  add("output_records", stats.output_records);
  add("spills", stats.spills);
}

void AddSkippedRecords(uint64_t records, std::map<std::string, int64_t>* counters) {
  (*counters)[absl::StrCat(kSystemGroup, "skipped_records")] += static_cast<int64_t>(records);
}

}  // namespace millrace
