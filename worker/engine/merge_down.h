// Merges runs in passes until few enough are left to be merged at once.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto readers, OpenForMerge(plan, &sources, &temp_files, hooks));
//   RunMerger merger(std::move(readers));
//
// Every open source costs memory for its longest block, and a file descriptor, so only as many are
// open together as fit. A pass merges neighbouring sources into one in the same place, so the order
// of values stays what it was. One thread.
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
  // RunReader::MemoryFor what `open` gives.
  uint64_t memory_bytes = 0;
};

// How many sources the files that this process may open leave room for.
size_t OpenSourcesMax();

struct MergePlan {
  FileSystem* fs = nullptr;
  // Folds integers on the way; kNone copies byte strings.
  Aggregate aggregate = Aggregate::kNone;
  // For the sources that are open together. Two may be open in any case.
  uint64_t memory_bytes = 0;
  size_t sources_max = OpenSourcesMax();
};

// Opens what is left of `sources` after as many passes as needed: readers that fit the plan's
// memory, in order. `sources` then holds the source of each reader.
absl::StatusOr<RunReaders> OpenForMerge(const MergePlan& plan, std::vector<MergeSource>* sources,
                                        TempFiles* temp_files, TaskHooks& hooks);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_MERGE_DOWN_H_
