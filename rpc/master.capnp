# What the master serves: to workers a Registry, to clients Jobs, to bulk connections Binaries. The
# role in the connection's preamble decides which of the three a peer can reach.
@0xb18d2f6a4c0e7902;

using Call = import "call.capnp";
using Cxx = import "/capnp/c++.capnp";
using T = import "types.capnp";
using W = import "worker.capnp";
$Cxx.namespace("millrace::capnp_master");

# ---- For workers ------------------------------------------------------------------------------

interface Registry {
  # Joins the cluster. A worker registers again after each lost connection, and then says what it
  # still has: the map outputs that were accepted from it, the attempts that it runs or whose
  # outcome was never answered, and the jobs that were prepared there and not released.
  register @0 (info :T.WorkerInfo, worker :W.Worker, outputs :List(HeldAttempt),
               attempts :List(HeldAttempt), jobs :List(UInt64)) -> Registration;
}

struct HeldAttempt {
  task @0 :T.TaskId;
  attempt @1 :T.AttemptId;
  holdsSlot @2 :Bool;  # a reduce attempt that was granted one
}

struct Registration {
  union {
    accepted :group {
      session @0 :T.Session;
      calls @1 :WorkerSession;
      heartbeatMs @2 :UInt32;
      leaseMs @3 :UInt32;
      clusterId @4 :Text;
      # HOST:PORT for bulk connections; empty: where the worker dialled.
      bulkAddress @6 :Text;
    }
    refused @5 :Text;
  }
}

# What one registered worker may call. Lives as long as the connection.
interface WorkerSession {
  # `current` is false when the session has ended: register again.
  heartbeat @0 (session :T.Session, progress :List(AttemptProgress)) -> (current :Bool);

  # Sent until it is answered. Accepted: the output counts. Superseded: another attempt won, delete
  # yours. Stale: the master does not know or no longer waits for this attempt, delete yours.
  report @1 (session :T.Session, outcome :T.AttemptOutcome) -> (verdict :Verdict);

  # A reduce attempt has its sources at hand and asks for a slot; grantSlot is the answer. `version`
  # is that of the newest publishSources the attempt had taken in. A source lost since then takes
  # the request back; ask again when the replacement is at hand.
  sourcesReady @2 (session :T.Session, attempt :T.AttemptId, version :UInt64) -> ();

  # The worker takes no more work; it leaves when what it runs is done.
  drain @3 (session :T.Session) -> ();
}

struct AttemptProgress {
  attempt @0 :T.AttemptId;
  bytes @1 :UInt64;  # of its input, so far
  steps @2 :UInt64;  # grows whenever the attempt gets anything done
  # How much of its work is behind it, in a unit of its own; total 0: not known.
  done @3 :UInt64;
  total @4 :UInt64;
  status @5 :Text;  # what it says of itself; empty: nothing
}

enum Verdict {
  accepted @0;
  superseded @1;
  stale @2;
}

# ---- For clients ------------------------------------------------------------------------------

# As a CallServer it makes jobs: a call that runs once makes one of the submission that the same
# client has begun over the same connection, last if there were several. Its request is the
# requestId, its reply the job's number. The job exists, durably, when that is said; a refused call
# has left nothing. A reply without bytes: it was executed when the submission was gone with its
# connection, and has made no job. Another call of the same request may.
interface Jobs extends(Call.CallServer) {
  # Starts a submission. The same requestId gives the same job, whoever asks and however often.
  begin @0 (spec :T.JobSpec, client :Call.ClientId) -> (result :BeginResult);

  list @1 () -> (jobs :List(JobView));

  # Answers when the job's version passes `knownVersion` or after at most `waitMs`.
  watch @2 (job :UInt64, knownVersion :UInt64, waitMs :UInt32) -> (result :WatchResult);

  cancel @3 (job :UInt64, reason :Text) -> (result :CancelResult);

  # Attempts in the order in which they started, from number `first`, at most 1,000 a call.
  attempts @4 (job :UInt64, first :UInt64) -> (result :AttemptsResult);

  workers @5 () -> (workers :List(WorkerView));

  # What a task was made from. Of a reduce's sources those from number `firstSource` on, at most
  # 1,000 a call; everything else comes with the first call only.
  lineage @6 (job :UInt64, kind :UInt8, index :UInt32, firstSource :UInt32)
      -> (result :LineageResult);

  # What attempts of one worker have written, asked for there. One log for each attempt, in the same
  # order. At most 16 a call.
  attemptLogs @7 (worker :UInt64, attempts :List(T.AttemptId)) -> (result :AttemptLogsResult);
}

struct BeginResult {
  union {
    submission @0 :Submission;
    alreadyAccepted @1 :UInt64;  # the job id
    refused @2 :Text;
    busy @3 :Text;  # not now: the same may be asked again in a moment
  }
}

interface Submission {
  # At most 1,000 files a call, in input order.
  addInputs @0 (files :List(T.InputFile)) -> ();

  # Whether the master needs a file sent: the side file of that name, or without a name the binary
  # (which it may be able to open on its own host).
  needsBinary @1 (file :Text) -> (needed :Bool);
  # At most 1 MiB a call, in order.
  addBinary @2 (offset :UInt64, data :Data, file :Text) -> ();
}

struct WatchResult {
  union {
    job @0 :JobView;
    unknownJob @1 :Void;
  }
}

struct CancelResult {
  union {
    cancelled @0 :Void;
    alreadyEnded @1 :Text;  # the state it is in
    unknownJob @2 :Void;
  }
}

struct AttemptsResult {
  union {
    attempts @0 :List(AttemptView);
    unknownJob @1 :Void;
  }
}

struct LineageResult {
  union {
    lineage @0 :LineageView;
    unknownJob @1 :Void;
    unknownTask @2 :Text;  # which there are
  }
}

struct AttemptLogsResult {
  union {
    logs @0 :List(T.AttemptLog);
    unavailable @1 :Text;  # why the worker cannot be asked
  }
}

struct StageProgress {
  kind @0 :UInt8;
  total @1 :UInt32;
  done @2 :UInt32;
  running @3 :UInt32;
}

struct JobView {
  job @0 :UInt64;
  name @1 :Text;
  state @2 :UInt8;
  version @3 :UInt64;
  error @4 :Text;  # empty while all is well
  stages @5 :List(StageProgress);
  attemptsByReason @6 :List(UInt64);
  attemptsByCause @7 :List(UInt64);
  staleReports @8 :UInt64;
  workersJoined @9 :UInt64;
  workersLost @10 :UInt64;
  inputBytes @11 :UInt64;  # of the whole input
  mappedBytes @12 :UInt64;  # read so far by maps that are done or running
  shuffledBytes @13 :UInt64;
  outputBytes @14 :UInt64;
  counters @15 :List(T.CounterValue);
  outputFolder @16 :Text;
  submittedUnixMs @17 :Int64;
  wallMs @18 :UInt64;
  waitingOn @19 :Text;  # why nothing moves, e.g. "workers: none has joined"; empty otherwise
  recovery @20 :List(RecoveryEntry);  # oldest first
  recoveryDropped @21 :UInt64;  # older ones that are not in the list
  # Records of the input that were left out, by file and offset; none in lists of jobs.
  skippedRecords @22 :List(T.InputRecord);
  mapOutputsReused @23 :UInt64;  # made by earlier jobs
  skew @24 :Skew;  # none in lists of jobs
  outputKey @25 :Text;  # by which the manifest of the output names the job
}

# Reduces with much more input than the median one.
struct Skew {
  totalBytes @0 :UInt64;  # of the input of all reduces
  medianBytes @1 :UInt64;
  parts @2 :List(SkewedPart);  # the largest first
  moreParts @3 :UInt32;  # that are not in the list
}

struct SkewedPart {
  part @0 :UInt32;
  bytes @1 :UInt64;
  keys @2 :List(T.HeavyKey);  # the heaviest first
}

# What was lost, how that was noticed, what it cost and how much was done again.
struct RecoveryEntry {
  what @0 :UInt8;
  noticedBy @1 :UInt8;
  wallUs @2 :Int64;
  subject @3 :Text;
  attemptsLost @4 :UInt32;
  outputsLost @5 :UInt32;
  cpuUsAgain @6 :UInt64;
  bytesAgain @7 :UInt64;
}

struct AttemptView {
  attempt @0 :T.AttemptId;
  task @1 :T.TaskId;
  kind @2 :UInt8;
  reason @3 :UInt8;
  cause @4 :UInt8;
  worker @5 :UInt64;
  workerName @6 :Text;
  startedMs @7 :UInt64;  # since the job was submitted
  endedMs @8 :UInt64;    # 0 while it runs
  message @9 :Text;
  stats @10 :T.AttemptStats;
  workerPid @11 :UInt64;
  status @12 :Text;  # what it says of itself while it runs; empty: nothing
}

struct LineageView {
  task @0 :T.TaskId;
  kind @1 :UInt8;
  state @2 :Text;
  split @3 :List(T.FileRange);  # of a map
  winner @4 :T.AttemptId;
  digest @5 :T.Digest;
  sources @6 :UInt64;  # of a reduce, altogether
  forgotten @7 :Text;  # what can no longer be told; empty: nothing
  attempts @8 :List(AttemptView);
  read @9 :List(SourceView);
  madeFor @10 :T.TaskId;  # the map of an earlier job whose output this one took; absent: none
  partOf @11 :T.TaskId;  # the reduce of the job before it whose part this map reads; absent: none
}

struct SourceView {
  mapIndex @0 :UInt32;
  state @1 :UInt8;
  attempt @2 :T.AttemptId;  # 0: none has been started
  worker @3 :UInt64;
  workerName @4 :Text;
  digest @5 :T.Digest;
}

struct WorkerView {
  worker @0 :UInt64;
  name @1 :Text;
  host @2 :Text;
  pid @3 :UInt64;
  state @4 :Text;  # "alive", "suspect", "draining", "lost"
  slots @5 :UInt32;
  busy @6 :UInt32;
  attempts @7 :UInt64;  # run so far
  heartbeatAgeMs @8 :UInt64;
}

# ---- For bulk connections ---------------------------------------------------------------------

interface Binaries {
  # A job's executable, for workers on other hosts, or its side file of that name.
  open @0 (job :UInt64, file :Text) -> (result :OpenResult);
}

struct OpenResult {
  union {
    file :group {
      reader @0 :W.ByteReader;
      size @1 :UInt64;
    }
    refused @2 :Text;
  }
}
