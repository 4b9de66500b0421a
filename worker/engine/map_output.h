// Where the pairs of a map task go: into sorted runs, or into a part in a map-only job.
//
//   std::unique_ptr<MapOutput> output = ...;
//   Emitter emitter(output->value_form(), output.get());
//   ... map ...
//   MILLRACE_RETURN_IF_ERROR(output->Finish(&result));
//
// Pairs arrive through EmitSink, whose calls return nothing: the first error is kept in status(),
// later pairs are dropped, and Finish returns it. An output that goes without Finish leaves no
// file. One thread.
#ifndef MILLRACE_WORKER_ENGINE_MAP_OUTPUT_H_
#define MILLRACE_WORKER_ENGINE_MAP_OUTPUT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "mapreduce/counters.h"
#include "mapreduce/emitter.h"
#include "mapreduce/job.h"
#include "storage/run_writer.h"
#include "worker/engine/aggregate_table.h"
#include "worker/engine/combiner.h"
#include "worker/engine/map_task.h"
#include "worker/engine/merge_down.h"
#include "worker/engine/pair_collector.h"
#include "worker/engine/part_writer.h"
#include "worker/engine/task_hooks.h"
#include "worker/engine/temp_files.h"

namespace millrace {

class MapOutput : public EmitSink {
 public:
  virtual ValueForm value_form() const = 0;
  virtual const absl::Status& status() const = 0;
  // Completes the output file and adds what is known of it to `result`.
  virtual absl::Status Finish(TaskResult* result) = 0;
};

// What an output needs to know; everything in it must outlive the output.
struct MapOutputContext {
  const JobDescription* job;
  const MapTask* task;
  Mapper* mapper;
  FileSystem* fs;
  CounterSet* counters;
  TaskHooks* hooks;
  CursorPage* page;             // of this task
  uint64_t merge_memory_bytes;  // for the sources of the final merge
  uint64_t max_record_bytes;    // of a key and its value
};

// One run, sorted and combined in memory; what does not fit is spilled, and merged in the end.
class RunOutput : public MapOutput {
 public:
  const absl::Status& status() const override { return status_; }
  absl::Status Finish(TaskResult* result) override;

 protected:
  RunOutput(const MapOutputContext& context, Aggregate aggregate);

  // Writes what is in memory as a spill run and clears it. Errors go to status().
  void Spill();
  void Fail(absl::Status status) { status_.Update(std::move(status)); }
  // `bytes` are those of a pair with `key`, or of the key alone.
  void FailTooLong(std::string_view key, uint64_t bytes, uint64_t limit_bytes);
  // The job's partitioner; null for the hash of the key.
  const Partitioner* partitioner() const { return partitioner_.get(); }
  Combiner* combiner() const { return combiner_.get(); }
  const MapOutputContext& context() const { return context_; }
  uint32_t partitions() const { return context_.task->partitions; }

 private:
  struct SpilledRun {
    std::string path;
    RunFooter footer;
  };

  // Writes everything in memory, sorted, and forgets it.
  virtual absl::Status DrainTo(RunWriter* writer) = 0;
  virtual bool memory_is_empty() const = 0;

  RunWriterOptions WriterOptions() const;
  // What was sorted and written as one run.
  void CountSorted(const RunFooter& footer);
  absl::Status GiveName(const std::string& temporary);
  absl::Status MergeSpills(RunWriter* writer);
  absl::Status MergePartition(uint32_t partition, RunWriter* writer);
  absl::Status WriteFinalRun(const std::string& path, TaskResult* result);

  const MapOutputContext context_;
  const Aggregate aggregate_;
  const std::unique_ptr<Partitioner> partitioner_;
  const std::unique_ptr<Combiner> combiner_;
  absl::Status status_;
  TempFiles temp_files_;
  std::vector<SpilledRun> spills_;
};

// For jobs with an aggregate. `table` is empty and outlives this object.
class AggregatedOutput : public RunOutput {
 public:
  AggregatedOutput(const MapOutputContext& context, AggregateTable* table);

  ValueForm value_form() const override { return ValueForm::kNumbers; }
  void DrainShort(const ShortPair* pairs, int count) override;
  void DrainLong(const LongPair* pairs, int count) override;
  void EmitPair(std::string_view key, std::string_view value) override;
  void EndTotals() override;

 private:
  void AddLong(const LongPair* pairs, int count);
  absl::Status DrainTo(RunWriter* writer) override;
  bool memory_is_empty() const override { return table_->empty(); }

  const bool totals_become_values_;
  AggregateTable* const table_;
  const uint64_t max_key_bytes_;
};

// For jobs whose values are byte strings. `collector` is empty and outlives this object.
class CollectedOutput : public RunOutput {
 public:
  CollectedOutput(const MapOutputContext& context, PairCollector* collector);

  ValueForm value_form() const override { return ValueForm::kStrings; }
  void DrainShort(const ShortPair* pairs, int count) override {}
  void DrainLong(const LongPair* pairs, int count) override {}
  void EmitPair(std::string_view key, std::string_view value) override;
  void EmitPairTo(uint32_t part, std::string_view key, std::string_view value) override;

 protected:
  // The part of a key that has no other.
  uint32_t PartOf(std::string_view key) const;
  void Collect(uint32_t partition, std::string_view key, std::string_view value);
  // The most that a key and its value may have together.
  uint64_t max_pair_bytes() const { return max_pair_bytes_; }

 private:
  absl::Status DrainTo(RunWriter* writer) override;
  bool memory_is_empty() const override { return collector_->empty(); }

  PairCollector* const collector_;
  const uint64_t max_pair_bytes_;
  const std::vector<std::string>* const split_keys_;  // of a total order; else null
  const HashPartitioner hash_partitioner_;
};

// For map-only jobs: a part in the order of Emit.
class PartOutput : public MapOutput {
 public:
  // `hooks` must outlive this object.
  PartOutput(std::unique_ptr<PartWriter> part, TaskHooks* hooks)
      : part_(std::move(part)), hooks_(hooks) {}

  ValueForm value_form() const override { return ValueForm::kStrings; }
  const absl::Status& status() const override { return part_->status(); }
  absl::Status Finish(TaskResult* result) override;
  void DrainShort(const ShortPair* pairs, int count) override {}
  void DrainLong(const LongPair* pairs, int count) override {}
  void EmitPair(std::string_view key, std::string_view value) override {
    hooks_->sampler.NextTurn(WorkPhase::kWrite);
    part_->Write(key, value);
    hooks_->sampler.Switch(WorkPhase::kMap);
  }

 private:
  const std::unique_ptr<PartWriter> part_;
  TaskHooks* const hooks_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_MAP_OUTPUT_H_
