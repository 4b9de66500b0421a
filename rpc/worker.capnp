# What a worker serves: to its master a Worker, to fetching peers a Shuffle.
@0x9e7c51d3f2a86b03;

using Cxx = import "/capnp/c++.capnp";
using T = import "types.capnp";
$Cxx.namespace("millrace::capnp_worker");

interface Worker {
  # What the attempts of a job have in common; sent before its first launch, again after a
  # reconnect. The answer says why this host cannot run the job, if it cannot.
  prepareJob @0 (session :T.Session, context :T.JobContext) -> (problem :Text);

  # New or changed sources of a job, at most 500 a call. `version` counts the changes told so far.
  publishSources @1 (session :T.Session, job :UInt64, version :UInt64,
                     addresses :List(T.ShuffleAddress), sources :List(T.MapSource)) -> ();

  # A map attempt starts at once: the master counted a slot for it. A reduce attempt first gets its
  # sources, holding no slot, then calls sourcesReady and starts at grantSlot.
  launch @2 (session :T.Session, spec :T.AttemptSpec) -> ();
  grantSlot @3 (session :T.Session, attempt :T.AttemptId) -> ();

  # Fine for attempts that have ended.
  cancel @4 (session :T.Session, attempt :T.AttemptId) -> ();

  # The job is over: end its executors, delete its map outputs but those to retain.
  releaseJob @5 (session :T.Session, job :UInt64) -> ();

  ping @6 () -> ();

  # Keeps these outputs beyond the release of their jobs, until they are dropped. Before the release,
  # and again after a reconnect. At most 1,000 a call, here and below.
  retainOutputs @7 (session :T.Session, outputs :List(OutputName)) -> ();

  # Deletes outputs, of whatever job. Fine for what is not here.
  dropOutputs @8 (session :T.Session, outputs :List(OutputName)) -> ();

  # What attempts have written, running ones so far, as far as that is kept here. One log for each
  # attempt, in the same order; none at all in a session that is not current. At most 16 a call.
  attemptLogs @9 (session :T.Session, attempts :List(T.AttemptId)) -> (logs :List(T.AttemptLog));
}

struct OutputName {
  task @0 :T.TaskId;  # that it was made for
  attempt @1 :T.AttemptId;
}

# Random reads of one file, pulled by the reader: it bounds what is under way.
interface ByteReader {
  # At most 1 MiB a call; shorter only at the end.
  read @0 (offset :UInt64, length :UInt32) -> (data :Data);
}

interface Shuffle {
  # The bytes of one partition of a finished map output.
  open @0 (task :T.TaskId, attempt :T.AttemptId, partition :UInt32) -> (result :PartitionResult);
}

struct PartitionResult {
  union {
    partition :group {
      reader @0 :ByteReader;  # null when there is nothing to read, or `bytes` has it all
      length @1 :UInt64;
      records @2 :UInt64;
      digest @3 :T.Digest;
      valueKind @4 :UInt8;
      hasGroupLength @6 :Bool;
      longestBlock @7 :UInt64;
      bytes @8 :Data;  # all of a small partition, so that it costs one call
    }
    gone @5 :Text;  # not here (any more), or damaged
  }
}
