#include "worker/engine/inline_runner.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"
#include "storage/run_format.h"
#include "worker/engine/map_runner.h"
#include "worker/engine/reduce_runner.h"

namespace millrace {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

absl::Status Named(StageKind kind, uint32_t index, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(TaskName(kind, index), ": ", status.message()));
}

void AddCounters(const TaskResult& task, InlineResult* result) {
  for (const auto& [name, value] : task.counters) result->counters[name] += value;
}

// Says in `source` what its run has for `partition`, as the shuffle of a worker would.
absl::Status Describe(FileSystem* fs, uint32_t partition, ReduceSource* source) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file,
                            fs->OpenForReading(source->path));
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOfRun run,
                            ReadRunPartition(*file, source->path, partition));
  source->format = run.format;
  source->expected = run.partition;
  return absl::OkStatus();
}

// Copies the partition to a file of its own, as a fetch would.
absl::Status CopyPartition(FileSystem* fs, const std::string& path, ReduceSource* source) {
  const std::string run = std::exchange(source->path, path);
  source->whole_run = false;
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> in, fs->OpenForReading(run));
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> out, fs->OpenForWriting(path));
  const RunPartition& expected = source->expected;
  std::string buffer(kCopyBytes, '\0');
  for (uint64_t done = 0; done < expected.length;) {
    const size_t want = std::min<uint64_t>(kCopyBytes, expected.length - done);
    MILLRACE_ASSIGN_OR_RETURN(const size_t got,
                              in->Read(expected.offset + done, want, buffer.data()));
    if (got == 0) return absl::DataLossError(absl::StrCat(run, ": shorter than its footer says"));
    MILLRACE_RETURN_IF_ERROR(out->Append(std::string_view(buffer).substr(0, got)));
    done += got;
  }
  return out->Close();
}

}  // namespace

InlineJobRunner::InlineJobRunner(const JobDescription& job, FileSystem* file_system,
                                 const InlineOptions& options)
    : job_(job), fs_(file_system), options_(options) {}

absl::StatusOr<InlineResult> InlineJobRunner::Run(const std::vector<InputSplit>& splits,
                                                  const TaskObserver& observer) {
  const std::string folder = JoinPath(options_.scratch_folder, "inline");
  MILLRACE_RETURN_IF_ERROR(fs_->CreateFolders(JoinPath(folder, "temp")));
  auto remove = absl::MakeCleanup([&] { fs_->RemoveTree(folder).IgnoreError(); });
  runs_.clear();
  InlineResult result;
  MILLRACE_RETURN_IF_ERROR(RunMaps(splits, observer, &result));
  if (options_.reducers > 0) MILLRACE_RETURN_IF_ERROR(RunReduces(observer, &result));
  return result;
}

absl::Status InlineJobRunner::RunMaps(const std::vector<InputSplit>& splits,
                                      const TaskObserver& observer, InlineResult* result) {
  const std::string folder = JoinPath(options_.scratch_folder, "inline");
  MapRunnerOptions runner_options;
  runner_options.memory_bytes = options_.memory_bytes;
  MapRunner runner(job_, fs_, runner_options);
  for (uint32_t index = 0; index < splits.size(); ++index) {
    MapTask task;
    task.task = {JobId(1), /*stage=*/0, index};
    task.attempt = {Epoch(1), ++attempts_};
    task.split = splits[index];
    task.shape = job_.input;
    task.partitions = options_.reducers;
    task.split_keys = options_.split_keys;
    task.output_path = options_.reducers == 0 ? options_.part_path(index)
                                              : JoinPath(folder, absl::StrCat("map-", index));
    task.temp_folder = JoinPath(folder, "temp");
    TaskHooks hooks;
    if (observer != nullptr) observer(StageKind::kMap, index, hooks);
    absl::StatusOr<TaskResult> done = runner.Run(task, hooks);
    if (!done.ok()) return Named(StageKind::kMap, index, done.status());
    AddCounters(*done, result);
    runs_.push_back({task.output_path, task.attempt, done->digest});
    result->maps.push_back(*std::move(done));
  }
  return absl::OkStatus();
}

absl::Status InlineJobRunner::RunReduces(const TaskObserver& observer, InlineResult* result) {
  const std::string folder = JoinPath(options_.scratch_folder, "inline");
  ReduceRunnerOptions runner_options;
  runner_options.memory_bytes = options_.memory_bytes;
  ReduceRunner runner(job_, fs_, runner_options);
  for (uint32_t index = 0; index < options_.reducers; ++index) {
    ReduceTask task;
    task.task = {JobId(1), /*stage=*/1, index};
    task.attempt = {Epoch(1), ++attempts_};
    task.partition = index;
    task.output_path = options_.part_path(index);
    task.temp_folder = JoinPath(folder, "temp");
    for (uint32_t map = 0; map < runs_.size(); ++map) {
      ReduceSource source;
      source.map_index = map;
      source.path = runs_[map].path;
      source.whole_run = true;
      source.attempt = runs_[map].attempt;
      source.run_digest = runs_[map].digest;
      MILLRACE_RETURN_IF_ERROR(Describe(fs_, index, &source));
      if (options_.fetch && source.expected.records > 0) {
        const std::string copy = JoinPath(task.temp_folder, absl::StrCat("fetched-", map));
        MILLRACE_RETURN_IF_ERROR(CopyPartition(fs_, copy, &source));
      }
      task.sources.push_back(std::move(source));
    }
    TaskHooks hooks;
    if (observer != nullptr) observer(StageKind::kReduce, index, hooks);
    absl::StatusOr<TaskResult> done = runner.Run(task, hooks);
    if (!done.ok()) return Named(StageKind::kReduce, index, done.status());
    AddCounters(*done, result);
    result->reduces.push_back(*std::move(done));
  }
  return absl::OkStatus();
}

}  // namespace millrace
