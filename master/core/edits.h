// The durable facts about jobs, in the order in which they became true. The journal is nothing but
// a list of these, and the state of the core's jobs is a function of that list: MasterCore::Apply
// is the only code that changes it, at recovery as in life.
//
// Edits hold no deadlines and no core time, which mean nothing to the next master. Wall times are
// for people. The encoding is versioned, bounds-checked and described in docs/formats.md.
#ifndef MILLRACE_MASTER_CORE_EDITS_H_
#define MILLRACE_MASTER_CORE_EDITS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "master/core/job_plan.h"
#include "master/core/job_summary.h"
#include "rpc/ids.h"
#include "rpc/recovery_entry.h"
#include "rpc/task_types.h"
#include "storage/digest.h"
#include "storage/input_split.h"

namespace millrace {

struct JobAccepted {
  JobId job;
  JobPlan plan;
  int64_t wall_us = 0;
  std::string spec;  // the serialised JobSpec, opaque: the shell restores it from here
  // Of each map, what its output depends on; none: the job neither takes outputs of earlier jobs
  // nor leaves any.
  std::vector<Digest> fingerprints;
};

// A worker process that was new to this cluster.
struct WorkerRegistered {
  WorkerId worker;
  Incarnation incarnation;
  std::string name;
};

struct WorkerLost {
  WorkerId worker;
};

struct AttemptStarted {
  AttemptId attempt;
  TaskId task;
  WorkerId worker;
  Reason reason = Reason::kFirst;
  int64_t wall_us = 0;
};

// An attempt ended without making its task done.
struct AttemptEnded {
  AttemptId attempt;
  TaskId task;
  Cause cause = Cause::kCancelled;
  int64_t wall_us = 0;
  std::string message;  // what failed, where and why; empty where the cause says it all
  // At which record, as far as that is known and the job may skip any.
  InputRecord record;
};

// An attempt succeeded, before any other of its task: the task's only winner.
struct TaskDone {
  AttemptId attempt;
  TaskId task;
  int64_t wall_us = 0;
  Digest digest;
  AttemptStats stats;
  std::map<std::string, int64_t> counters;
  std::vector<HeavyKey> heavy_keys;  // of a reduce
};

// An earlier job's map has the same fingerprint, and its output is still there: it is the output of
// `task`, which is done without an attempt of its own.
struct OutputReused {
  TaskId task;
  TaskId made_for;
  AttemptId attempt;  // that made it
  WorkerId worker;    // where it is
  Digest digest;
  // Of the attempt: they count as if it had been this job's.
  AttemptStats stats;
  std::map<std::string, int64_t> counters;
};

// The output of a finished map task is gone, and some reduce needs it, or would if it ran again; or
// that of a reduce, which another job reads. Not done any more.
struct OutputLost {
  AttemptId attempt;  // that made it
  TaskId task;
};

// Every task of the last stage is done; only putting the output in place is left.
struct JobPublishing {
  JobId job;
};

struct JobEnded {
  JobId job;
  JobState state = JobState::kFailed;
  int64_t wall_us = 0;
  std::string error;
};

// Everything that is left of a job that has ended; replaces all other edits of it in the journal.
struct JobFolded {
  JobSummary summary;
};

// Something is lost, and the edits that follow say what that costs the job: a new entry of its
// recovery ledger.
struct LossNoticed {
  JobId job;
  LossKind what = LossKind::kWorkerLost;
  NoticedBy noticed_by = NoticedBy::kConnectionClosed;
  int64_t wall_us = 0;
  std::string subject;  // whom or what it befell
};

// User code has failed at a record of a map task again: from now on its attempts leave it out, and
// the failures that it took to find that out do not count.
struct RecordSkipped {
  TaskId task;
  InputRecord record;
};

using JobEdit = std::variant<AttemptStarted, AttemptEnded, TaskDone, OutputLost, JobAccepted,
                             WorkerRegistered, WorkerLost, JobPublishing, JobEnded, JobFolded,
                             LossNoticed, RecordSkipped, OutputReused>;

// What an edit is about, as a journal topic: all edits of a job, or of a worker, have the same.
uint64_t TopicOf(JobId job);
uint64_t TopicOf(WorkerId worker);
uint64_t TopicOf(const JobEdit& edit);

// Appends the encoding of `edit` to `out`.
void EncodeTo(const JobEdit& edit, std::string* out);

// Decodes what EncodeTo has written, in this version or an earlier one; anything else, including
// bytes left over, is kDataLoss.
absl::StatusOr<JobEdit> DecodeEdit(std::string_view bytes);

// "TaskDone{attempt-1-2, job-1/0/0, ...}".
std::string DebugString(const JobEdit& edit);

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_EDITS_H_
