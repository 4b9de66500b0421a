# Values that several interfaces share. rpc/wire.h converts each to its plain C++ twin in
# rpc/task_types.h or rpc/job_views.h and refuses what no sender of ours would write.
@0xd5a1c3f09b7e4201;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_types");

struct TaskId {
  job @0 :UInt64;
  stage @1 :UInt32;
  index @2 :UInt32;
}

struct AttemptId {
  epoch @0 :UInt64;
  sequence @1 :UInt64;
}

struct Digest {
  high @0 :UInt64;
  low @1 :UInt64;
}

# Every message between master and worker carries it: a message from a session that is not current
# is refused and counted.
struct Session {
  epoch @0 :UInt64;
  worker @1 :UInt64;
  incarnation @2 :UInt64;
}

struct InputFile {
  path @0 :Text;
  size @1 :UInt64;
  mtimeNs @2 :Int64;
  compression @3 :UInt8;
  cuts @4 :List(UInt64);  # where a compressed file may be cut
  input @5 :UInt32;  # to which of the job's inputs it belongs
}

struct FileRange {
  file @0 :InputFile;
  offset @1 :UInt64;
  length @2 :UInt64;
}

# One record of an input file. No bytes: it begins somewhere near.
struct InputRecord {
  file @0 :Text;
  offset @1 :UInt64;
  bytes @2 :UInt64;
}

struct JobBinary {
  path @0 :Text;
  sha256 @1 :Text;
  size @2 :UInt64;
  mtimeNs @3 :Int64;
  inode @4 :UInt64;
  hostId @5 :Text;
  # Of a side file: its name in the folder that programs see. The job's executable has none.
  name @6 :Text;
  noProgram @7 :Bool;  # a side file that nobody may execute
}

# Everything but the input files, which follow in chunks.
struct JobSpec {
  name @0 :Text;
  requestId @1 :Text;
  binary @2 :JobBinary;
  argv @3 :List(Text);
  environment @4 :List(Text);
  inputFormat @5 :UInt8;
  splitBytes @6 :UInt64;
  reducers @7 :UInt32;
  aggregated @8 :Bool;
  outputFolder @9 :Text;
  overwrite @10 :Bool;
  maxAttempts @11 :UInt32;
  shuffle @12 :UInt8;
  taskMemoryBytes @13 :UInt64;
  inputCount @14 :UInt64;
  speculationFloorMs @15 :UInt32;  # no backup attempt before; 0: none at all
  progressTimeoutMs @16 :UInt32;  # for an attempt that gets nothing done; 0: never
  skipBadRecords @17 :UInt32;  # how many records of the input may be left out
  keepFolder @18 :Text;  # where map outputs outlive their workers; empty: they do not
  # In a job with a total order: keys that begin the parts after the first, ascending.
  splitKeys @19 :List(Data);
  partSuffix @20 :Text;  # ends the names of parts: empty, or ".zst"
  # Of all that a map's output depends on beside its input; absent: no outputs are used again.
  mapIdentity @21 :Digest;
  # The jobs before it in a chain, first to last: the inputs are those of the first, and each other
  # reads the parts of the one before it.
  before @22 :List(StepSpec);
  profile @23 :Bool;  # whether attempts say where their CPU time goes
  sideFiles @24 :List(JobBinary);  # that go with the executable, at most 100
}

# A job of a chain, as far as it differs from the last.
struct StepSpec {
  name @0 :Text;
  reducers @1 :UInt32;
}

struct JobContext {
  job @0 :UInt64;
  name @1 :Text;
  binary @2 :JobBinary;
  argv @3 :List(Text);
  environment @4 :List(Text);
  mapCount @5 :UInt32;
  reducers @6 :UInt32;
  outputFolder @7 :Text;
  stagingKey @8 :Text;
  shuffle @9 :UInt8;
  taskMemoryBytes @10 :UInt64;
  # The nonce file of the output's staging folder, and what it holds: a host that does not see it
  # does not see the output folder.
  noncePath @11 :Text;
  nonce @12 :Text;
  # One of the input files, absent if there is none: a host that does not see it as it is here does
  # not see the input.
  probe @13 :InputFile;
  keepFolder @14 :Text;  # where map outputs outlive their workers; empty: they do not
  splitKeys @15 :List(Data);  # as in JobSpec
  step @16 :UInt32;  # how many jobs are before it in its chain
  profile @17 :Bool;
  sideFiles @18 :List(JobBinary);
}

struct AttemptSpec {
  attempt @0 :AttemptId;
  task @1 :TaskId;
  kind @2 :UInt8;
  reason @3 :UInt8;
  split @4 :List(FileRange);
  # Records go to the mapper one by one, without those in `skip`.
  oneByOne @5 :Bool;
  skip @6 :List(InputRecord);
  # The reduce attempt, of the job before this one in its chain, whose part is the split.
  partOf @7 :AttemptId;
}

struct MapSource {
  mapIndex @0 :UInt32;
  attempt @1 :AttemptId;
  worker @2 :UInt64;
  digest @3 :Digest;
  madeFor @4 :TaskId;  # a map of an earlier job, whose output is used again; absent: of this job
}

struct ShuffleAddress {
  worker @0 :UInt64;
  address @1 :Text;
  hostId @2 :Text;
  scratchFolder @3 :Text;
}

struct AttemptStats {
  inputBytes @0 :UInt64;
  inputRecords @1 :UInt64;
  shuffledBytes @2 :UInt64;
  outputBytes @3 :UInt64;
  outputRecords @4 :UInt64;
  spills @5 :UInt64;
  cpuUs @6 :UInt64;
  wallUs @7 :UInt64;
  peakMemoryBytes @8 :UInt64;
}

struct CounterValue {
  name @0 :Text;
  value @1 :Int64;
}

# A key that has much of the input of a reduce.
struct HeavyKey {
  key @0 :Data;  # cut, if it is long
  isCut @1 :Bool;
  records @2 :UInt64;
  bytes @3 :UInt64;
}

struct AttemptOutcome {
  attempt @0 :AttemptId;
  task @1 :TaskId;
  cause @2 :UInt8;
  message @3 :Text;
  position @4 :Text;
  stderrTail @5 :Text;
  digest @6 :Digest;
  stats @7 :AttemptStats;
  counters @8 :List(CounterValue);
  failedMapIndex @9 :UInt32;
  failedSource @10 :AttemptId;
  record @11 :InputRecord;  # absent when it is not known at which
  sourceUnreachable @12 :Bool;
  heavyKeys @13 :List(HeavyKey);
}

# What an attempt wrote to standard output and error.
struct AttemptLog {
  isKept @0 :Bool;  # false: nothing is known of it
  text @1 :Data;  # the end, at most 16 KiB
  dropped @2 :UInt64;  # how many bytes were before it
}

struct WorkerInfo {
  name @0 :Text;
  incarnation @1 :UInt64;
  slots @2 :UInt32;
  host @3 :Text;
  hostId @4 :Text;
  pid @5 :UInt64;
  shuffleAddress @6 :Text;
  scratchFolder @7 :Text;
}

# A job as it is stored: the specification and its input files in one.
struct StoredJobSpec {
  spec @0 :JobSpec;
  inputs @1 :List(InputFile);
}
