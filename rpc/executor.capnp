# What an executor serves to the worker that started it, on the socket it inherited.
@0xc4f08a6e1b93d704;

using Cxx = import "/capnp/c++.capnp";
using T = import "types.capnp";
$Cxx.namespace("millrace::capnp_executor");

interface Executor {
  # Runs one attempt and answers with how it ended; one at a time. An executor that dies instead of
  # answering has failed the attempt.
  run @0 (task :ExecutorTask) -> (outcome :T.AttemptOutcome);

  # How far the running attempt is.
  progress @1 () -> (bytes :UInt64, records :UInt64, steps :UInt64);
}

struct ExecutorTask {
  attempt @0 :T.AttemptId;
  task @1 :T.TaskId;
  partitions @2 :UInt32;  # R; 0 in a map-only job
  outputPath @3 :Text;
  tempFolder @4 :Text;
  memoryBytes @5 :UInt64;
  environment @6 :List(Text);  # NAME=value, set before user code runs
  union {
    map @7 :List(T.FileRange);
    reduce @8 :List(ReduceSource);
  }
  # Of a map: as in AttemptSpec.
  oneByOne @9 :Bool;
  skip @10 :List(T.InputRecord);
  keepsOutput @11 :Bool;
  splitKeys @12 :List(Data);  # as in JobSpec
  partOf @13 :T.AttemptId;  # as in AttemptSpec
  profile @14 :Bool;  # whether its outcome has a profile
}

# One map output as a reduce reads it.
struct ReduceSource {
  mapIndex @0 :UInt32;
  attempt @1 :T.AttemptId;
  path @2 :Text;
  # Whole run files are read at the partition's place; fetched ones hold the partition alone.
  fetched @3 :Bool;
  records @4 :UInt64;
  digest @5 :T.Digest;   # of the partition
  valueKind @6 :UInt8;
  hasGroupLength @7 :Bool;
  length @8 :UInt64;  # bytes of the partition
  offset @9 :UInt64;  # in a whole run
  longestBlock @10 :UInt64;
  runDigest @11 :T.Digest;
}
