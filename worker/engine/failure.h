// How the engine reports what went wrong, so that its caller can tell who is to blame.
//
//   kAborted             user code called Fail, used the wrong form of Emit or a counter's name
//   that
//                        is not its to use, or its partitioner answered out of range. User code
//                        that throws is not caught here.
//   kInvalidArgument     the task itself makes no sense: the job cannot run.
//   kFailedPrecondition  an input file is not the one that was submitted (or is gone), is damaged,
//                        or is one in which the job as it describes itself cannot count lines.
//   kDataLoss            a source of a reduce is damaged, missing or not the expected one;
//                        BadSourceOf says which.
//   kOutOfRange          a record, of the input or emitted, is longer than the job allows, or
//                        cannot be written in the output's format: every attempt would meet it.
//                        The message has its position, or the key.
//   kResourceExhausted   no space on this host's disk.
//   kCancelled           TaskHooks::cancelled was set.
//   others               this host could not do it (reading or writing failed).
#ifndef MILLRACE_WORKER_ENGINE_FAILURE_H_
#define MILLRACE_WORKER_ENGINE_FAILURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "mapreduce/counters.h"

namespace millrace {

// What a key and its value may have together, and a record of the input, in a task with this much
// memory: so little that the buffers which hold several of them at once fit as well.
uint64_t MaxRecordBytes(uint64_t task_memory_bytes);

// Ends the message about a record that is too long: the limit, and what helps.
std::string LimitHint(uint64_t limit_bytes);

// kOutOfRange: `who` ("the mapper") emitted a pair of `bytes` bytes, where `limit_bytes` are
// allowed. `position` ("file:offset") may be empty.
absl::Status TooLong(std::string_view who, std::string_view key, uint64_t bytes,
                     uint64_t limit_bytes, std::string_view position);

// kAborted when user code asked for a counter in a group that is not its to use.
absl::Status CheckCounters(const CounterSet& counters);

// kDataLoss with the message of `cause`, blaming the source that came from map task `map_index`.
absl::Status BadSource(uint32_t map_index, const absl::Status& cause);

// The map task whose output is to blame, if a source is to blame.
std::optional<uint32_t> BadSourceOf(const absl::Status& status);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_FAILURE_H_
