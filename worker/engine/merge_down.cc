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
constexpr size_t kMaxFanIn = 512;
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

absl::Status Check(uint64_t record, const RunWriter& writer, const TaskHooks& hooks) {
  if (record % kRecordsBetweenChecks != 0) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(CheckCancelled(hooks));
  return writer.status();
}

// Copies (or folds) everything to the current partition of `writer`.
absl::Status Copy(Aggregate aggregate, RunMerger* merger, RunWriter* writer,
                  const TaskHooks& hooks) {
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
  return merged;
}

}  // namespace

size_t FanInFor(uint64_t memory_bytes) {
  const size_t limit = std::max(OpenFilesLimit(), kDescriptorsForOthers);
  const uint64_t affordable =
      std::min<uint64_t>(memory_bytes / kMergeSourceBytes, limit - kDescriptorsForOthers);
  return std::clamp<size_t>(affordable, 2, kMaxFanIn);
}

absl::StatusOr<RunReaders> OpenForMerge(const MergePlan& plan, std::vector<MergeSource>* sources,
                                        TempFiles* temp_files, TaskHooks& hooks) {
  while (sources->size() > plan.fan_in) {
    hooks.Enter(TaskPhase::kMerge);
    // Replacing n neighbours by one removes n - 1; stop as soon as few enough are left.
    std::vector<MergeSource> next;
    size_t excess = sources->size() - plan.fan_in;
    auto begin = sources->cbegin();
    while (begin != sources->cend()) {
      const size_t left = static_cast<size_t>(sources->cend() - begin);
      const size_t count = std::min({plan.fan_in, excess + 1, left});
      if (count == 1) {
        next.push_back(*begin);
      } else {
        MILLRACE_ASSIGN_OR_RETURN(MergeSource merged,
                                  MergeToOne(plan, begin, begin + count, temp_files, hooks));
        next.push_back(std::move(merged));
      }
      excess -= count - 1;
      begin += count;
    }
    *sources = std::move(next);
  }
  return OpenAll(sources->cbegin(), sources->cend());
}

}  // namespace millrace
