// Merges runs in passes until few enough are left to be merged at once.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto readers, OpenForMerge(std::move(sources), plan, &temp_files,
//   hooks)); RunMerger merger(std::move(readers));
//
// Every open source costs a block of memory and a file descriptor, so at most `fan_in` are open
// together. A pass merges neighbouring sources into one in the same place, so the order of values
// stays what it was. One thread.
#ifndef MILLRACE_WORKER_ENGINE_MERGE_DOWN_H_
#define MILLRACE_WORKER_ENGINE_MERGE_DOWN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "storage/file_system.h"
#include "storage/run_reader.h"
#include "worker/engine/task_hooks.h"
#include "worker/engine/temp_files.h"

namespace millrace {

using RunReaders = std::vector<std::unique_ptr<RunReader>>;

// One sorted source of a merge, opened when its turn comes.
struct MergeSource {
  std::function<absl::StatusOr<std::unique_ptr<RunReader>>()> open;
  // Turns an error of this source into the one to report.
  std::function<absl::Status(const absl::Status&)> blame;
};

// Memory that an open source needs, with usual records.
constexpr uint64_t kMergeSourceBytes = 320 << 10;

struct MergePlan {
  FileSystem* fs = nullptr;
  // Folds integers on the way; kNone copies byte strings.
  Aggregate aggregate = Aggregate::kNone;
  size_t fan_in = 2;
};

// How many sources may be open when `memory_bytes` are there for them, and the descriptors that
// this process may have: at least 2.
size_t FanInFor(uint64_t memory_bytes);

// Opens what is left of `sources` after as many passes as needed: at most `plan.fan_in` readers, in
// order. `sources` then holds the source of each reader.
absl::StatusOr<RunReaders> OpenForMerge(const MergePlan& plan, std::vector<MergeSource>* sources,
                                        TempFiles* temp_files, TaskHooks& hooks);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_MERGE_DOWN_H_
