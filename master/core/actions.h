// What the core asks its shell to do, as verbs, to be performed in the order given. Plain values
// that compare and print, so that a test reads as "when this happens, that is done".
#ifndef MILLRACE_MASTER_CORE_ACTIONS_H_
#define MILLRACE_MASTER_CORE_ACTIONS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "master/core/core_time.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/input_split.h"

namespace millrace {

// A part of a job that another job's map reads.
struct StepPart {
  TaskId task;        // the reduce that made it; not set: none
  AttemptId attempt;  // which of its attempts
  uint64_t bytes = 0;
};

// A map attempt starts at once in a slot; a reduce attempt starts fetching, without a slot.
struct LaunchAttempt {
  WorkerId worker;
  AttemptId attempt;
  TaskId task;
  Reason reason = Reason::kFirst;
  // As in AttemptSpec, but for the names of parts (StepPartName).
  bool one_by_one = false;
  std::vector<InputRecord> skip = {};
  // What a map of a job that reads another reads.
  StepPart part = {};
};

// A fetching reduce attempt, all of whose sources are ready, may start reducing.
struct GrantSlot {
  WorkerId worker;
  AttemptId attempt;
};

// Its outcome is no longer wanted: stop it and remove its files.
struct CancelAttempt {
  WorkerId worker;
  AttemptId attempt;
};

// Tell `worker` what changed among the map outputs of `job`: MasterCore::Sources(job, from, to), in
// as many messages as they need, each of which gets the worker to the version that it covers.
struct PublishSources {
  WorkerId worker;
  JobId job;
  uint32_t from = 0;
  uint32_t to = 0;
};

// Put MasterCore::Parts(job) in place; JobPublished says how it went. Repeatable after a kill.
struct PublishJob {
  JobId job;
};

// Remove everything that `job` has staged: it will never publish. Repeatable.
struct AbortOutput {
  JobId job;
};

// `worker` may delete its outputs of `job` but those to retain, and end its executors.
struct ReleaseJob {
  WorkerId worker;
  JobId job;
  // The core has no such job, so nothing has to be durable first; and it must not come behind a
  // launch of the job that gets the number next.
  bool at_once = false;
};

// `worker` is to keep these outputs, made for jobs that are about to be released, until it is told
// to drop them. Comes before the release, and may come again.
struct RetainOutputs {
  WorkerId worker;
  std::vector<std::pair<TaskId, AttemptId>> outputs;
};

// `worker` may delete these outputs, of whatever job.
struct DropOutputs {
  WorkerId worker;
  std::vector<std::pair<TaskId, AttemptId>> outputs;
};

enum class SubmitReply : uint8_t {
  kAccepted = 0,     // `job` is its id, also when the same request was accepted earlier
  kTooManyJobs = 1,  // try again when one has ended
  kTooManyTasks = 2,
  kOutputInUse = 3,  // unfinished `job` writes to the same folder
  kInvalid = 4,      // a plan that no client of ours makes
};

struct AnswerSubmit {
  std::string request_id;
  SubmitReply reply = SubmitReply::kAccepted;
  JobId job;
  std::string message = "";  // empty when accepted; else one line for people
};

enum class CancelReply : uint8_t {
  kAccepted = 0,    // also when it was cancelled before
  kPublishing = 1,  // too late: all its tasks are done and its output is being put in place
  kEnded = 2,       // it had succeeded or failed already
  kUnknownJob = 3,
};

struct AnswerCancel {
  JobId job;
  CancelReply reply = CancelReply::kAccepted;
};

enum class OutcomeReply : uint8_t {
  kAccepted = 0,    // counted; the winner's files are kept
  kSuperseded = 1,  // another attempt has won: remove the files
  kStale = 2,       // not an attempt that runs now: remove the files
};

struct AnswerOutcome {
  WorkerId worker;
  AttemptId attempt;
  OutcomeReply reply = OutcomeReply::kAccepted;
  // Whether anything goes on only after this answer. Nothing waits for that of a map: its worker
  // keeps the report at hand a little longer, so it can share a sync that others need.
  bool urgent = true;
};

// The state of `job` changed: wake whoever waits for it.
struct JobChanged {
  JobId job;
};

// `job` has ended: replace its journal topic by MasterCore::Folded(job), after the AbortOutput that
// may have come with it.
struct FoldJob {
  JobId job;
};

// The history is full: remove the journal topic of `job`.
struct ForgetJob {
  JobId job;
};

// The list of lost workers is full: remove the journal topic of `worker`.
struct ForgetRegistration {
  WorkerId worker;
};

// It is lost: close its connection. What it says from now on is stale until it registers again.
struct ForgetWorker {
  WorkerId worker;
};

// Send a Tick at `time`. A later WakeAt replaces an earlier one.
struct WakeAt {
  CoreTime time;
};

using Action =
    std::variant<LaunchAttempt, GrantSlot, CancelAttempt, PublishSources, PublishJob, AbortOutput,
                 ReleaseJob, AnswerSubmit, AnswerCancel, AnswerOutcome, JobChanged, FoldJob,
                 ForgetJob, ForgetRegistration, ForgetWorker, WakeAt, RetainOutputs, DropOutputs>;
using Actions = std::vector<Action>;

// True for what lets somebody rely on, or forget, something that only the journal remembers: it is
// performed after the edits of the same decision are durable. Everything else starts at once.
bool WaitsForSync(const Action& action);

// Whether an action that waits is reason enough for a sync of its own, at once.
bool IsUrgent(const Action& action);

bool operator==(const LaunchAttempt& a, const LaunchAttempt& b);
bool operator==(const GrantSlot& a, const GrantSlot& b);
bool operator==(const CancelAttempt& a, const CancelAttempt& b);
bool operator==(const PublishSources& a, const PublishSources& b);
bool operator==(const PublishJob& a, const PublishJob& b);
bool operator==(const AbortOutput& a, const AbortOutput& b);
bool operator==(const ReleaseJob& a, const ReleaseJob& b);
bool operator==(const AnswerSubmit& a, const AnswerSubmit& b);  // the message is left out
bool operator==(const AnswerCancel& a, const AnswerCancel& b);
bool operator==(const AnswerOutcome& a, const AnswerOutcome& b);  // `urgent` is left out
bool operator==(const JobChanged& a, const JobChanged& b);
bool operator==(const FoldJob& a, const FoldJob& b);
bool operator==(const ForgetJob& a, const ForgetJob& b);
bool operator==(const ForgetRegistration& a, const ForgetRegistration& b);
bool operator==(const ForgetWorker& a, const ForgetWorker& b);
bool operator==(const WakeAt& a, const WakeAt& b);
bool operator==(const RetainOutputs& a, const RetainOutputs& b);
bool operator==(const DropOutputs& a, const DropOutputs& b);

// "LaunchAttempt{worker-1, attempt-1-2, job-1/0/0, first}".
std::string DebugString(const Action& action);

template <typename T, typename Variant>
struct IsAlternative;
template <typename T, typename... Alternatives>
struct IsAlternative<T, std::variant<Alternatives...>>
    : std::disjunction<std::is_same<T, Alternatives>...> {};

// Prints one action; a test that compares Actions shows them this way.
template <typename T, typename = std::enable_if_t<IsAlternative<T, Action>::value>>
std::ostream& operator<<(std::ostream& out, const T& action) {
  return out << DebugString(Action(action));
}

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_ACTIONS_H_
