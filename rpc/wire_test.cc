#include "rpc/wire.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rpc/wire_samples.h"

namespace millrace {
namespace {

namespace wire = capnp_types;

// What a value is after one journey. `Type` is its schema.
template <typename Type, typename T>
absl::StatusOr<T> Sent(const T& value, absl::StatusOr<T> (*read)(typename Type::Reader)) {
  capnp::MallocMessageBuilder message;
  Write(value, message.initRoot<Type>());
  return read(message.getRoot<Type>().asReader());
}

// The same message twice means that no field was lost on the way.
template <typename Type, typename T>
std::string Bytes(const T& value) {
  capnp::MallocMessageBuilder message;
  Write(value, message.initRoot<Type>());
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  return std::string(words.asChars().begin(), words.asChars().size());
}

template <typename Type, typename T>
void ExpectTravelsWhole(const T& value, absl::StatusOr<T> (*read)(typename Type::Reader)) {
  const absl::StatusOr<T> copy = Sent<Type>(value, read);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(Bytes<Type>(*copy), Bytes<Type>(value));
}

// What is wrong with a sample that `spoil` has changed on the wire.
template <typename Type, typename T, typename Spoil>
std::string Problem(const T& value, absl::StatusOr<T> (*read)(typename Type::Reader), Spoil spoil) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<Type>();
  Write(value, root);
  spoil(root);
  const absl::Status status = read(root.asReader()).status();
  EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(WireTest, EveryValueTravelsWhole) {
  ExpectTravelsWhole<wire::TaskId>(SampleTask(), ReadTaskId);
  ExpectTravelsWhole<wire::AttemptId>(SampleAttempt(), ReadAttemptId);
  ExpectTravelsWhole<wire::Digest>(SampleDigest(), ReadDigest);
  ExpectTravelsWhole<wire::Session>(SampleSession(), ReadSession);
  ExpectTravelsWhole<wire::InputFile>(SampleFile(), ReadInputFile);
  ExpectTravelsWhole<wire::FileRange>(SampleRange(), ReadFileRange);
  ExpectTravelsWhole<wire::InputRecord>(SampleAttemptSpec().skip[0], ReadInputRecord);
  ExpectTravelsWhole<wire::JobSpec>(SampleJobSpec(), ReadJobSpec);
  ExpectTravelsWhole<wire::JobContext>(SampleJobContext(), ReadJobContext);
  ExpectTravelsWhole<wire::AttemptSpec>(SampleAttemptSpec(), ReadAttemptSpec);
  ExpectTravelsWhole<wire::MapSource>(SampleSource(), ReadMapSource);
  ExpectTravelsWhole<wire::ShuffleAddress>(SampleShuffleAddress(), ReadShuffleAddress);
  ExpectTravelsWhole<wire::AttemptStats>(SampleStats(), ReadAttemptStats);
  ExpectTravelsWhole<wire::AttemptOutcome>(SampleOutcome(), ReadAttemptOutcome);
  ExpectTravelsWhole<wire::WorkerInfo>(SampleWorkerInfo(), ReadWorkerInfo);
}

// The samples would hide a field that neither Read nor Write knows.
TEST(WireTest, NoFieldOfASampleIsLost) {
  const AttemptOutcome outcome = *Sent<wire::AttemptOutcome>(SampleOutcome(), ReadAttemptOutcome);
  EXPECT_EQ(outcome.attempt, SampleAttempt());
  EXPECT_EQ(outcome.task, SampleTask());
  EXPECT_EQ(outcome.cause, Cause::kFetchFailed);
  EXPECT_EQ(outcome.message, "cannot read map 3");
  EXPECT_EQ(outcome.position, "/in/a:17");
  EXPECT_EQ(outcome.stderr_tail, "oh\nno\n");
  EXPECT_EQ(outcome.digest, SampleDigest());
  EXPECT_EQ(outcome.stats.peak_memory_bytes, 9u);
  EXPECT_EQ(outcome.counters, (std::map<std::string, int64_t>{{"words/long", -2}, {"a/b", 3}}));
  EXPECT_EQ(outcome.failed_map_index, 3u);
  EXPECT_EQ(outcome.failed_source, (AttemptId{Epoch(1), 9}));
  EXPECT_EQ(outcome.heavy_keys, SampleOutcome().heavy_keys);
  EXPECT_TRUE(outcome.source_unreachable);
  EXPECT_EQ(outcome.record, (InputRecord{"/in/a", 17, 5}));

  const AttemptSpec spec = *Sent<wire::AttemptSpec>(SampleAttemptSpec(), ReadAttemptSpec);
  EXPECT_TRUE(spec.one_by_one);
  EXPECT_EQ(spec.skip, SampleAttemptSpec().skip);
  EXPECT_EQ(spec.part_of, SampleAttemptSpec().part_of);
  EXPECT_EQ(Sent<wire::JobSpec>(SampleJobSpec(), ReadJobSpec)->skip_bad_records, 6u);
  EXPECT_EQ(Sent<wire::JobSpec>(SampleJobSpec(), ReadJobSpec)->keep_folder, "/keep");
  EXPECT_EQ(Sent<wire::JobSpec>(SampleJobSpec(), ReadJobSpec)->map_identity, SampleDigest());
  EXPECT_EQ(Sent<wire::JobSpec>(SampleJobSpec(), ReadJobSpec)->before, SampleJobSpec().before);

  const JobContext context = *Sent<wire::JobContext>(SampleJobContext(), ReadJobContext);
  EXPECT_EQ(context.binary.inode, 44u);
  ASSERT_EQ(context.side_files.size(), 2u);
  EXPECT_EQ(context.side_files[0].name, "map.py");
  EXPECT_TRUE(context.side_files[0].executable);
  EXPECT_EQ(context.side_files[1].size, 0u);
  EXPECT_FALSE(FindJobFile(context, "list")->executable);
  EXPECT_EQ(FindJobFile(context, ""), &context.binary);
  EXPECT_EQ(FindJobFile(context, "none"), nullptr);
  EXPECT_EQ(context.argv, (std::vector<std::string>{"/bin/wordcount", "--tokens=letters", ""}));
  EXPECT_EQ(context.environment, (std::vector<std::string>{"LANG=C", "EMPTY="}));
  EXPECT_EQ(context.staging_key, "job-3-0123");
  EXPECT_EQ(context.nonce, "n0nce");
  EXPECT_EQ(context.keep_folder, "/keep");
  EXPECT_TRUE(context.profile);
  EXPECT_TRUE(Sent<wire::JobSpec>(SampleJobSpec(), ReadJobSpec)->profile);
  EXPECT_EQ(context.shuffle, ShuffleMode::kNetwork);
}

TEST(WireTest, AStoredJobKeepsItsInputFiles) {
  JobSpec spec = SampleJobSpec();
  for (int i = 0; i < 1000; ++i) spec.inputs.push_back({"/in/" + std::to_string(i), 10, i});
  const absl::StatusOr<JobSpec> copy = DecodeJobSpec(EncodeJobSpec(spec));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->inputs, spec.inputs);
  EXPECT_EQ(EncodeJobSpec(*copy), EncodeJobSpec(spec));
}

TEST(WireTest, ADamagedStoredJobIsDataLossAndNeverACrash) {
  const std::string bytes = EncodeJobSpec(SampleJobSpec());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeJobSpec(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_FALSE(DecodeJobSpec(bytes + std::string(8, '\0')).ok());
  std::mt19937_64 random(1);
  for (int round = 0; round < 5'000; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 1 + round % 4; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    DecodeJobSpec(damaged).status().IgnoreError();
  }
}

// --- What is refused, and how it is named ---

TEST(WireTest, MissingIds) {
  EXPECT_EQ(Problem<wire::TaskId>(SampleTask(), ReadTaskId, [](auto b) { b.setJob(0); }),
            "TaskId.job: missing");
  EXPECT_EQ(Problem<wire::AttemptId>(SampleAttempt(), ReadAttemptId, [](auto b) { b.setEpoch(0); }),
            "AttemptId.epoch: missing");
  EXPECT_EQ(Problem<wire::Session>(SampleSession(), ReadSession, [](auto b) { b.setWorker(0); }),
            "Session.worker: missing");
  EXPECT_EQ(Problem<wire::MapSource>(SampleSource(), ReadMapSource, [](auto b) { b.setWorker(0); }),
            "MapSource.worker: missing");
}

TEST(WireTest, ALostSourceHasNoAttemptAndThatIsFine) {
  MapSource lost;
  lost.map_index = 7;
  const absl::StatusOr<MapSource> copy = Sent<wire::MapSource>(lost, ReadMapSource);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_FALSE(copy->attempt.is_set());
}

TEST(WireTest, EnumsOfANewerPeer) {
  const std::string unknown = ": a value that this version does not know";
  EXPECT_EQ(Problem<wire::AttemptSpec>(SampleAttemptSpec(), ReadAttemptSpec,
                                       [](auto b) { b.setReason(kReasonCount); }),
            "AttemptSpec.reason" + unknown);
  EXPECT_EQ(Problem<wire::AttemptSpec>(SampleAttemptSpec(), ReadAttemptSpec,
                                       [](auto b) { b.setKind(255); }),
            "AttemptSpec.kind" + unknown);
  EXPECT_EQ(Problem<wire::AttemptOutcome>(SampleOutcome(), ReadAttemptOutcome,
                                          [](auto b) { b.setCause(kCauseCount); }),
            "AttemptOutcome.cause" + unknown);
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec, [](auto b) { b.setShuffle(2); }),
            "JobSpec.shuffle" + unknown);
}

TEST(WireTest, Paths) {
  const auto with_path = [](const std::string& path) {
    return Problem<wire::InputFile>(SampleFile(), ReadInputFile,
                                    [&](auto b) { b.setPath(path.c_str()); });
  };
  EXPECT_EQ(with_path("/" + std::string(kMaxPathBytes - 1, 'a')), "");
  EXPECT_EQ(with_path("/" + std::string(kMaxPathBytes, 'a')), "InputFile.path: too long");
  EXPECT_EQ(with_path("a"), "InputFile.path: no absolute path");
  EXPECT_EQ(with_path(""), "InputFile.path: missing");
  EXPECT_EQ(
      Problem<wire::InputFile>(SampleFile(), ReadInputFile, [](auto b) { b.initPath(3)[0] = '/'; }),
      "InputFile.path: a NUL inside");
  for (const char* key : {"..", ".", "a/b"}) {
    EXPECT_EQ(Problem<wire::JobContext>(SampleJobContext(), ReadJobContext,
                                        [&](auto b) { b.setStagingKey(key); }),
              "JobContext.stagingKey: no file name");
  }
}

TEST(WireTest, RangesOutsideTheirFile) {
  const auto range = [](uint64_t offset, uint64_t length) {
    return Problem<wire::FileRange>(SampleRange(), ReadFileRange, [&](auto b) {
      b.setOffset(offset);
      b.setLength(length);
    });
  };
  const std::string behind = "FileRange.length: the range ends behind the file's end";
  EXPECT_EQ(range(0, 1000), "");
  EXPECT_EQ(range(999, 1), "");
  EXPECT_EQ(range(0, 1001), behind);
  EXPECT_EQ(range(1000, 1), behind);
  EXPECT_EQ(range(1, ~0ull), behind);  // their sum overflows
  EXPECT_EQ(range(~0ull, 1), behind);
  EXPECT_EQ(range(0, 0), "FileRange.length: zero");
}

TEST(WireTest, SplitsFitTheirKind) {
  AttemptSpec spec = SampleAttemptSpec();
  spec.split.clear();
  EXPECT_TRUE(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).ok()) << "a part may be empty";
  spec.part_of = AttemptId();
  EXPECT_EQ(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).status().message(),
            "AttemptSpec.split: missing");
  spec.kind = StageKind::kReduce;
  EXPECT_EQ(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).status().message(),
            "AttemptSpec.oneByOne: a reduce attempt reads no records");
  spec.one_by_one = false;
  EXPECT_EQ(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).status().message(),
            "AttemptSpec.skip: records can only be left out one by one");
  spec.skip.clear();
  EXPECT_TRUE(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).ok());
  spec.split = {SampleRange()};
  EXPECT_EQ(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).status().message(),
            "AttemptSpec.split: a reduce attempt has none");
}

TEST(WireTest, ListsBeyondTheirBounds) {
  AttemptSpec spec = SampleAttemptSpec();
  spec.split.assign(kMaxRangesPerSplit, SampleRange());
  EXPECT_TRUE(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).ok());
  spec.split.push_back(SampleRange());
  EXPECT_EQ(Sent<wire::AttemptSpec>(spec, ReadAttemptSpec).status().message(),
            "AttemptSpec.split: too many elements");

  JobContext context = SampleJobContext();
  context.argv.assign(kMaxArguments + 1, "a");
  EXPECT_EQ(Sent<wire::JobContext>(context, ReadJobContext).status().message(),
            "JobContext.argv: too many elements");
  context.argv.assign(2, std::string(kMaxArgumentBytes / 2, 'a'));
  EXPECT_TRUE(Sent<wire::JobContext>(context, ReadJobContext).ok());
  context.argv.push_back("a");
  EXPECT_EQ(Sent<wire::JobContext>(context, ReadJobContext).status().message(),
            "JobContext.argv: too long");

  EXPECT_EQ(Problem<wire::AttemptOutcome>(SampleOutcome(), ReadAttemptOutcome,
                                          [](auto b) { b.initCounters(kMaxCounterNames + 1); }),
            "AttemptOutcome.counters: too many elements");
  EXPECT_EQ(Problem<wire::AttemptSpec>(SampleAttemptSpec(), ReadAttemptSpec,
                                       [](auto b) { b.initSkip(kMaxSkippedRecords + 1); }),
            "AttemptSpec.skip: too many elements");
}

TEST(WireTest, TheRequestOfAChainLeavesRoomForTheNumbersOfItsJobs) {
  JobSpec spec = SampleJobSpec();
  spec.request_id.assign(kMaxNameBytes - 3, 'r');
  EXPECT_TRUE(Sent<wire::JobSpec>(spec, ReadJobSpec).ok());
  spec.request_id.push_back('r');
  EXPECT_EQ(Sent<wire::JobSpec>(spec, ReadJobSpec).status().message(),
            "JobSpec.requestId: too long for a chain of jobs");
  spec.before.clear();
  EXPECT_TRUE(Sent<wire::JobSpec>(spec, ReadJobSpec).ok());
}

TEST(WireTest, NumbersOutOfRange) {
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.setSkipBadRecords(kMaxSkippedRecords + 1); }),
            "JobSpec.skipBadRecords: 1001 is not from 0 to 1000");
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.setReducers(kMaxReducers + 1); }),
            "JobSpec.reducers: 100000 is not from 0 to 99999");
  EXPECT_EQ(
      Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec, [](auto b) { b.setSplitBytes(0); }),
      "JobSpec.splitBytes: zero");
  EXPECT_EQ(
      Problem<wire::WorkerInfo>(SampleWorkerInfo(), ReadWorkerInfo, [](auto b) { b.setSlots(0); }),
      "WorkerInfo.slots: 0 is not from 1 to 4096");
  EXPECT_EQ(Problem<wire::TaskId>(SampleTask(), ReadTaskId,
                                  [](auto b) { b.setIndex(kMaxTasksPerStage); }),
            "TaskId.index: 10000000 is not from 0 to 9999999");
}

TEST(WireTest, WhatStandsInsideIsNamedFromTheOutside) {
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.getBinary().setSha256("ABC"); }),
            "JobSpec.binary: JobBinary.sha256: not 64 hexadecimal digits");
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.getSideFiles()[0].setName("../map.py"); }),
            "JobSpec.sideFiles: JobBinary.name: no file name");
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.getSideFiles()[0].setName("list"); }),
            "JobSpec.sideFiles: two of the same name");
  EXPECT_EQ(Problem<wire::JobSpec>(SampleJobSpec(), ReadJobSpec,
                                   [](auto b) { b.getEnvironment().set(0, "=x"); }),
            "JobSpec.environment: an element is not NAME=value");
  EXPECT_NE(Problem<wire::WorkerInfo>(SampleWorkerInfo(), ReadWorkerInfo,
                                      [](auto b) { b.setShuffleAddress("red:0"); })
                .find("WorkerInfo.shuffleAddress: \"red:0\" is no address"),
            std::string::npos);
}

TEST(WireTest, NamesThatSpoilTablesAndLogsAreRefused) {
  for (const char* name : {"", "red\tblue", "red\n2026 all is well", "\x1b[2J"}) {
    EXPECT_NE(Problem<wire::WorkerInfo>(SampleWorkerInfo(), ReadWorkerInfo,
                                        [name](auto b) { b.setName(name); })
                  .find("WorkerInfo.name: a worker's name has 1 to 100 visible ASCII characters"),
              std::string::npos)
        << name;
  }
  EXPECT_EQ(Problem<wire::WorkerInfo>(SampleWorkerInfo(), ReadWorkerInfo,
                                      [](auto b) { b.setHost("host\nof red"); }),
            "WorkerInfo.host: a control character inside");
}

// --- What is cut rather than refused ---

TEST(WireTest, TextForPeopleIsCutBetweenCharacters) {
  AttemptOutcome outcome = SampleOutcome();
  outcome.message = std::string(kMaxMessageTextBytes - 1, 'a') + "\xc3\xa4";
  outcome.stderr_tail = std::string("a\0b", 3);
  const AttemptOutcome copy = *Sent<wire::AttemptOutcome>(outcome, ReadAttemptOutcome);
  EXPECT_EQ(copy.message, std::string(kMaxMessageTextBytes - 1, 'a'));
  EXPECT_EQ(copy.stderr_tail, "a?b");
}

TEST(WireTest, CounterNamesThatBecomeEqualWhenCutAreSummed) {
  AttemptOutcome outcome = SampleOutcome();
  const std::string name(kMaxCounterNameBytes, 'a');
  outcome.counters = {{name + "1", INT64_MAX}, {name + "2", 1}};
  const AttemptOutcome copy = *Sent<wire::AttemptOutcome>(outcome, ReadAttemptOutcome);
  EXPECT_EQ(copy.counters, (std::map<std::string, int64_t>{{name, INT64_MIN}}));
}

// --- Whatever arrives ---

// Words that look like a message now and then: real pointers, small numbers, noise.
std::vector<capnp::word> RandomWords(std::mt19937_64& random) {
  std::vector<capnp::word> words(1 + random() % 64);
  for (capnp::word& word : words) {
    const uint64_t masks[] = {~0ull, 0x0000000700000007, 0x000f000f0000003c, 0xff};
    const uint64_t bits = random() & masks[random() % 4];
    memcpy(static_cast<void*>(&word), &bits, sizeof(bits));
  }
  return words;
}

template <typename Type, typename T>
void ReadAny(const std::vector<capnp::word>& words,
             absl::StatusOr<T> (*read)(typename Type::Reader)) {
  kj::ArrayPtr<const capnp::word> segment(words.data(), words.size());
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1));
  kj::runCatchingExceptions([&]() {
    const absl::Status status = read(reader.getRoot<Type>()).status();
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
  });
}

TEST(WireTest, RandomWordsGiveAStatus) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5'000; ++round) {
    const std::vector<capnp::word> words = RandomWords(random);
    ReadAny<wire::JobSpec>(words, ReadJobSpec);
    ReadAny<wire::JobContext>(words, ReadJobContext);
    ReadAny<wire::AttemptSpec>(words, ReadAttemptSpec);
    ReadAny<wire::AttemptOutcome>(words, ReadAttemptOutcome);
    ReadAny<wire::WorkerInfo>(words, ReadWorkerInfo);
    ReadAny<wire::ShuffleAddress>(words, ReadShuffleAddress);
  }
}

RC_GTEST_PROP(WireTest, AnyStatsAndIdsTravelWhole, (std::array<uint64_t, 9> n)) {
  AttemptStats stats{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]};
  RC_ASSERT(Bytes<wire::AttemptStats>(*Sent<wire::AttemptStats>(stats, ReadAttemptStats)) ==
            Bytes<wire::AttemptStats>(stats));
  const WorkerSessionId session{Epoch(n[0] | 1), WorkerId(n[1] | 1), Incarnation(n[2] | 1)};
  RC_ASSERT(*Sent<wire::Session>(session, ReadSession) == session);
  const AttemptId attempt{Epoch(n[3] | 1), n[4]};
  RC_ASSERT(*Sent<wire::AttemptId>(attempt, ReadAttemptId) == attempt);
}

// Text as Cap'n Proto holds it: any bytes but NUL.
std::string WithoutNul(std::string text) {
  for (char& c : text) {
    if (c == '\0') c = 'x';
  }
  return text;
}

RC_GTEST_PROP(WireTest, AnyOutcomeTravelsWhole,
              (std::string message, std::map<std::string, int64_t> counters, uint64_t number)) {
  AttemptOutcome outcome = SampleOutcome();
  outcome.message = WithoutNul(message);
  outcome.counters.clear();
  for (const auto& [name, value] : counters) outcome.counters["a/" + WithoutNul(name)] = value;
  outcome.cause = static_cast<Cause>(1 + number % (kCauseCount - 1));
  outcome.failed_source = number % 2 ? AttemptId() : AttemptId{Epoch(number | 1), number};
  const absl::StatusOr<AttemptOutcome> copy =
      Sent<wire::AttemptOutcome>(outcome, ReadAttemptOutcome);
  RC_ASSERT(copy.ok());
  RC_ASSERT(copy->message == outcome.message);
  RC_ASSERT(copy->counters == outcome.counters);
  RC_ASSERT(copy->cause == outcome.cause);
  RC_ASSERT(copy->failed_source == outcome.failed_source);
}

RC_GTEST_PROP(WireTest, AnyJobTravelsWhole,
              (std::vector<std::string> argv, std::vector<uint64_t> sizes, bool flag)) {
  JobSpec spec = SampleJobSpec();
  for (const std::string& argument : argv) spec.argv.push_back(WithoutNul(argument));
  for (uint64_t size : sizes) {
    spec.inputs.push_back({"/in/" + std::to_string(size), size, static_cast<int64_t>(size)});
  }
  spec.overwrite = flag;
  const absl::StatusOr<JobSpec> copy = DecodeJobSpec(EncodeJobSpec(spec));
  RC_ASSERT(copy.ok());
  RC_ASSERT(copy->argv == spec.argv);
  RC_ASSERT(copy->inputs == spec.inputs);
  RC_ASSERT(copy->overwrite == flag);
}

}  // namespace
}  // namespace millrace
