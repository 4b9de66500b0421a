#include "client/failure_cause.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/text_lines.h"

namespace millrace {
namespace {

constexpr char kFreeSpace[] = "free space where the message says, then submit again";
constexpr char kMendTheHost[] =
    "do what the message says on that worker's host, or start workers elsewhere, then submit again";
constexpr char kMendTheJob[] =
    "do what the message says, then submit again; without that it fails like this again";

// The first row that fits is the answer. Messages quote what user code says and name its files, so
// a row fits only words at a place where we alone write: the beginning, or, where a path comes
// first, a passage from one punctuation mark to the next.
struct AttemptRow {
  Cause cause;
  const char* begins;  // what the message begins with
  const char* holds;   // and what else it holds
  FailureCause is;
};

constexpr AttemptRow kAttemptRows[] = {
    {Cause::kUserCodeFailed,
     "the job's process took more memory than its --task_memory_mb=",
     "",
     {"memory_limit", "user code took more memory than it may",
      "raise --task_memory_mb, or look for a leak at the record that is named"}},
    {Cause::kUserCodeFailed,
     "the job's process was killed by SIGKILL ",
     "",
     {"killed", "the job's process was killed: by the kernel for lack of memory, or by a person",
      "if the host's kernel log says so, give the worker fewer slots or the job a smaller "
      "--task_memory_mb"}},
    {Cause::kUserCodeFailed,
     "the job's process was killed by ",
     "",
     {"crash", "user code crashed",
      "run it under a debugger with --workers=inline on the file that is named"}},
    {Cause::kUserCodeFailed,
     "the job's process exited with ",
     "",
     {"exit_without_result", "user code ended its process before the attempt was finished",
      "look for exit() in the job's code and its libraries; throw an exception instead"}},
    {Cause::kUserCodeFailed,
     "the job's process did not answer after it was started: ",
     "",
     {"no_launcher", "the job's process never reached the launcher",
      "call the launcher first in main()"}},
    {Cause::kUserCodeFailed,
     "",
     "",
     {"user_code", "user code failed",
      "mend the code or the record that is named; --workers=inline shows it in a debugger"}},
    {Cause::kWorkerFailed,
     "",
     ": no space left: needs ",
     {"no_space", "a worker's disk is full", kFreeSpace}},
    {Cause::kWorkerFailed,
     "",
     "; free some space or inodes (see df",
     {"no_space", "a worker's disk is full", kFreeSpace}},
    {Cause::kWorkerFailed,
     "",
     "; free some of your quota ",
     {"no_space", "a quota on a worker's disk is used up", kFreeSpace}},
    {Cause::kWorkerFailed,
     "",
     "",
     {"worker_failed", "a worker could not run it",
      "free what the message names on that worker's host (space, memory, permissions), then "
      "submit again"}},
    {Cause::kWorkerUnfit,
     "it does not see the ",
     "",
     {"no_shared_folder", "a host lacks the shared folder", kMendTheHost}},
    {Cause::kWorkerUnfit,
     "",
     "",
     {"binary_unfit", "the job's binary cannot run on a host", kMendTheHost}},
    {Cause::kJobInvalid,
     "input changed since the job was submitted: ",
     "",
     {"input_changed", "an input file changed while the job ran",
      "let whoever writes it finish, then submit again"}},
    {Cause::kJobInvalid,
     "",
     " (the input changed after the job was submitted)",
     {"input_changed", "an input file changed while the job ran",
      "see that it is there and may be read, then submit again"}},
    {Cause::kJobInvalid,
     "",
     ", or emit smaller pieces",
     {"record_too_long", "user code emitted a pair that is too long", kMendTheJob}},
    {Cause::kJobInvalid,
     "",
     ": emit smaller pieces",
     {"record_too_long", "user code emitted a pair that is too long", kMendTheJob}},
    {Cause::kJobInvalid, "", "", {"job_invalid", "no attempt can succeed", kMendTheJob}},
    {Cause::kTimedOut,
     "",
     "",
     {"no_progress", "an attempt made no progress",
      "look for an endless loop, or a record that takes very long"}},
    {Cause::kFetchFailed,
     "",
     "",
     {"fetch_failed", "a map output could not be read, again and again",
      "look at the network, the disk and the log of the worker that is named"}},
    {Cause::kWorkerLost,
     "",
     "",
     {"workers_lost", "too many workers were lost while they ran it",
      "find out why they end or fall silent (their logs, the kernel's log), then submit again"}},
};

// By what the master's reason begins with.
struct JobRow {
  const char* begins;
  FailureCause is;
};

constexpr FailureCause kTooManyBadRecords = {
    "bad_records", "user code fails at more records than --skip_bad_records allows",
    "look at the records that are named here and by `millrace job`; mend them or the code, or "
    "raise "
    "--skip_bad_records"};

constexpr JobRow kJobRows[] = {
    {"non-deterministic map: ",
     {"non_deterministic_map", "a map gave different output when it ran again",
      "make the mapper a function of its input alone: no clock, no random numbers, no addresses"}},
    {"its output could not be put in place: ",
     {"output_folder", "the output could not be put in place",
      "look at space and permissions of the output folder, then submit again"}},
};

// What the master's reason says of the attempt that failed last:
// "attempt-1-4 on worker w2: timed_out: it got nothing done".
struct LastAttempt {
  std::string id;
  Cause cause = Cause::kRunning;  // when it says none
  std::string message;
};

Cause CauseNamed(std::string_view name) {
  for (int number = static_cast<int>(Cause::kUserCodeFailed); number < kCauseCount; ++number) {
    const Cause cause = static_cast<Cause>(number);
    if (name == Name(cause)) return cause;
  }
  return Cause::kRunning;
}

// Neither a task's name nor a worker's has spaces, so the first of each mark is the master's.
LastAttempt LastAttemptIn(const std::string& reason) {
  LastAttempt last;
  const size_t at = reason.find(" attempt-");
  if (at == std::string::npos) return last;
  const std::vector<std::string> parts =
      absl::StrSplit(reason.substr(at + 1), absl::MaxSplits(": ", 2));
  last.id = parts[0].substr(0, parts[0].find(' '));
  if (parts.size() > 1) last.cause = CauseNamed(parts[1]);
  if (parts.size() > 2) last.message = parts[2];
  return last;
}

// The job failed because a task was undone too often: by what most of all?
FailureCause CauseOfChain(const JobView& job, const LastAttempt& last) {
  Cause most = Cause::kWorkerLost;
  for (const Cause cause : {Cause::kFetchFailed, Cause::kWorkerFailed, Cause::kTimedOut}) {
    const auto count = [&job](Cause c) { return job.attempts_by_cause[static_cast<size_t>(c)]; };
    if (count(cause) > count(most)) most = cause;
  }
  return CauseOfAttempt(most, last.cause == most ? last.message : "");
}

// Why the master gave up the whole job, when that lies in no single attempt. Its kind is empty
// when the attempt that failed says more.
FailureCause CauseOfJob(const JobView& job, const std::string& reason, const LastAttempt& last) {
  const std::string about_task = reason.substr(std::min(reason.find(' '), reason.size()));
  // "map-00001 was undone 20 times", "map-00001 failed again at /in/a:17 (5 bytes)".
  if (absl::StartsWith(about_task, " was undone ")) return CauseOfChain(job, last);
  if (absl::StartsWith(about_task, " failed again at ")) return kTooManyBadRecords;
  for (const JobRow& row : kJobRows) {
    if (absl::StartsWith(reason, row.begins)) return row.is;
  }
  return FailureCause();
}

const AttemptView* Find(const std::string& id, const std::vector<AttemptView>& attempts) {
  for (const AttemptView& attempt : attempts) {
    if (ToString(attempt.attempt) == id) return &attempt;
  }
  return nullptr;
}

const AttemptView* LastFailed(const std::vector<AttemptView>& attempts) {
  const AttemptView* last = nullptr;
  for (const AttemptView& attempt : attempts) {
    const bool failed =
        attempt.cause == Cause::kUserCodeFailed || attempt.cause == Cause::kJobInvalid ||
        attempt.cause == Cause::kWorkerFailed || attempt.cause == Cause::kWorkerUnfit ||
        attempt.cause == Cause::kTimedOut || attempt.cause == Cause::kFetchFailed;
    if (failed && (last == nullptr || attempt.ended_ms >= last->ended_ms)) last = &attempt;
  }
  return last;
}

}  // namespace

std::string ReasonOf(const JobView& job) {
  const std::string first = FirstLine(job.error);
  const std::string title =
      absl::StrCat("job \"", job.name, "\" (", ToString(job.job), ") failed: ");
  return absl::StartsWith(first, title) ? first.substr(title.size()) : "";
}

FailureCause CauseOfAttempt(Cause cause, const std::string& message) {
  const std::string first = FirstLine(message);
  for (const AttemptRow& row : kAttemptRows) {
    if (row.cause == cause && absl::StartsWith(first, row.begins) &&
        absl::StrContains(first, row.holds)) {
      return row.is;
    }
  }
  return FailureCause();
}

Failure FailureOf(const JobView& job, const std::vector<AttemptView>& attempts) {
  const std::string reason = ReasonOf(job);
  const LastAttempt last = LastAttemptIn(reason);
  Failure failure;
  // What failed in one process has no reason of a master; there the last attempt to fail is the
  // only one.
  failure.attempt = reason.empty() ? LastFailed(attempts) : Find(last.id, attempts);
  failure.cause = CauseOfJob(job, reason, last);
  if (!failure.cause.known() && failure.attempt != nullptr) {
    failure.cause = CauseOfAttempt(failure.attempt->cause, failure.attempt->message);
    failure.lies_in_attempt = failure.cause.known();
  }
  if (!failure.cause.known()) failure.cause = CauseOfAttempt(last.cause, last.message);
  return failure;
}

}  // namespace millrace
