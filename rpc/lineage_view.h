// What one task's input was made from, how often the task was run and why: what `millrace lineage`
// shows. Plain values.
#ifndef MILLRACE_RPC_LINEAGE_VIEW_H_
#define MILLRACE_RPC_LINEAGE_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "rpc/job_views.h"
#include "rpc/task_types.h"
#include "storage/input_split.h"

namespace millrace {

// How a map output stands that a reduce needs.
enum class SourceState : uint8_t {
  kAvailable = 0,
  kOutOfReach = 1,      // its worker's connection broke, or the master waits for it to come back
  kLost = 2,            // gone, and its map waits for its turn
  kBeingMadeAgain = 3,  // gone, and its map runs
  kNotMade = 4,         // its map waits for its first success
  kBeingMade = 5,       // its map runs
  kReleased = 6,        // the job has ended, and nobody needs it any more
};
constexpr int kSourceStateCount = 7;
const char* Name(SourceState state);  // "available", "being_made_again", ...

// One map output. Lost and released ones are named by the attempt that made them last; what is
// being made, by the attempt that makes it.
struct SourceView {
  uint32_t map_index = 0;
  SourceState state = SourceState::kAvailable;
  AttemptId attempt;  // not set: none has been started
  WorkerId worker;
  std::string worker_name;
  Digest digest;  // zero when it is not known
};

struct LineageView {
  TaskId task;
  StageKind kind = StageKind::kMap;
  std::string state;      // "waiting", "running", "done"; "ended" with its job; "unknown"
  InputSplit split;       // of a map
  AttemptId winner;       // not set: no attempt has won, or its output was lost
  Digest digest;          // of its output; zero when it is not known
  uint64_t sources = 0;   // of a reduce, altogether
  std::string forgotten;  // what can no longer be told, and why; empty: nothing
  TaskId made_for;        // of a map: that of an earlier job whose output it took; not set: none
  TaskId part_of;         // of a map in a chain: the reduce whose part it reads; not set: none

  std::vector<AttemptView> attempts;  // of this task, in the order in which they started
  std::vector<SourceView> read;       // from one of them on: as many as one answer holds
};

}  // namespace millrace

#endif  // MILLRACE_RPC_LINEAGE_VIEW_H_
