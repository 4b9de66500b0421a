// What a job computes: built in `main`, handed to the launcher, nothing registered anywhere.
//
//   millrace::JobDescription job;
//   job.name = "wordcount";
//   job.mapper = [] { return std::make_unique<WordMapper>(); };
//   job.aggregate = millrace::Aggregate::kSum;
//
// Where the data lies, how many parts it has and on which machines it runs are flags of the job's
// binary (see client/launcher.h), not part of the description.
#ifndef MILLRACE_MAPREDUCE_JOB_H_
#define MILLRACE_MAPREDUCE_JOB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "mapreduce/mapper.h"
#include "mapreduce/partitioner.h"
#include "mapreduce/reducer.h"

namespace millrace {

// A fold over 64-bit integers that the engine performs itself, in a hash table, as pairs are
// emitted: no virtual call a record, and no sort of every pair. Sums wrap around at 64 bits.
enum class Aggregate : uint8_t {
  kNone = 0,   // values are byte strings and go to the reducer
  kSum = 1,    // the sum of the values
  kMin = 2,    // the smallest
  kMax = 3,    // the largest
  kCount = 4,  // how many values there were
};

struct JobDescription {
  std::string name;

  // Factories: each attempt gets objects of its own. `mapper` is required.
  std::function<std::unique_ptr<Mapper>()> mapper;

  // Required for a job with parts and no aggregate. With an aggregate it may be left out, and the
  // output is `key<TAB>total`.
  std::function<std::unique_ptr<Reducer>()> reducer;

  // Optional, without an aggregate: folds values of one key on the map side. It may run any number
  // of times over any neighbouring values, so it must be associative and must emit the same key.
  std::function<std::unique_ptr<Reducer>()> combiner;

  // Whether the combiner may write the pairs of a key later than in the Reduce of it, up to Finish,
  // but in the order of keys. There is then a new one for each sorted partition, which gets Finish.
  bool combiner_lags = false;

  // Optional; by default a fixed hash of the key.
  std::function<std::unique_ptr<Partitioner>()> partitioner;

  Aggregate aggregate = Aggregate::kNone;

  // Whether `--reducers=0` (a map-only job, one part a map task) has a meaning here.
  bool allows_map_only = false;

  // Whether the job has nothing to reduce, so that `--reducers=0` is its only meaning and its
  // default. It has a mapper and nothing else.
  bool map_only = false;

  // Whether a line of the output is a value alone, without its key and a tab.
  bool values_only = false;
};

enum class StageKind : uint8_t { kMap = 0, kReduce = 1 };

// One step of a job as the master schedules it. A MapReduce is two stages, a map-only job one.
struct StageDescription {
  StageKind kind = StageKind::kMap;
};

// Returns the stages of `job` when it has `reducers` parts (0: map only).
std::vector<StageDescription> StagesOf(const JobDescription& job, uint32_t reducers);

// Says what is missing or contradictory, in the words of a job author.
absl::Status Validate(const JobDescription& job);

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_JOB_H_
