// Runs a job's combiner while a run is written.
//
//   Combiner combiner(job, context);
//   combiner.Combine(groups, &writer);        // instead of copying the values of the group
//   combiner.EndPartition(&writer);
//
// A combiner is a Reducer that must keep the key; one that does not fails the attempt. One that may
// lag (see JobDescription::combiner_lags) must keep the order of keys. One thread.
#ifndef MILLRACE_WORKER_ENGINE_COMBINER_H_
#define MILLRACE_WORKER_ENGINE_COMBINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
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
  // Of a job that has one.
  Combiner(const JobDescription& job, const CombinerContext& context);

  // Writes what the combiner makes of one key to `writer`. Throws what user code throws.
  void Combine(ReduceInput& input, RunWriter* writer);
  // There are no more keys in this partition: one that lags writes the rest.
  void EndPartition(RunWriter* writer);

  const absl::Status& status() const { return status_; }

 private:
  class Counted;

  void MakeReducer();
  bool KeepsKeys(std::string_view key);
  void Write(std::string_view key, std::string_view value) override;
  void Fail(std::string_view message) override;

  const std::function<std::unique_ptr<Reducer>()> make_;
  const bool lags_;
  const CombinerContext context_;
  std::unique_ptr<Reducer> reducer_;  // null: one that lags, and has no keys yet
  std::string_view key_;
  std::string written_key_;  // the last one, of a combiner that lags
  RunWriter* writer_ = nullptr;
  absl::Status status_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_COMBINER_H_
