#include "client/failure_cause.h"

#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr char kSubmitAgain[] = "do what the message says, then submit again";

// The first row whose cause and words fit is the answer; no words fit all messages of a cause.
struct Row {
  Cause cause;
  const char* said;
  FailureCause is;
};

constexpr Row kAttemptRows[] = {
    {Cause::kUserCodeFailed,
     "more memory than its --task_memory_mb",
     {"memory_limit", "user code took more memory than it may",
      "raise --task_memory_mb, or look for a leak at the record that is named"}},
    {Cause::kUserCodeFailed,
     "killed by SIGKILL",
     {"killed", "the job's process was killed: by the kernel for lack of memory, or by a person",
      "if the host's kernel log says so, give the worker fewer slots or the job a smaller "
      "--task_memory_mb"}},
    {Cause::kUserCodeFailed,
     "killed by SIG",
     {"crash", "user code crashed",
      "run it under a debugger with --workers=inline on the file that is named"}},
    {Cause::kUserCodeFailed,
     "exited with",
     {"exit_without_result", "user code ended its process before the attempt was finished",
      "look for exit() in the job's code and its libraries; throw an exception instead"}},
    {Cause::kUserCodeFailed,
     "did not answer after it was started",
     {"no_launcher", "the job's process never reached the launcher",
      "call the launcher first in main()"}},
    {Cause::kUserCodeFailed,
     "",
     {"user_code", "user code failed",
      "mend the code or the record that is named; --workers=inline shows it in a debugger"}},
    {Cause::kWorkerFailed,
     "o space left",
     {"no_space", "a worker's disk is full",
      "free space where the message says, then submit again"}},
    {Cause::kWorkerFailed,
     "isk quota exceeded",
     {"no_space", "a quota on a worker's disk is used up",
      "free space where the message says, then submit again"}},
    {Cause::kWorkerFailed, "", {"worker_failed", "a worker could not run it", kSubmitAgain}},
    {Cause::kWorkerUnfit,
     "does not see",
     {"no_shared_folder", "a host lacks the shared folder", kSubmitAgain}},
    {Cause::kWorkerUnfit,
     "",
     {"binary_unfit", "the job's binary cannot run on a host", kSubmitAgain}},
    {Cause::kJobInvalid,
     "input changed since",
     {"input_changed", "an input file changed while the job ran",
      "let whoever writes it finish, then submit again"}},
    {Cause::kJobInvalid,
     "emit smaller pieces",
     {"record_too_long", "user code emitted a pair that is too long", kSubmitAgain}},
    {Cause::kJobInvalid, "", {"job_invalid", "no attempt can succeed", kSubmitAgain}},
    {Cause::kTimedOut,
     "",
     {"no_progress", "an attempt made no progress",
      "look for an endless loop, or a record that takes very long"}},
    {Cause::kFetchFailed,
     "",
     {"fetch_failed", "a map output could not be read, again and again",
      "look at the network, the disk and the log of the worker that is named"}},
    {Cause::kWorkerLost,
     "",
     {"workers_lost", "too many workers were lost while they ran it",
      "find out why they end or fall silent (their logs, the kernel's log), then submit again"}},
};

constexpr Row kJobRows[] = {
    {Cause::kRunning,
     "non-deterministic map",
     {"non_deterministic_map", "a map gave different output when it ran again",
      "make the mapper a function of its input alone: no clock, no random numbers, no addresses"}},
    {Cause::kRunning,
     "output could not be put in place",
     {"output_folder", "the output could not be put in place",
      "look at space and permissions of the output folder, then submit again"}},
};

FailureCause FindRow(const Row* begin, const Row* end, Cause cause, const std::string& text) {
  for (const Row* row = begin; row != end; ++row) {
    if (row->cause == cause && absl::StrContains(text, row->said)) return row->is;
  }
  return FailureCause();
}

// The job failed because a task was undone too often: by what most of all?
FailureCause CauseOfChain(const JobView& job) {
  Cause most = Cause::kWorkerLost;
  for (const Cause cause : {Cause::kFetchFailed, Cause::kWorkerFailed, Cause::kTimedOut}) {
    const auto count = [&job](Cause c) { return job.attempts_by_cause[static_cast<size_t>(c)]; };
    if (count(cause) > count(most)) most = cause;
  }
  return CauseOfAttempt(most, job.error);
}

}  // namespace

FailureCause CauseOfAttempt(Cause cause, const std::string& message) {
  return FindRow(std::begin(kAttemptRows), std::end(kAttemptRows), cause, message);
}

FailureCause CauseOfJob(const JobView& job) {
  const std::string first = job.error.substr(0, job.error.find('\n'));
  if (absl::StrContains(first, " was undone ")) return CauseOfChain(job);
  return FindRow(std::begin(kJobRows), std::end(kJobRows), Cause::kRunning, first);
}

FailureCause CauseOfError(const JobView& job) {
  for (int number = 0; number < kCauseCount; ++number) {
    const Cause cause = static_cast<Cause>(number);
    if (absl::StrContains(job.error, absl::StrCat(": ", Name(cause)))) {
      return CauseOfAttempt(cause, job.error);
    }
  }
  return FailureCause();
}

const AttemptView* NamedAttempt(const JobView& job, const std::vector<AttemptView>& attempts) {
  for (const AttemptView& attempt : attempts) {
    // More words follow an id: attempt-1-1 is no part of attempt-1-12.
    const std::string id = absl::StrCat(ToString(attempt.attempt), " ");
    if (absl::StrContains(job.error, id)) return &attempt;
  }
  return nullptr;
}

}  // namespace millrace
