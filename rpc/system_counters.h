// What Millrace counts in every job, as counters of its own group "millrace".
#ifndef MILLRACE_RPC_SYSTEM_COUNTERS_H_
#define MILLRACE_RPC_SYSTEM_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>

#include "rpc/task_types.h"

namespace millrace {

inline constexpr char kSystemGroup[] = "millrace/";

// Adds records and bytes that tasks of this kind took and gave, and their spills: among others
// "millrace/map_input_records" and "millrace/reduce_output_bytes".
void AddSystemCounters(StageKind kind, const AttemptStats& stats,
                       std::map<std::string, int64_t>* counters);

// Adds "millrace/skipped_records".
void AddSkippedRecords(uint64_t records, std::map<std::string, int64_t>* counters);

}  // namespace millrace

#endif  // MILLRACE_RPC_SYSTEM_COUNTERS_H_
