// What can happen to the master, as facts in the past tense. The shell makes one of these of every
// message, broken connection and timer, and hands it to MasterCore::OnEvent with the time it
// happened. Plain values: they copy and carry no promise.
#ifndef MILLRACE_MASTER_CORE_EVENTS_H_
#define MILLRACE_MASTER_CORE_EVENTS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "master/core/job_plan.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

// The journal has been read and every edit of it applied. Sent once, before any other event; a
// master with an empty journal sends it too.
struct MasterStarted {};

// Answered by AnswerSubmit with the same request id.
struct JobSubmitted {
  JobPlan plan;
  std::string spec;  // the serialised JobSpec: opaque here, it comes back in the JobAccepted edit
  // A number from MasterCore::NextJobId or above it, never given twice, for a shell that prepares
  // the output under the job's name before it submits. Not set: the core numbers the job.
  JobId job;
  // As in JobAccepted.
  std::vector<Digest> fingerprints = {};
  // The jobs before it in a chain, first to last, with numbers of their own: each reads the one
  // before it, and this one the last of them. All are accepted, or none.
  std::vector<JobSubmitted> before = {};
};

// Answered by AnswerCancel.
struct CancelRequested {
  JobId job;
  std::string reason;  // for people; part of the job's error
};

// The output of `job` is in place under its final names, or could not be put there.
struct JobPublished {
  JobId job;
  absl::Status status;
};

// What a worker says it still has of an attempt: its map output, or the attempt itself.
struct HeldAttempt {
  TaskId task;
  AttemptId attempt;
  bool holds_slot = false;  // a reduce attempt that was granted one
};

// A worker registered, for the first time or again. `worker` is what MasterCore::IdOf(incarnation)
// said just before: a process that comes back before it was lost keeps its id, its attempts and
// its outputs as far as it lists them here.
struct WorkerJoined {
  WorkerId worker;
  uint32_t slots = 1;
  std::string name;
  Incarnation incarnation;
  std::string host_id;
  std::vector<HeldAttempt> outputs;
  // Attempts that it runs, or whose outcome it has reported in vain so far.
  std::vector<HeldAttempt> attempts;
  // Jobs that were prepared there and not released: their folders, executors and binaries.
  std::vector<JobId> jobs;
};

struct HeartbeatReceived {
  WorkerId worker;
};

// Its connection broke. It gets nothing new, and is lost if it does not return within a grace.
struct WorkerDisconnected {
  WorkerId worker;
};

// It wants no new work; what it runs goes on, and its outputs stay readable.
struct WorkerDraining {
  WorkerId worker;
};

// It said goodbye: lost at once, without a grace.
struct WorkerLeft {
  WorkerId worker;
};

// A worker reported how an attempt ended. Answered by AnswerOutcome; reporting twice is harmless.
struct AttemptReported {
  WorkerId worker;  // whose session the report came over
  AttemptOutcome outcome;
};

// A reduce attempt can read all its sources and asks for a slot. `version` is the newest source
// version that the worker had taken in when it said so: a source lost since then takes the request
// back, and the worker repeats it once it has the replacement.
struct SourcesReady {
  WorkerId worker;
  AttemptId attempt;
  uint32_t version = 0;
};

struct ProgressReported {
  WorkerId worker;
  AttemptId attempt;
  uint64_t steps = 0;  // grows whenever the attempt gets anything done
  // How much of its work is behind it; total 0: not known.
  uint64_t done = 0;
  uint64_t total = 0;
};

// A worker found an output of its own damaged or gone.
struct OutputMissed {
  WorkerId worker;
  TaskId task;
  AttemptId attempt;
};

// The shell noticed that the loop itself stood still (stopped process, suspended machine). Silence
// during that time is nobody's fault: every lease starts again.
struct MasterStalled {};

// A time asked for by WakeAt has come. A tick too many does nothing.
struct Tick {};

using Event =
    std::variant<Tick, HeartbeatReceived, ProgressReported, AttemptReported, SourcesReady,
                 OutputMissed, WorkerJoined, WorkerDisconnected, WorkerDraining, WorkerLeft,
                 JobSubmitted, CancelRequested, JobPublished, MasterStalled, MasterStarted>;

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_EVENTS_H_
