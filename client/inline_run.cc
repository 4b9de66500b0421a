#include "client/inline_run.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/job_spec.h"
#include "client/local_cluster.h"
#include "client/progress.h"
#include "client/reports.h"
#include "client/summary.h"
#include "client/terminal.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/profile.h"
#include "rpc/system_counters.h"
#include "storage/open_files.h"
#include "storage/output_committer.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"
#include "worker/engine/inline_runner.h"
#include "worker/executor_task.h"
#include "worker/thread_profile.h"

namespace millrace {
namespace {

const JobId kJob(1);

// What the jobs of a chain have come to, for the next one to go on with.
struct ChainTotals {
  uint32_t jobs = 0;                        // that have ended
  std::map<std::string, int64_t> counters;  // of user code
  std::map<std::string, int64_t> profile;
};

class InlineRun {
 public:
  // `before`: of the jobs before this one in its chain.
  InlineRun(const JobOptions& options, const JobDescription& job, JobSpec spec, ChainTotals before)
      : job_(job),
        spec_(std::move(spec)),
        totals_(std::move(before)),
        progress_(ProgressModeFor(options.progress), WriteToTerminal, TerminalColumns),
        began_(std::chrono::steady_clock::now()) {
    plan_.output = spec_.output_folder;
    plan_.job_name = spec_.name;
    plan_.overwrite = spec_.overwrite;
    plan_.part_suffix = spec_.part_suffix;
    plan_.job_key = JobKey(kJob, spec_.request_id);
    splits_ = MakeSplits(spec_.inputs, spec_.split_bytes, spec_.input_format);
    view_.job = kJob;
    view_.name = spec_.name;
    view_.output_folder = spec_.output_folder;
    view_.output_key = plan_.job_key;
    view_.counters = totals_.counters;
    view_.input_bytes = TotalBytes(spec_.inputs);
    view_.stages.push_back({StageKind::kMap, static_cast<uint32_t>(splits_.size()), 0, 0});
    if (!spec_.map_only()) view_.stages.push_back({StageKind::kReduce, spec_.reducers, 0, 0});
  }

  // Makes room for the output. An error leaves nothing, and is the person's to mend.
  absl::Status Stage() {
    committer_.RemoveAbandoned(plan_.output);
    MILLRACE_RETURN_IF_ERROR(
        committer_.Stage(plan_.output, plan_.job_key, spec_.request_id).status());
    held_staging_ = committer_.HoldStaging(plan_.output, plan_.job_key);
    absl::Status alone = committer_.CheckNoOtherJob(plan_.output, {plan_.job_key});
    if (!alone.ok()) committer_.Abort(plan_).IgnoreError();  // the first failure says more
    return alone;
  }

  // Runs the job that is staged, with temporary files in `scratch`; what became of it is in view()
  // and attempts().
  void Run(const std::string& scratch) {
    absl::Status done = RunTasks(scratch);
    if (done.ok()) done = committer_.PublishJob(plan_);
    if (!done.ok()) committer_.Abort(plan_).IgnoreError();  // the first failure is the one to tell
    EndAttempt(done.ok() ? Cause::kSucceeded : Cause::kUserCodeFailed, done);
    view_.state = done.ok() ? JobState::kSucceeded : JobState::kFailed;
    view_.error = std::string(done.message());
    view_.wall_ms = ElapsedMs();
    if (spec_.profile) TellProfile();
    ++totals_.jobs;
    progress_.Finish(view_, view_.wall_ms);
  }

  const JobView& view() const { return view_; }
  const std::vector<AttemptView>& attempts() const { return attempts_; }
  const ChainTotals& totals() const { return totals_; }

 private:
  // User code that throws fails the job here, so that its staging is removed. A debugger stops
  // earlier, where it is thrown.
  absl::Status RunTasks(const std::string& scratch) {
    try {
      return RunTasksUnguarded(scratch);
    } catch (const std::exception& e) {
      return absl::AbortedError(absl::StrCat(TaskNow(), ": user code threw: ", e.what()));
    } catch (...) {
      return absl::AbortedError(absl::StrCat(TaskNow(), ": user code threw"));
    }
  }

  absl::Status RunTasksUnguarded(const std::string& scratch) {
    InlineOptions inline_options;
    inline_options.reducers = spec_.reducers;
    inline_options.split_keys = spec_.split_keys;
    inline_options.memory_bytes = spec_.task_memory_bytes;
    inline_options.scratch_folder = scratch;
    inline_options.part_path = [this](uint32_t index) {
      return StagedPartPath(plan_.output, plan_.job_key, index, PartAttempt());
    };
    InlineJobRunner runner(job_, &fs_, inline_options);
    MILLRACE_ASSIGN_OR_RETURN(
        InlineResult result,
        runner.Run(splits_, [this](StageKind kind, uint32_t index, TaskHooks& hooks) {
          BeginAttempt(kind, index);
          if (spec_.profile) hooks.SetWorkClock(&profile_.emplace());
        }));
    for (const auto& [name, value] : result.counters) totals_.counters[name] += value;
    view_.counters = totals_.counters;
    AddSkippedRecords(0, &view_.counters);  // the first failure ends such a job
    for (size_t i = 0; i < result.maps.size(); ++i) TakeResult(result.maps[i], i);
    for (size_t i = 0; i < result.reduces.size(); ++i) {
      TakeResult(result.reduces[i], result.maps.size() + i);
    }
    FindSkewOf(result.reduces);
    for (const TaskResult& part : spec_.map_only() ? result.maps : result.reduces) {
      plan_.parts.push_back({PartAttempt(), part.stats.output_bytes, part.digest});
      view_.output_bytes += part.stats.output_bytes;
    }
    return absl::OkStatus();
  }

  // One attempt each: all parts may carry the same name of an attempt.
  static AttemptId PartAttempt() { return {Epoch(1), 1}; }

  void TakeResult(const TaskResult& result, size_t attempt) {
    view_.shuffled_bytes += result.stats.shuffled_bytes;
    if (attempt >= attempts_.size()) return;
    attempts_[attempt].stats = result.stats;
    AddSystemCounters(attempts_[attempt].kind, result.stats, &view_.counters);
  }

  void FindSkewOf(const std::vector<TaskResult>& reduces) {
    std::vector<uint64_t> bytes;
    KeysOfLargestParts keys;
    for (const TaskResult& reduce : reduces) {
      keys.Add(static_cast<uint32_t>(bytes.size()), reduce.stats.input_bytes, reduce.heavy_keys);
      bytes.push_back(reduce.stats.input_bytes);
    }
    view_.skew = FindSkew(bytes, keys);
  }

  void BeginAttempt(StageKind kind, uint32_t index) {
    EndAttempt(Cause::kSucceeded, absl::OkStatus());
    AttemptView attempt;
    attempt.attempt = {Epoch(1), attempts_.size() + 1};
    attempt.task = {kJob, static_cast<uint32_t>(kind), index};
    attempt.kind = kind;
    attempt.worker_name = "inline";
    attempt.worker_pid = getpid();
    attempt.started_ms = ElapsedMs();
    attempts_.push_back(attempt);
    ++view_.attempts_by_reason[static_cast<size_t>(Reason::kFirst)];
    ++view_.version;
    view_.wall_ms = ElapsedMs();
    SetEnvironment(attempt);
    progress_.Show(view_, view_.wall_ms);
  }

  // Ends the attempt that runs, if one does.
  void EndAttempt(Cause cause, const absl::Status& status) {
    if (attempts_.empty() || attempts_.back().cause != Cause::kRunning) return;
    AttemptView& attempt = attempts_.back();
    EndProfile(attempt.kind);
    attempt.cause = cause;
    attempt.ended_ms = ElapsedMs();
    attempt.message = std::string(status.message());
    ++view_.attempts_by_cause[static_cast<size_t>(cause)];
    if (cause != Cause::kSucceeded) return;
    ++view_.stages[static_cast<size_t>(attempt.kind)].done;
    if (attempt.kind == StageKind::kMap) {
      for (const FileRange& range : splits_[attempt.task.index]) {
        view_.mapped_bytes += range.length;
      }
    }
  }

  void EndProfile(StageKind kind) {
    if (!profile_.has_value()) return;
    AddToCounters(profile_->End(kind == StageKind::kMap ? WorkPhase::kMap : WorkPhase::kReduce),
                  &totals_.profile);
    profile_.reset();
  }

  // With what this process did beside attempts.
  void TellProfile() {
    Profile beside;
    const uint64_t all_us = ProcessCpuMicroseconds() + ChildrenCpuMicroseconds();
    beside[WorkPhase::kControl].cpu_us =
        all_us - std::min(all_us, ProfileIn(totals_.profile).cpu_us());
    AddToCounters(beside, &totals_.profile);
    view_.counters.insert(totals_.profile.begin(), totals_.profile.end());
  }

  // What user code may ask for (MILLRACE_TASK and its kin), as in an executor.
  void SetEnvironment(const AttemptView& attempt) {
    setenv("MILLRACE_JOB", ToString(kJob).c_str(), 1);
    setenv("MILLRACE_TASK", TaskNow().c_str(), 1);
    setenv("MILLRACE_ATTEMPT", ToString(attempt.attempt).c_str(), 1);
    setenv("MILLRACE_WORKER", "inline", 1);
    setenv("MILLRACE_REDUCERS", std::to_string(spec_.reducers).c_str(), 1);
    setenv(kStepVariable, std::to_string(totals_.jobs).c_str(), 1);
    if (attempt.kind == StageKind::kMap) {
      setenv("MILLRACE_INPUT_FILE", splits_[attempt.task.index].front().file.path.c_str(), 1);
    } else {
      unsetenv("MILLRACE_INPUT_FILE");
    }
  }

  std::string TaskNow() const {
    if (attempts_.empty()) return "before the first task";
    return TaskName(attempts_.back().kind, attempts_.back().task.index);
  }

  uint64_t ElapsedMs() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 began_)
        .count();
  }

  const JobDescription& job_;
  const JobSpec spec_;
  ChainTotals totals_;  // with what this job adds
  PosixFileSystem fs_;
  OutputCommitter committer_{&fs_};
  std::unique_ptr<FileLock> held_staging_;
  ProgressReporter progress_;
  const std::chrono::steady_clock::time_point began_;
  std::vector<InputSplit> splits_;
  PublishPlan plan_;
  JobView view_;
  std::vector<AttemptView> attempts_;
  std::optional<ThreadProfile> profile_;  // of the task that runs
};

// Where a worker would have copies, here are the files themselves.
absl::Status PlaceSideFiles(const std::vector<SideFile>& files, const std::string& folder) {
  unsetenv("MILLRACE_FILES");
  if (files.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  for (const SideFile& file : files) {
    std::filesystem::create_symlink(file.path, JoinPath(folder, file.name), error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot make ", folder, "/", file.name, ": ", error.message()));
    }
  }
  setenv("MILLRACE_FILES", folder.c_str(), 1);
  return absl::OkStatus();
}

// The parts of a job that ran inline, as the input of the next.
absl::StatusOr<std::vector<InputFile>> PartsIn(FileSystem& fs, const JobSpec& spec) {
  std::vector<InputFile> files;
  for (uint32_t i = 0; i < spec.reducers; ++i) {
    const std::string path = PartPath(spec.output_folder, i, spec.reducers);
    MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
    files.push_back(InputFile{path, info.size, info.mtime_ns});
  }
  return files;
}

// What the person reads, and writes to files, of a job that has ended.
int Report(const std::string& program, const JobOptions& options, const InlineRun& run) {
  const bool succeeded = run.view().state == JobState::kSucceeded;
  if (!succeeded) WriteToTerminal(FailureText(run.view(), run.attempts()));
  const ProgressMode mode = ProgressModeFor(options.progress);
  if (IsForPeople(mode)) WriteToTerminal(SummaryText(run.view()));
  PosixFileSystem fs;
  if (absl::Status written = WriteReports(fs, options, run.view(), run.attempts()); !written.ok()) {
    WriteToTerminal(absl::StrCat(program, ": ", written.message(), "\n"));
    return kExitFailed;
  }
  return succeeded ? kExitSuccess : kExitFailed;
}

int Complain(const std::string& program, const absl::Status& status) {
  WriteToTerminal(absl::StrCat(program, ": ", status.message(), "\n"));
  return kExitUsage;
}

}  // namespace

int RunInline(const std::string& program, const JobOptions& options,
              const std::vector<JobDescription>& chain, JobDraft draft) {
  RaiseOpenFilesLimit();
  draft.SetReducers(options.reducers.value_or(DefaultReducers(1, TotalBytes(draft.spec.inputs))));
  const absl::StatusOr<std::unique_ptr<TemporaryFolder>> scratch =
      TemporaryFolder::Make(options.scratch_folder);
  if (!scratch.ok()) return Complain(program, scratch.status());
  const std::string side_files = JoinPath((*scratch)->path(), "files");
  if (absl::Status placed = PlaceSideFiles(SideFilesOf(chain), side_files); !placed.ok()) {
    return Complain(program, placed);
  }
  PosixFileSystem fs;
  ChainTotals totals;
  std::vector<InputFile> inputs = draft.spec.inputs;
  for (size_t i = 0; i < chain.size(); ++i) {
    const bool is_last = i + 1 == chain.size();
    JobSpec spec = draft.spec;
    spec.inputs = std::move(inputs);
    spec.input_format = chain[i].input.format;
    if (i > 0) spec.split_keys.clear();
    if (!is_last) {
      spec.name = chain[i].name;
      spec.reducers = draft.spec.before[i].reducers;
      spec.part_suffix.clear();
      spec.output_folder = JoinPath((*scratch)->path(), absl::StrCat("step-", i));
    }
    InlineRun run(options, chain[i], spec, totals);
    if (absl::Status staged = run.Stage(); !staged.ok()) return Complain(program, staged);
    run.Run((*scratch)->path());
    if (is_last || run.view().state != JobState::kSucceeded) return Report(program, options, run);
    absl::StatusOr<std::vector<InputFile>> parts = PartsIn(fs, spec);
    if (!parts.ok()) return Complain(program, parts.status());
    inputs = *std::move(parts);
    totals = run.totals();
  }
  return kExitFailed;  // there is no chain without a job
}

}  // namespace millrace
