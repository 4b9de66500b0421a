// The two kinds of steps of a job. A MapReduce has one of each, a map-only job no reduce.
#ifndef MILLRACE_MAPREDUCE_STAGE_KIND_H_
#define MILLRACE_MAPREDUCE_STAGE_KIND_H_

#include <cstdint>

namespace millrace {

enum class StageKind : uint8_t { kMap = 0, kReduce = 1 };

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_STAGE_KIND_H_
