// Runs a job's combiner while a run is written.
//
//   Combiner combiner(job, context);
//   combiner.Combine(groups, &writer);        // instead of copying the values of the group
//
// A combiner is a Reducer that must keep the key; one that does not fails the attempt. One thread.
#ifndef MILLRACE_WORKER_ENGINE_COMBINER_H_
#define MILLRACE_WORKER_ENGINE_COMBINER_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "mapreduce/counters.h"
#include "mapreduce/job.h"
#include "storage/run_writer.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

// What a combiner needs to know of its attempt, all of which must outlive it.
struct CombinerContext {
  CounterSet* counters;
  TaskHooks* hooks;  // keys and values that it was given are progress
  // What it makes of a key may have so many bytes with the key.
  uint64_t max_record_bytes;
};

class Combiner : private ReduceOutput {
 public:
  // Makes and starts the combiner of `job`, which has one.
  Combiner(const JobDescription& job, const CombinerContext& context);

  // Writes what the combiner makes of one key to `writer`. Throws what user code throws.
  void Combine(ReduceInput& input, RunWriter* writer);

  const absl::Status& status() const { return status_; }

 private:
  class Counted;

  void Write(std::string_view key, std::string_view value) override;
  void Fail(std::string_view message) override;

  const std::unique_ptr<Reducer> reducer_;
  const CombinerContext context_;
  std::string_view key_;
  RunWriter* writer_ = nullptr;
  absl::Status status_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_COMBINER_H_
