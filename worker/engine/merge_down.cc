#include "worker/engine/merge_down.h"

#include <algorithm>
#include <utility>

#include "mapreduce/status_macros.h"
#include "storage/open_files.h"
#include "storage/run_writer.h"
#include "worker/engine/key_group.h"
#include "worker/engine/run_merger.h"

namespace millrace {
namespace {

// More sources at once gain nothing.
constexpr size_t kMaxOpenSources = 512;
// Of the descriptors that a process may have. The others are for standard input and its kin, the
// worker's socket, the output, and what user code opens.
constexpr size_t kDescriptorsForOthers = 32;

constexpr uint64_t kRecordsBetweenChecks = 4096;

RecordFormat FormatOf(Aggregate aggregate) {
  RecordFormat format;
  format.value_kind = aggregate == Aggregate::kNone ? ValueKind::kBytes : ValueKind::kInt64;
  return format;
}

using SourceIterator = std::vector<MergeSource>::const_iterator;

absl::StatusOr<RunReaders> OpenAll(SourceIterator begin, SourceIterator end) {
  RunReaders readers;
  for (SourceIterator source = begin; source != end; ++source) {
    absl::StatusOr<std::unique_ptr<RunReader>> reader = source->open();
    if (!reader.ok()) return source->blame(reader.status());
    readers.push_back(*std::move(reader));
  }
  return readers;
}

absl::Status Check(uint64_t record, const RunWriter& writer, TaskHooks& hooks) {
  hooks.CountMoved(1);
  if (record % kRecordsBetweenChecks != 0) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(CheckCancelled(hooks));
  return writer.status();
}

// Copies (or folds) everything to the current partition of `writer`.
absl::Status Copy(Aggregate aggregate, RunMerger* merger, RunWriter* writer, TaskHooks& hooks) {
  uint64_t record = 0;
  if (aggregate == Aggregate::kNone) {
    while (merger->Next()) {
      writer->Add(merger->key(), merger->value());
      MILLRACE_RETURN_IF_ERROR(Check(++record, *writer, hooks));
    }
    return writer->status();
  }
  KeyTotals totals(merger, aggregate);
  while (totals.Next()) {
    writer->Add(totals.key(), totals.total());
    MILLRACE_RETURN_IF_ERROR(Check(++record, *writer, hooks));
  }
  return writer->status();
}

// Merges [begin, end) to a temporary run and returns it as a source.
absl::StatusOr<MergeSource> MergeToOne(const MergePlan& plan, SourceIterator begin,
                                       SourceIterator end, TempFiles* temp_files,
                                       TaskHooks& hooks) {
  MILLRACE_ASSIGN_OR_RETURN(RunReaders readers, OpenAll(begin, end));
  RunMerger merger(std::move(readers));
  const std::string path = temp_files->NewPath("merged");
  RunWriterOptions options;
  options.format = FormatOf(plan.aggregate);
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<RunWriter> writer,
                            RunWriter::Create(plan.fs, path, options));
  writer->BeginPartition(0);
  MILLRACE_RETURN_IF_ERROR(Copy(plan.aggregate, &merger, writer.get(), hooks));
  if (!merger.status().ok()) return (begin + merger.failed_source())->blame(merger.status());
  MILLRACE_ASSIGN_OR_RETURN(const RunFooter footer, writer->Finish());
  MergeSource merged;
  merged.open = [fs = plan.fs, path, footer] { return RunReader::OpenInRun(fs, path, footer, 0); };
  merged.blame = [](const absl::Status& status) { return status; };
  merged.memory_bytes = RunReader::MemoryFor(footer.partitions[0]);
  return merged;
}

// How much is open together.
struct Load {
  size_t sources = 0;
  uint64_t bytes = 0;

  void Add(const MergeSource& source) { *this = *this + Load{1, source.memory_bytes}; }
  Load operator+(const Load& other) const { return {sources + other.sources, bytes + other.bytes}; }
  Load operator-(const Load& other) const { return {sources - other.sources, bytes - other.bytes}; }
  bool Fits(const MergePlan& plan) const {
    return sources <= 2 || (sources <= plan.sources_max && bytes <= plan.memory_bytes);
  }
};

// Where a group of neighbours from `begin` ends that is to be merged into one: only as large as it
// must be so that `all` (with the group) fits, and never larger than fits itself.
SourceIterator EndOfGroup(const MergePlan& plan, const Load& all, SourceIterator begin,
                          SourceIterator end) {
  Load group;
  Load merged;  // what is left of the group, as far as one can tell: no longer blocks
  for (SourceIterator source = begin; source != end; ++source) {
    if ((all - group + merged).Fits(plan)) return source;
    Load larger = group;
    larger.Add(*source);
    if (!larger.Fits(plan)) return source;
    group = larger;
    merged = {1, std::max(merged.bytes, source->memory_bytes)};
  }
  return end;
}

// Makes `sources` fewer.
absl::Status MergeInOnePass(const MergePlan& plan, std::vector<MergeSource>* sources, Load all,
                            TempFiles* temp_files, TaskHooks& hooks) {
  std::vector<MergeSource> next;
  for (auto begin = sources->cbegin(); begin != sources->cend();) {
    const SourceIterator group_end = EndOfGroup(plan, all, begin, sources->cend());
    if (group_end - begin < 2) {
      next.push_back(*begin++);
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(MergeSource merged,
                              MergeToOne(plan, begin, group_end, temp_files, hooks));
    for (; begin != group_end; ++begin) all = all - Load{1, begin->memory_bytes};
    all.Add(merged);
    next.push_back(std::move(merged));
  }
  *sources = std::move(next);
  return absl::OkStatus();
}

}  // namespace

size_t OpenSourcesMax() {
  const size_t limit = OpenFilesLimit();
  return std::min(kMaxOpenSources, std::max(limit, kDescriptorsForOthers) - kDescriptorsForOthers);
}

absl::StatusOr<RunReaders> OpenForMerge(const MergePlan& plan, std::vector<MergeSource>* sources,
                                        TempFiles* temp_files, TaskHooks& hooks) {
  while (true) {
    Load all;
    for (const MergeSource& source : *sources) all.Add(source);
    if (all.Fits(plan)) return OpenAll(sources->cbegin(), sources->cend());
    hooks.Enter(TaskPhase::kMerge);
    hooks.Work(WorkPhase::kMerge);
    MILLRACE_RETURN_IF_ERROR(MergeInOnePass(plan, sources, all, temp_files, hooks));
  }
}

}  // namespace millrace
