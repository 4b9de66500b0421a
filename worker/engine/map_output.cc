#include "worker/engine/map_output.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/failpoint.h"
#include "storage/paths.h"
#include "worker/engine/failure.h"
#include "worker/engine/key_group.h"
#include "worker/engine/run_merger.h"

namespace millrace {
namespace {

constexpr uint64_t kKeysBetweenChecks = 4096;

// One key that leaves no memory for anything else helps nobody.
constexpr uint64_t kLargestKeyShare = 8;

// Null for the hash of the key.
std::unique_ptr<Partitioner> MakePartitioner(const MapOutputContext& context) {
  if (!context.task->split_keys.empty()) {
    return std::make_unique<RangePartitioner>(context.task->split_keys);
  }
  return context.job->partitioner == nullptr ? nullptr : context.job->partitioner();
}

std::unique_ptr<Combiner> MakeCombiner(const MapOutputContext& context) {
  if (context.job->combiner == nullptr) return nullptr;
  return std::make_unique<Combiner>(
      *context.job, CombinerContext{context.counters, context.hooks, context.max_record_bytes});
}

}  // namespace

// --- Runs ---

RunOutput::RunOutput(const MapOutputContext& context, Aggregate aggregate)
    : context_(context),
      aggregate_(aggregate),
      partitioner_(MakePartitioner(context)),
      combiner_(MakeCombiner(context)),
      temp_files_(context.fs, context.task->temp_folder) {}

void RunOutput::FailTooLong(std::string_view key, uint64_t bytes, uint64_t limit_bytes) {
  Fail(TooLong("the mapper", key, bytes, limit_bytes, context_.page->PositionOf(key)));
}

RunWriterOptions RunOutput::WriterOptions() const {
  const MapTask& task = *context_.task;
  RunWriterOptions options;
  options.maker.attempt_epoch = task.attempt.epoch.value();
  options.maker.attempt_sequence = task.attempt.sequence;
  options.maker.job = task.task.job.value();
  options.maker.stage = task.task.stage;
  options.maker.task = task.task.index;
  options.format.value_kind =
      aggregate_ == Aggregate::kNone ? ValueKind::kBytes : ValueKind::kInt64;
  options.partitions = task.partitions;
  return options;
}

void RunOutput::Spill() {
  if (!status_.ok()) return;
  context_.hooks->Enter(TaskPhase::kSort);
  context_.hooks->Work(WorkPhase::kSort);
  // What a combiner does is not the fault of the record that happened to fill the memory.
  const char* const record = context_.page->cursor()->record.exchange(nullptr);
  const auto write = [this]() -> absl::Status {
    const std::string path = temp_files_.NewPath("spill");
    MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<RunWriter> writer,
                              RunWriter::Create(context_.fs, path, WriterOptions()));
    MILLRACE_RETURN_IF_ERROR(DrainTo(writer.get()));
    MILLRACE_ASSIGN_OR_RETURN(RunFooter footer, writer->Finish());
    context_.hooks->CountMoved(writer->records());
    CountSorted(footer);
    spills_.push_back({path, std::move(footer)});
    return CheckCancelled(*context_.hooks);
  };
  Fail(write());
  if (status_.ok()) context_.page->cursor()->record = record;
  context_.hooks->Enter(TaskPhase::kMap);
  context_.hooks->Work(WorkPhase::kMap);
}

void RunOutput::CountSorted(const RunFooter& footer) {
  uint64_t bytes = 0;
  for (const RunPartition& partition : footer.partitions) bytes += partition.length;
  context_.hooks->CountWork(WorkPhase::kSort, bytes);
  context_.hooks->CountWork(WorkPhase::kSpill, bytes);
}

absl::Status RunOutput::Finish(TaskResult* result) {
  if (!spills_.empty() && !memory_is_empty()) Spill();
  MILLRACE_RETURN_IF_ERROR(status_);
  result->stats.spills = spills_.size();
  const std::string temporary = TemporaryName(context_.task->output_path);
  auto remove = absl::MakeCleanup([&] { context_.fs->RemoveFile(temporary).IgnoreError(); });
  MILLRACE_RETURN_IF_ERROR(WriteFinalRun(temporary, result));
  context_.hooks->Enter(TaskPhase::kCommit);
  MILLRACE_RETURN_IF_ERROR(GiveName(temporary));
  std::move(remove).Cancel();
  return absl::OkStatus();
}

absl::Status RunOutput::GiveName(const std::string& temporary) {
  const std::string& path = context_.task->output_path;
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kMapBeforeRename));
  MILLRACE_RETURN_IF_ERROR(context_.fs->Rename(temporary, path));
  return context_.task->keeps_output ? context_.fs->SyncFolder(FolderOf(path)) : absl::OkStatus();
}

absl::Status RunOutput::WriteFinalRun(const std::string& path, TaskResult* result) {
  RunWriterOptions options = WriterOptions();
  options.durable = context_.task->keeps_output;
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<RunWriter> writer,
                            RunWriter::Create(context_.fs, path, options));
  if (spills_.empty()) {
    context_.hooks->Enter(TaskPhase::kSort);
    context_.hooks->Work(WorkPhase::kSort);
    MILLRACE_RETURN_IF_ERROR(DrainTo(writer.get()));
  } else {
    context_.hooks->Enter(TaskPhase::kMerge);
    context_.hooks->Work(WorkPhase::kMerge);
    MILLRACE_RETURN_IF_ERROR(MergeSpills(writer.get()));
  }
  MILLRACE_ASSIGN_OR_RETURN(const RunFooter footer, writer->Finish());
  if (spills_.empty()) CountSorted(footer);
  result->digest = footer.digest;
  for (const RunPartition& partition : footer.partitions) {
    result->stats.output_bytes += partition.length;
    result->stats.output_records += partition.records;
  }
  return absl::OkStatus();
}

absl::Status RunOutput::MergeSpills(RunWriter* writer) {
  for (uint32_t p = 0; p < partitions(); ++p) {
    writer->BeginPartition(p);
    MILLRACE_RETURN_IF_ERROR(MergePartition(p, writer));
  }
  return writer->status();
}

absl::Status RunOutput::MergePartition(uint32_t partition, RunWriter* writer) {
  std::vector<MergeSource> sources;
  for (const SpilledRun& spill : spills_) {
    if (spill.footer.partitions[partition].records == 0) continue;
    context_.hooks->CountWork(WorkPhase::kMerge, spill.footer.partitions[partition].length);
    sources.push_back({[this, &spill, partition] {
                         return RunReader::OpenInRun(context_.fs, spill.path, spill.footer,
                                                     partition);
                       },
                       [](const absl::Status& status) { return status; },
                       RunReader::MemoryFor(spill.footer.partitions[partition])});
  }
  TempFiles pass_files(context_.fs, context_.task->temp_folder);
  const MergePlan plan = {context_.fs, aggregate_, context_.merge_memory_bytes};
  MILLRACE_ASSIGN_OR_RETURN(RunReaders readers,
                            OpenForMerge(plan, &sources, &pass_files, *context_.hooks));
  RunMerger merger(std::move(readers));
  uint64_t key = 0;
  const auto check = [&]() -> absl::Status {
    context_.hooks->CountMoved(1);
    if (++key % kKeysBetweenChecks != 0) return absl::OkStatus();
    MILLRACE_RETURN_IF_ERROR(CheckCancelled(*context_.hooks));
    return writer->status();
  };
  if (aggregate_ != Aggregate::kNone) {
    for (KeyTotals totals(&merger, aggregate_); totals.Next();) {
      writer->Add(totals.key(), totals.total());
      MILLRACE_RETURN_IF_ERROR(check());
    }
  } else if (combiner_ != nullptr) {
    for (KeyGroups groups(&merger); groups.NextGroup() && combiner_->status().ok();) {
      combiner_->Combine(groups, writer);
      MILLRACE_RETURN_IF_ERROR(check());
    }
    combiner_->EndPartition(writer);
    MILLRACE_RETURN_IF_ERROR(combiner_->status());
  } else {
    while (merger.Next()) {
      writer->Add(merger.key(), merger.value());
      MILLRACE_RETURN_IF_ERROR(check());
    }
  }
  return merger.status();
}

// --- Aggregates ---

AggregatedOutput::AggregatedOutput(const MapOutputContext& context, AggregateTable* table)
    : RunOutput(context, context.job->reduces_totals() ? context.job->aggregate : Aggregate::kNone),
      totals_become_values_(context.job->totals_become_values),
      table_(table),
      max_key_bytes_(std::min(table->memory_limit() / kLargestKeyShare, context.max_record_bytes)) {
}

void AggregatedOutput::DrainShort(const ShortPair* pairs, int count) {
  TaskHooks& hooks = *context().hooks;
  hooks.sampler.NextTurn(WorkPhase::kAggregate);
  hooks.CountInTurn(WorkPhase::kAggregate, sizeof(ShortPair) * static_cast<uint64_t>(count));
  if (__builtin_expect(!table_->AddShort(pairs, count), 0)) {
    Spill();
    table_->Clear();  // even if the spill failed: the pairs are lost then in any case
    table_->AddShort(pairs, count);
  }
  hooks.sampler.Switch(WorkPhase::kMap);
}

void AggregatedOutput::DrainLong(const LongPair* pairs, int count) {
  TaskHooks& hooks = *context().hooks;
  hooks.sampler.NextTurn(WorkPhase::kAggregate);
  for (int i = 0; hooks.sampler.looking() && i < count; ++i) {
    hooks.CountInTurn(WorkPhase::kAggregate, sizeof(LongPair) + pairs[i].size);
  }
  AddLong(pairs, count);
  hooks.sampler.Switch(WorkPhase::kMap);
}

void AggregatedOutput::AddLong(const LongPair* pairs, int count) {
  if (!status().ok()) return;
  for (int i = 0; i < count; ++i) {
    if (pairs[i].size > max_key_bytes_) {
      return FailTooLong(pairs[i].key(), pairs[i].size, max_key_bytes_);
    }
  }
  if (__builtin_expect(table_->AddLong(pairs, count), 1)) return;
  Spill();
  table_->Clear();
  for (int i = 0; i < count; ++i) {  // one by one: together they might need too much
    if (table_->AddLong(&pairs[i], 1)) continue;
    Spill();
    table_->Clear();
    table_->AddLong(&pairs[i], 1);
  }
}

void AggregatedOutput::EndTotals() {
  if (!status().ok() || table_->empty()) return;
  Spill();
  table_->Clear();
}

void AggregatedOutput::EmitPair(std::string_view, std::string_view) {
  Fail(absl::InternalError("a pair of strings reached the table of an aggregate"));
}

absl::Status AggregatedOutput::DrainTo(RunWriter* writer) {
  Mapper* const mapper = totals_become_values_ ? context().mapper : nullptr;
  absl::Status drained =
      table_->DrainTo({partitioner(), partitions(), writer, mapper, context().hooks});
  table_->Clear();
  return drained;
}

// --- Byte strings ---

CollectedOutput::CollectedOutput(const MapOutputContext& context, PairCollector* collector)
    : RunOutput(context, Aggregate::kNone),
      collector_(collector),
      max_pair_bytes_(std::min(collector->max_pair_bytes(), context.max_record_bytes)),
      split_keys_(context.task->split_keys.empty() ? nullptr : &context.task->split_keys) {}

void CollectedOutput::EmitPair(std::string_view key, std::string_view value) {
  if (!status().ok()) return;
  TaskHooks& hooks = *context().hooks;
  hooks.sampler.NextTurn(WorkPhase::kAggregate);
  Collect(PartOf(key), key, value);
  hooks.sampler.Switch(WorkPhase::kMap);
}

void CollectedOutput::EmitPairTo(uint32_t part, std::string_view key, std::string_view value) {
  if (!status().ok()) return;
  if (__builtin_expect(split_keys_ != nullptr, 0)) {
    return Fail(absl::AbortedError(
        "the mapper called EmitTo in a job with total_order, in which the order chooses the part"));
  }
  TaskHooks& hooks = *context().hooks;
  hooks.sampler.NextTurn(WorkPhase::kAggregate);
  Collect(part, key, value);
  hooks.sampler.Switch(WorkPhase::kMap);
}

uint32_t CollectedOutput::PartOf(std::string_view key) const {
  if (split_keys_ != nullptr) return 0;  // the collector finds it
  const Partitioner& chooser = partitioner() != nullptr ? *partitioner() : hash_partitioner_;
  return chooser.Partition(key, partitions());
}

void CollectedOutput::Collect(uint32_t partition, std::string_view key, std::string_view value) {
  const uint64_t bytes = key.size() + value.size();
  if (__builtin_expect(bytes > max_pair_bytes_, 0)) return FailTooLong(key, bytes, max_pair_bytes_);
  if (__builtin_expect(partition >= partitions(), 0)) {
    return Fail(absl::AbortedError(absl::StrCat("the job's partitioner returned part ", partition,
                                                " of ", partitions(), "; it must be less")));
  }
  context().hooks->CountInTurn(WorkPhase::kAggregate, bytes);
  if (__builtin_expect(collector_->Add(partition, key, value), 1)) return;
  Spill();
  collector_->Clear();
  if (collector_->Add(partition, key, value)) return;
  Fail(
      absl::InternalError(absl::StrCat("a pair of ", bytes, " bytes does not fit an empty arena")));
}

absl::Status CollectedOutput::DrainTo(RunWriter* writer) {
  collector_->WriteTo({partitions(), combiner(), writer, context().hooks, split_keys_});
  collector_->Clear();
  if (combiner() != nullptr) MILLRACE_RETURN_IF_ERROR(combiner()->status());
  return writer->status();
}

// --- Parts ---

absl::Status PartOutput::Finish(TaskResult* result) {
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kMapBeforeRename));
  hooks_->Work(WorkPhase::kWrite);
  MILLRACE_RETURN_IF_ERROR(part_->Finish());
  hooks_->CountWork(WorkPhase::kWrite, part_->bytes());
  result->digest = part_->digest();
  result->stats.output_bytes = part_->bytes();
  result->stats.output_records = part_->records();
  return absl::OkStatus();
}

}  // namespace millrace
