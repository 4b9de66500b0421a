#include "worker/engine/map_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/byte_masks.h"
#include "mapreduce/status_macros.h"
#include "storage/failpoint.h"
#include "storage/record_reader.h"
#include "worker/engine/failure.h"
#include "worker/engine/line_numbers.h"
#include "worker/engine/map_output.h"
#include "worker/engine/ordered_output.h"

namespace millrace {
namespace {

// Of the memory limit: this share for the sources of the final merge, and this one for the input
// buffer and everything small.
constexpr uint64_t kMergeShare = 8;
constexpr uint64_t kInputShare = 8;

constexpr uint64_t kReadBytes = 1 << 20;

// An input that is gone, or that nobody may read any more, has changed like any other.
absl::Status InputError(const absl::Status& status, uint64_t max_record_bytes) {
  if (absl::IsOutOfRange(status)) {
    return absl::OutOfRangeError(absl::StrCat(status.message(), "; ", LimitHint(max_record_bytes),
                                              " see whether this is a text file"));
  }
  if (absl::IsNotFound(status) || absl::IsPermissionDenied(status)) {
    return absl::FailedPreconditionError(
        absl::StrCat(status.message(), " (the input changed after the job was submitted)"));
  }
  return status;
}

// Takes the first record off `chunk`.
InputChunk TakeRecord(const RecordShape& shape, InputChunk* chunk) {
  const size_t size = FirstRecordBytes(shape, chunk->data);
  const InputChunk record{chunk->data.substr(0, size), chunk->offset};
  chunk->data.remove_prefix(size);
  chunk->offset += size;
  return record;
}

}  // namespace

class MapRunner::Impl {
 public:
  Impl(const JobDescription& job, FileSystem* fs, const MapRunnerOptions& options)
      : job_(job), fs_(fs), memory_bytes_(options.memory_bytes), line_numbers_(fs) {}

  absl::StatusOr<TaskResult> Run(const MapTask& task, TaskHooks& hooks);

 private:
  // What one attempt reads, and where that goes.
  struct Attempt {
    const MapTask& task;
    Mapper* mapper;
    Emitter* emitter;
    MapOutput* output;
    TaskHooks& hooks;
    AttemptStats* stats;
  };

  absl::StatusOr<std::unique_ptr<MapOutput>> MakeOutput(const MapTask& task, Mapper* mapper,
                                                        CounterSet* counters, TaskHooks* hooks);
  absl::Status MapSplit(const Attempt& attempt);
  absl::Status MapRecords(const Attempt& attempt, const InputFile& file, InputChunk chunk);
  absl::Status MapChunk(const Attempt& attempt, const InputFile& file, const InputChunk& chunk);
  void CountRead(const Attempt& attempt, const InputChunk& chunk);

  const JobDescription job_;
  FileSystem* const fs_;
  const uint64_t memory_bytes_;
  LineNumbers line_numbers_;
  CursorPage own_page_;            // for callers that want none
  CursorPage* page_ = &own_page_;  // of the running task

  // Kept warm; made when first needed.
  std::unique_ptr<AggregateTable> table_;
  std::unique_ptr<PairCollector> collector_;
};

absl::StatusOr<std::unique_ptr<MapOutput>> MapRunner::Impl::MakeOutput(const MapTask& task,
                                                                       Mapper* mapper,
                                                                       CounterSet* counters,
                                                                       TaskHooks* hooks) {
  if (task.partitions == 0) {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<PartWriter> part,
                              PartWriter::Create(fs_, task.output_path, job_.output));
    return std::make_unique<PartOutput>(std::move(part), hooks);
  }
  const uint64_t merge_bytes = memory_bytes_ / kMergeShare;
  const uint64_t sort_bytes = memory_bytes_ - merge_bytes - memory_bytes_ / kInputShare;
  const MapOutputContext context = {&job_, &task,       mapper,
                                    fs_,   counters,    hooks,
                                    page_, merge_bytes, MaxRecordBytes(memory_bytes_)};
  if (job_.aggregate != Aggregate::kNone) {
    if (table_ == nullptr) table_ = std::make_unique<AggregateTable>(job_.aggregate, sort_bytes);
    table_->Clear();  // an attempt that threw has left its keys
    return std::make_unique<AggregatedOutput>(context, table_.get());
  }
  if (collector_ == nullptr) collector_ = std::make_unique<PairCollector>(sort_bytes);
  collector_->Clear();
  if (job_.is_ordered()) return std::make_unique<OrderedOutput>(context, collector_.get());
  return std::make_unique<CollectedOutput>(context, collector_.get());
}

absl::StatusOr<TaskResult> MapRunner::Impl::Run(const MapTask& task, TaskHooks& hooks) {
  MILLRACE_RETURN_IF_ERROR(CheckCancelled(hooks));
  page_ = hooks.cursor_page != nullptr ? hooks.cursor_page : &own_page_;
  page_->Leave();
  line_numbers_.BeginAttempt(&hooks);
  hooks.Enter(TaskPhase::kMap);
  TaskResult result;
  CounterSet counters;
  const std::unique_ptr<Mapper> mapper = job_.mapper();
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<MapOutput> output,
                            MakeOutput(task, mapper.get(), &counters, &hooks));
  Emitter emitter(output->value_form(), output.get());
  mapper->Attach(&emitter, &counters);
  hooks.Work(WorkPhase::kMap);
  mapper->Start();
  MILLRACE_RETURN_IF_ERROR(CheckCounters(counters));
  const Attempt attempt = {task, mapper.get(), &emitter, output.get(), hooks, &result.stats};
  MILLRACE_RETURN_IF_ERROR(MapSplit(attempt));
  page_->Leave();
  hooks.Work(WorkPhase::kMap);
  mapper->Finish();
  emitter.Flush();
  MILLRACE_RETURN_IF_ERROR(emitter.status());
  MILLRACE_RETURN_IF_ERROR(output->Finish(&result));
  MILLRACE_RETURN_IF_ERROR(CheckCounters(counters));
  for (const auto& [name, counter] : counters.all()) result.counters[name] = counter.value();
  return result;
}

absl::Status MapRunner::Impl::MapSplit(const Attempt& attempt) {
  const MapTask& task = attempt.task;
  RecordReader::Options options;
  options.shape = task.shape;
  options.read_bytes = kReadBytes;
  options.max_record_bytes = MaxRecordBytes(memory_bytes_);
  // Behind a gap nobody knows the numbers of lines.
  if (!job_.counts_lines) options.skipped_frames = &task.skip;
  RecordReader reader(fs_, options);
  for (const FileRange& range : task.split) {
    if (absl::Status opened = reader.Open(range); !opened.ok()) {
      return InputError(opened, options.max_record_bytes);
    }
    line_numbers_.Open(range);
    attempt.hooks.CountWork(WorkPhase::kRead, range.length);
    InputChunk chunk;
    for (;;) {
      MILLRACE_RETURN_IF_ERROR(CheckCancelled(attempt.hooks));
      attempt.hooks.Work(WorkPhase::kRead);
      absl::StatusOr<bool> more = reader.Next(&chunk);
      if (!more.ok()) return InputError(more.status(), options.max_record_bytes);
      if (!*more) break;
      if (attempt.stats->input_bytes == 0) {
        MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kMapRunning));
      }
      attempt.hooks.Work(WorkPhase::kMap);
      attempt.hooks.CountWork(WorkPhase::kMap, chunk.data.size());
      MILLRACE_RETURN_IF_ERROR(task.one_by_one ? MapRecords(attempt, range.file, chunk)
                                               : MapChunk(attempt, range.file, chunk));
      attempt.hooks.Work(WorkPhase::kRead);
      if (!task.one_by_one) CountRead(attempt, chunk);
    }
  }
  return absl::OkStatus();
}

// `chunk`: complete records, which are behind the attempt.
void MapRunner::Impl::CountRead(const Attempt& attempt, const InputChunk& chunk) {
  const RecordShape& shape = attempt.task.shape;
  const std::string_view data = chunk.data;
  uint64_t records = 0;
  if (shape.format == InputFormat::kLines) {
    const uint64_t line_ends = CountByte(data, '\n');
    line_numbers_.Passed(chunk, line_ends);
    records = line_ends + (data.empty() || data.back() == '\n' ? 0 : 1);
  } else {
    records = CountRecords(shape, data);
    const bool must_pass = job_.counts_lines || !line_numbers_.CanCountByReading();
    if (must_pass) line_numbers_.Passed(chunk, CountByte(data, '\n'));
  }
  attempt.stats->input_bytes += data.size();
  attempt.stats->input_records += records;
  attempt.hooks.progress_bytes.fetch_add(data.size(), std::memory_order_relaxed);
  attempt.hooks.progress_records.fetch_add(records, std::memory_order_relaxed);
}

// Counts each record when it is done: a chunk of slow ones takes longer than --progress_timeout.
absl::Status MapRunner::Impl::MapRecords(const Attempt& attempt, const InputFile& file,
                                         InputChunk chunk) {
  const std::vector<InputRecord>& skip = attempt.task.skip;
  while (!chunk.data.empty()) {
    const InputChunk record = TakeRecord(attempt.task.shape, &chunk);
    const bool skipped = std::any_of(skip.begin(), skip.end(), [&](const InputRecord& bad) {
      return bad == InputRecord{file.path, record.offset, record.data.size()};
    });
    if (!skipped) MILLRACE_RETURN_IF_ERROR(MapChunk(attempt, file, record));
    CountRead(attempt, record);
  }
  return absl::OkStatus();
}

absl::Status MapRunner::Impl::MapChunk(const Attempt& attempt, const InputFile& file,
                                       const InputChunk& chunk) {
  if (attempt.task.one_by_one || attempt.task.shape.whole_file()) {
    page_->EnterRecord(file.path, chunk.offset, chunk.data);
  } else {
    page_->EnterChunk(file.path, chunk.offset, chunk.data);
  }
  line_numbers_.Enter(chunk.offset);
  attempt.emitter->BeginChunk(chunk.data);
  attempt.mapper->Map(MapInput(chunk.data,
                               {file.path, chunk.offset, attempt.task.shape, file.input},
                               page_->cursor(), &line_numbers_));
  attempt.emitter->BeginChunk({});  // what is queued may lie in the chunk
  if (const absl::Status& counted = line_numbers_.status(); !counted.ok()) {
    return InputError(counted, MaxRecordBytes(memory_bytes_));
  }
  MILLRACE_RETURN_IF_ERROR(attempt.emitter->status());
  MILLRACE_RETURN_IF_ERROR(attempt.output->status());
  page_->Leave();  // what fails from here on is not the fault of its last record
  return absl::OkStatus();
}

MapRunner::MapRunner(const JobDescription& job, FileSystem* file_system,
                     const MapRunnerOptions& options)
    : impl_(std::make_unique<Impl>(job, file_system, options)) {}

MapRunner::~MapRunner() = default;

absl::StatusOr<TaskResult> MapRunner::Run(const MapTask& task, TaskHooks& hooks) {
  return impl_->Run(task, hooks);
}

}  // namespace millrace
