#include "worker/engine/reduce_runner.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/failpoint.h"
#include "storage/run_reader.h"
#include "worker/engine/failure.h"
#include "worker/engine/key_group.h"
#include "worker/engine/merge_down.h"
#include "worker/engine/part_writer.h"
#include "worker/engine/run_merger.h"
#include "worker/engine/sort_key.h"
#include "worker/engine/temp_files.h"

namespace millrace {
namespace {

constexpr uint64_t kKeysBetweenChecks = 4096;

// Of the memory limit, for the sources that are open together: 3/4.
uint64_t SourceMemory(uint64_t memory_bytes) { return memory_bytes / 4 * 3; }

// Writes what a reducer emits to the part.
class ReducedPart : public ReduceOutput {
 public:
  ReducedPart(PartWriter* part, PhaseSampler* sampler) : part_(part), sampler_(sampler) {}
  void Write(std::string_view key, std::string_view value) override {
    sampler_->Switch(WorkPhase::kWrite);
    part_->Write(key, value);
    sampler_->Switch(WorkPhase::kReduce);
  }
  void Fail(std::string_view message) override {
    if (status_.ok()) status_ = absl::AbortedError(ToAbsl(message));
  }
  // The reducer's failure, or the part's.
  const absl::Status& status() const { return status_.ok() ? part_->status() : status_; }

 private:
  PartWriter* const part_;
  PhaseSampler* const sampler_;
  absl::Status status_;
};

// The one value that a reducer sees of an aggregate.
class TotalInput : public ReduceInput {
 public:
  TotalInput(std::string_view key, int64_t total)
      : key_(key), end_(std::to_chars(digits_, digits_ + sizeof(digits_), total).ptr) {}
  std::string_view key() const override { return key_; }
  bool done() const override { return done_; }
  std::string_view value() const override { return {digits_, static_cast<size_t>(end_ - digits_)}; }
  void NextValue() override { done_ = true; }

 private:
  const std::string_view key_;
  char digits_[24];
  const char* const end_;
  bool done_ = false;
};

// Writes pairs as they are.
class PassOn : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    for (; !input.done(); input.NextValue()) Emit(input.value());
  }
};

// Only a reducer sees pairs as an order of values divides them: a job that has one gets a reducer.
JobDescription Completed(JobDescription job) {
  if (job.is_ordered() && job.reducer == nullptr) {
    job.reducer = [] { return std::make_unique<PassOn>(); };
  }
  job.output.keys_have_fields = job.key_fields > 1;
  return job;
}

absl::Status Blame(uint32_t map_index, const absl::Status& status) {
  // Too many open files, or no space for a pass: not the fault of a source.
  if (absl::IsResourceExhausted(status)) return status;
  return BadSource(map_index, status);
}

absl::StatusOr<std::unique_ptr<RunReader>> OpenWholeRun(FileSystem* fs, const ReduceSource& source,
                                                        uint32_t partition) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs->OpenForReading(source.path));
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOfRun run,
                            ReadRunPartition(*file, source.path, partition));
  const bool same_attempt = run.maker.attempt_epoch == source.attempt.epoch.value() &&
                            run.maker.attempt_sequence == source.attempt.sequence;
  if (!same_attempt || run.run_digest != source.run_digest || !(run.partition == source.expected)) {
    return absl::DataLossError(
        absl::StrCat(source.path, ": a run of attempt ", run.maker.attempt_epoch, "-",
                     run.maker.attempt_sequence, ", not the expected ", ToString(source.attempt)));
  }
  return RunReader::OpenInFile(std::move(file), source.path, run.partition, run.format);
}

}  // namespace

class ReduceRunner::Impl {
 public:
  Impl(const JobDescription& job, FileSystem* fs, const ReduceRunnerOptions& options)
      : job_(Completed(job)), fs_(fs), memory_bytes_(options.memory_bytes) {
    format_.value_kind = job_.reduces_totals() ? ValueKind::kInt64 : ValueKind::kBytes;
  }

  absl::StatusOr<TaskResult> Run(const ReduceTask& task, TaskHooks& hooks);

 private:
  absl::StatusOr<std::unique_ptr<RunReader>> Open(const ReduceSource& source,
                                                  uint32_t partition) const;
  std::vector<MergeSource> MakeSources(const ReduceTask& task, uint64_t* bytes) const;
  void CountWork(uint64_t bytes, TaskHooks& hooks) const;
  absl::Status Reduce(RunMerger* merger, PartWriter* part, CounterSet* counters, TaskHooks& hooks,
                      TaskResult* result) const;
  absl::Status WriteTotals(RunMerger* merger, PartWriter* part, TaskHooks& hooks,
                           TaskResult* result) const;
  absl::Status WritePairs(RunMerger* merger, PartWriter* part, TaskHooks& hooks,
                          TaskResult* result) const;
  absl::Status ReduceTotals(RunMerger* merger, Reducer* reducer, const ReducedPart& output,
                            TaskHooks& hooks, TaskResult* result) const;
  template <typename Groups>
  absl::Status ReduceGroups(Groups* groups, Reducer* reducer, const ReducedPart& output,
                            TaskHooks& hooks, TaskResult* result) const;

  const JobDescription job_;
  FileSystem* const fs_;
  const uint64_t memory_bytes_;
  RecordFormat format_;
};

absl::StatusOr<std::unique_ptr<RunReader>> ReduceRunner::Impl::Open(const ReduceSource& source,
                                                                    uint32_t partition) const {
  if (!(source.format == format_)) {
    return absl::DataLossError(
        absl::StrCat(source.path, ": its records are not of the kind that this job has"));
  }
  return source.whole_run ? OpenWholeRun(fs_, source, partition)
                          : RunReader::OpenFetched(fs_, source.path, source.expected, format_);
}

std::vector<MergeSource> ReduceRunner::Impl::MakeSources(const ReduceTask& task,
                                                         uint64_t* bytes) const {
  std::vector<MergeSource> sources;
  for (const ReduceSource& source : task.sources) {
    if (source.expected.records == 0) continue;
    *bytes += source.expected.length;
    MergeSource merge_source;
    merge_source.open = [this, &source, &task] { return Open(source, task.partition); };
    merge_source.blame = [map_index = source.map_index](const absl::Status& status) {
      return Blame(map_index, status);
    };
    merge_source.memory_bytes = RunReader::MemoryFor(source.expected);
    sources.push_back(std::move(merge_source));
  }
  return sources;
}

absl::StatusOr<TaskResult> ReduceRunner::Impl::Run(const ReduceTask& task, TaskHooks& hooks) {
  MILLRACE_RETURN_IF_ERROR(CheckCancelled(hooks));
  hooks.Enter(TaskPhase::kReduce);
  hooks.Work(WorkPhase::kMerge);
  TaskResult result;
  CounterSet counters;
  TempFiles temp_files(fs_, task.temp_folder);
  std::vector<MergeSource> sources = MakeSources(task, &result.stats.shuffled_bytes);
  const Aggregate aggregate = job_.reduces_totals() ? job_.aggregate : Aggregate::kNone;
  const MergePlan plan = {fs_, aggregate, SourceMemory(memory_bytes_)};
  MILLRACE_ASSIGN_OR_RETURN(RunReaders readers, OpenForMerge(plan, &sources, &temp_files, hooks));
  hooks.Enter(TaskPhase::kReduce);
  CountWork(result.stats.shuffled_bytes, hooks);
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kReduceRunning));
  RunMerger merger(std::move(readers));
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<PartWriter> part,
                            PartWriter::Create(fs_, task.output_path, job_.output));
  const absl::Status reduced = Reduce(&merger, part.get(), &counters, hooks, &result);
  // A source that failed comes first: what the reducer made of half its data means nothing.
  if (!merger.status().ok()) return sources[merger.failed_source()].blame(merger.status());
  MILLRACE_RETURN_IF_ERROR(reduced);
  hooks.Enter(TaskPhase::kCommit);
  hooks.Work(WorkPhase::kWrite);
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kReduceBeforeSync));
  MILLRACE_RETURN_IF_ERROR(part->Finish());
  hooks.CountWork(WorkPhase::kWrite, part->bytes());
  result.digest = part->digest();
  result.stats.input_bytes = result.stats.shuffled_bytes;
  result.stats.output_bytes = part->bytes();
  result.stats.output_records = part->records();
  result.stats.spills = temp_files.count();
  for (const auto& [name, counter] : counters.all()) result.counters[name] = counter.value();
  return result;
}

// Begins the section in which merging, reducing and writing take turns.
void ReduceRunner::Impl::CountWork(uint64_t bytes, TaskHooks& hooks) const {
  hooks.CountWork(WorkPhase::kShuffle, bytes);
  hooks.CountWork(WorkPhase::kMerge, bytes);
  if (job_.reducer != nullptr) hooks.CountWork(WorkPhase::kReduce, bytes);
  hooks.Work(job_.reducer == nullptr ? WorkPhase::kMerge : WorkPhase::kReduce);
}

absl::Status ReduceRunner::Impl::Reduce(RunMerger* merger, PartWriter* part, CounterSet* counters,
                                        TaskHooks& hooks, TaskResult* result) const {
  const bool aggregated = job_.reduces_totals();
  if (job_.reducer == nullptr) {
    return aggregated ? WriteTotals(merger, part, hooks, result)
                      : WritePairs(merger, part, hooks, result);
  }
  ReducedPart output(part, &hooks.sampler);
  const std::unique_ptr<Reducer> reducer = job_.reducer();
  reducer->Attach(&output, counters);
  reducer->Start();
  MILLRACE_RETURN_IF_ERROR(CheckCounters(*counters));
  if (aggregated) {
    MILLRACE_RETURN_IF_ERROR(ReduceTotals(merger, reducer.get(), output, hooks, result));
  } else if (job_.is_ordered()) {
    GroupsOf<SortKeyReader> groups(merger, &hooks.progress_records, &hooks.sampler,
                                   SortKeyReader(job_));
    MILLRACE_RETURN_IF_ERROR(ReduceGroups(&groups, reducer.get(), output, hooks, result));
  } else {
    KeyGroups groups(merger, &hooks.progress_records, &hooks.sampler);
    MILLRACE_RETURN_IF_ERROR(ReduceGroups(&groups, reducer.get(), output, hooks, result));
  }
  // Finish may write and count, so it must not run over half the data.
  if (!merger->status().ok()) return merger->status();
  reducer->Finish();
  MILLRACE_RETURN_IF_ERROR(output.status());
  return CheckCounters(*counters);
}

namespace {

// What begins the next turn of a merge.
template <typename Next>
bool InTurn(PhaseSampler* sampler, const Next& next) {
  sampler->NextTurn(WorkPhase::kMerge);
  return next();
}

// Every few thousand keys: looks whether to go on.
absl::Status CheckIn(uint64_t keys, const absl::Status& status, const TaskHooks& hooks) {
  if (keys % kKeysBetweenChecks != 0) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(status);
  return CheckCancelled(hooks);
}

}  // namespace

absl::Status ReduceRunner::Impl::WriteTotals(RunMerger* merger, PartWriter* part, TaskHooks& hooks,
                                             TaskResult* result) const {
  KeyTotals totals(merger, job_.aggregate);
  HeaviestKeys heaviest;
  const auto next = [&]() { return InTurn(&hooks.sampler, [&]() { return totals.Next(); }); };
  for (uint64_t keys = 1; next(); ++keys) {
    hooks.sampler.Switch(WorkPhase::kWrite);
    part->Write(totals.key(), totals.total());
    heaviest.Add(totals.key(), totals.key_records(), totals.key_records() * sizeof(int64_t));
    hooks.progress_records.store(totals.records(), std::memory_order_relaxed);
    MILLRACE_RETURN_IF_ERROR(CheckIn(keys, part->status(), hooks));
  }
  result->stats.input_records = totals.records();
  result->heavy_keys = std::move(heaviest).Take();
  return part->status();
}

absl::Status ReduceRunner::Impl::WritePairs(RunMerger* merger, PartWriter* part, TaskHooks& hooks,
                                            TaskResult* result) const {
  uint64_t pairs = 0;
  HeaviestKeys heaviest;
  WeighedKeys keys(&heaviest);
  while (InTurn(&hooks.sampler, [&]() { return merger->Next(); })) {
    hooks.sampler.Switch(WorkPhase::kWrite);
    part->Write(merger->key(), merger->value());
    keys.Add(*merger);
    hooks.progress_records.store(++pairs, std::memory_order_relaxed);
    MILLRACE_RETURN_IF_ERROR(CheckIn(pairs, part->status(), hooks));
  }
  keys.End();
  result->stats.input_records = pairs;
  result->heavy_keys = std::move(heaviest).Take();
  return part->status();
}

absl::Status ReduceRunner::Impl::ReduceTotals(RunMerger* merger, Reducer* reducer,
                                              const ReducedPart& output, TaskHooks& hooks,
                                              TaskResult* result) const {
  KeyTotals totals(merger, job_.aggregate);
  HeaviestKeys heaviest;
  const auto next = [&]() { return InTurn(&hooks.sampler, [&]() { return totals.Next(); }); };
  for (uint64_t keys = 1; next(); ++keys) {
    hooks.sampler.Switch(WorkPhase::kReduce);
    TotalInput input(totals.key(), totals.total());
    reducer->SetKey(totals.key());
    reducer->Reduce(input);
    heaviest.Add(totals.key(), totals.key_records(), totals.key_records() * sizeof(int64_t));
    hooks.progress_records.store(totals.records(), std::memory_order_relaxed);
    if (!output.status().ok()) return output.status();
    MILLRACE_RETURN_IF_ERROR(CheckIn(keys, output.status(), hooks));
  }
  result->stats.input_records = totals.records();
  result->heavy_keys = std::move(heaviest).Take();
  return absl::OkStatus();
}

template <typename Groups>
absl::Status ReduceRunner::Impl::ReduceGroups(Groups* groups, Reducer* reducer,
                                              const ReducedPart& output, TaskHooks& hooks,
                                              TaskResult* result) const {
  HeaviestKeys heaviest;
  for (uint64_t keys = 1; groups->NextGroup(); ++keys) {
    reducer->SetKey(groups->key());
    reducer->Reduce(*groups);
    groups->SkipRest();
    heaviest.Add(groups->key(), groups->key_records(), groups->value_bytes());
    if (!output.status().ok()) return output.status();
    MILLRACE_RETURN_IF_ERROR(CheckIn(keys, output.status(), hooks));
  }
  result->stats.input_records = groups->records();
  result->heavy_keys = std::move(heaviest).Take();
  return absl::OkStatus();
}

ReduceRunner::ReduceRunner(const JobDescription& job, FileSystem* file_system,
                           const ReduceRunnerOptions& options)
    : impl_(std::make_unique<Impl>(job, file_system, options)) {}

ReduceRunner::~ReduceRunner() = default;

absl::StatusOr<TaskResult> ReduceRunner::Run(const ReduceTask& task, TaskHooks& hooks) {
  return impl_->Run(task, hooks);
}

}  // namespace millrace
