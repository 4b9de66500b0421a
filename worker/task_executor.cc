#include "worker/task_executor.h"

#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <optional>

#include "absl/strings/str_cat.h"
#include "storage/compressed_source.h"
#include "worker/attempt_cause.h"
#include "worker/memory_meter.h"
#include "worker/thread_profile.h"

namespace millrace {
namespace {

uint64_t ThreadCpuMicroseconds() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  const auto microseconds = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1000000 + static_cast<uint64_t>(t.tv_usec);
  };
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

void SetEnvironment(const std::vector<std::string>& environment) {
  unsetenv("MILLRACE_INPUT_FILE");  // of a map before: the only one that not every task has
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, /*replace=*/1);
  }
}

// What user code printed must reach the log before the report that refers to it.
void FlushOutput() {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
}

}  // namespace

// Measures one attempt; looks at the memory whenever the engine changes phase, which is when it has
// just filled or is about to free its tables.
class TaskExecutor::Meter : public PhaseClock {
 public:
  Meter() : begin_(std::chrono::steady_clock::now()), cpu_begin_(ThreadCpuMicroseconds()) {}

  void Enter(TaskPhase) override { peak_bytes_ = std::max(peak_bytes_, AnonymousBytes()); }

  void AddTo(AttemptStats* stats) {
    Enter(TaskPhase::kCommit);
    const auto wall = std::chrono::steady_clock::now() - begin_;
    stats->wall_us = std::chrono::duration_cast<std::chrono::microseconds>(wall).count();
    stats->cpu_us = ThreadCpuMicroseconds() - cpu_begin_;
    stats->peak_memory_bytes = peak_bytes_;
  }

 private:
  const std::chrono::steady_clock::time_point begin_;
  const uint64_t cpu_begin_;
  uint64_t peak_bytes_ = 0;
};

TaskExecutor::TaskExecutor(const JobDescription& job, FileSystem* file_system,
                           CursorPage* cursor_page)
    : job_(job),
      file_system_(file_system),
      cursor_page_(cursor_page == nullptr ? &own_cursor_page_ : cursor_page) {}

AttemptOutcome TaskExecutor::Run(const ExecutorTask& task) {
  Meter meter;
  auto hooks = std::make_shared<TaskHooks>();
  hooks->phase_clock = &meter;
  hooks->cursor_page = cursor_page_;
  std::optional<ThreadProfile> profile;
  if (task.profile) hooks->SetWorkClock(&profile.emplace());
  std::atomic_store(&hooks_, hooks);
  cursor_page_->Leave();
  SetEnvironment(task.environment);

  AttemptOutcome outcome;
  outcome.attempt = task.attempt;
  outcome.task = task.task;
  absl::StatusOr<TaskResult> result = RunGuarded(task, *hooks);
  FlushOutput();
  if (result.ok()) {
    outcome.cause = Cause::kSucceeded;
    outcome.digest = result->digest;
    outcome.stats = result->stats;
    outcome.counters = std::move(result->counters);
    outcome.heavy_keys = std::move(result->heavy_keys);
  } else {
    const auto* sources = std::get_if<std::vector<ReduceSource>>(&task.work);
    SetFailure(result.status(), sources == nullptr ? std::vector<ReduceSource>() : *sources,
               &outcome);
    if (task.part_of.is_set() && absl::IsFailedPrecondition(result.status())) {
      outcome.cause = Cause::kFetchFailed;
      outcome.failed_map_index = task.task.index;
      outcome.failed_source = task.part_of;
    }
    if (outcome.cause == Cause::kUserCodeFailed) {
      outcome.position = cursor_page_->DescribePosition();
      outcome.record = cursor_page_->Record();
    }
    // A piece of the input that is damaged for whoever reads it: the job may go on without it.
    if (const auto frame = BadFrameOf(result.status()); frame.has_value()) outcome.record = *frame;
  }
  cursor_page_->Leave();
  meter.AddTo(&outcome.stats);
  hooks->phase_clock = nullptr;
  if (profile.has_value()) {
    hooks->Work(WorkPhase::kControl);
    hooks->SetWorkClock(nullptr);
    AddProfile(profile->End(task.kind() == StageKind::kMap ? WorkPhase::kMap : WorkPhase::kReduce),
               &outcome);
  }
  return outcome;
}

// With what this process used meanwhile, and before its first attempt, on other threads.
void TaskExecutor::AddProfile(Profile profile, AttemptOutcome* outcome) {
  attempts_cpu_us_ += profile.cpu_us();
  const uint64_t all_us = ProcessCpuMicroseconds() + ChildrenCpuMicroseconds();
  const uint64_t control_us = all_us - std::min(all_us, attempts_cpu_us_);
  profile[WorkPhase::kControl].cpu_us += control_us - std::min(control_us, control_cpu_us_);
  control_cpu_us_ = std::max(control_cpu_us_, control_us);
  if (outcome->cause == Cause::kSucceeded) AddToCounters(profile, &outcome->counters);
}

absl::StatusOr<TaskResult> TaskExecutor::RunGuarded(const ExecutorTask& task, TaskHooks& hooks) {
  try {
    return RunEngine(task, hooks);
  } catch (const std::bad_alloc&) {
    return absl::AbortedError("user code ran out of memory (std::bad_alloc)");
  } catch (const std::exception& exception) {
    return absl::AbortedError(absl::StrCat("user code threw an exception: ", exception.what()));
  } catch (...) {
    return absl::AbortedError("user code threw something that is no std::exception");
  }
}

absl::StatusOr<TaskResult> TaskExecutor::RunEngine(const ExecutorTask& task, TaskHooks& hooks) {
  return task.kind() == StageKind::kMap ? RunMap(task, hooks) : RunReduce(task, hooks);
}

absl::StatusOr<TaskResult> TaskExecutor::RunMap(const ExecutorTask& task, TaskHooks& hooks) {
  // An executor serves one job at a time, so the memory limit is the same for all its attempts.
  reduce_runner_ = nullptr;  // the memory of the two runners must not add up
  if (map_runner_ == nullptr) {
    MapRunnerOptions options;
    options.memory_bytes = task.memory_bytes;
    map_runner_ = std::make_unique<MapRunner>(job_, file_system_, options);
  }
  MapTask map;
  map.task = task.task;
  map.attempt = task.attempt;
  map.split = std::get<InputSplit>(task.work);
  map.shape = job_.input;
  map.one_by_one = task.one_by_one;
  map.skip = task.skip;
  map.keeps_output = task.keeps_output;
  map.partitions = task.partitions;
  map.split_keys = task.split_keys;
  map.output_path = task.output_path;
  map.temp_folder = task.temp_folder;
  return map_runner_->Run(map, hooks);
}

absl::StatusOr<TaskResult> TaskExecutor::RunReduce(const ExecutorTask& task, TaskHooks& hooks) {
  map_runner_ = nullptr;
  if (reduce_runner_ == nullptr) {
    ReduceRunnerOptions options;
    options.memory_bytes = task.memory_bytes;
    reduce_runner_ = std::make_unique<ReduceRunner>(job_, file_system_, options);
  }
  ReduceTask reduce;
  reduce.task = task.task;
  reduce.attempt = task.attempt;
  reduce.partition = task.task.index;
  reduce.sources = std::get<std::vector<ReduceSource>>(task.work);
  reduce.output_path = task.output_path;
  reduce.temp_folder = task.temp_folder;
  return reduce_runner_->Run(reduce, hooks);
}

AttemptProgress TaskExecutor::Progress() const {
  const std::shared_ptr<TaskHooks> running = hooks();
  if (running == nullptr) return {};
  AttemptProgress progress;
  // A slow mapper is long in one chunk; what lies before its record is done.
  progress.bytes = running->progress_bytes.load(std::memory_order_relaxed) +
                   running->cursor_page->BytesIntoChunk();
  progress.records = running->progress_records.load(std::memory_order_relaxed);
  progress.steps =
      progress.bytes + progress.records + running->moved_records.load(std::memory_order_relaxed);
  return progress;
}

void TaskExecutor::Cancel() {
  if (const std::shared_ptr<TaskHooks> running = hooks(); running != nullptr) {
    running->cancelled.store(true, std::memory_order_relaxed);
  }
}

}  // namespace millrace
