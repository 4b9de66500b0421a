#include "worker/engine/reduce_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/run_writer.h"
#include "worker/engine/failure.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NoMapper : public Mapper {
 public:
  void Map(const MapInput&) override {}
};

class JoinReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string joined;
    for (; !input.done(); input.NextValue()) joined.append(input.value());
    Emit(std::string_view(joined));
  }
};

// Looks at one value of each key and leaves the rest.
class FirstReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override { Emit(input.value()); }
};

template <typename R>
JobDescription JobWith() {
  JobDescription job;
  job.name = "job";
  job.mapper = [] { return std::make_unique<NoMapper>(); };
  job.reducer = [] { return std::make_unique<R>(); };
  return job;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A reduce task whose sources are written by the test.
class ReduceTest : public ::testing::Test {
 protected:
  ReduceTest() {
    for (const char* folder : {"/runs", "/out", "/temp"}) {
      EXPECT_TRUE(fs_.CreateFolders(folder).ok());
    }
    task_.output_path = "/out/part";
    task_.temp_folder = "/temp";
  }

  // Adds the run of the next map task, with `pairs` in its only partition.
  void AddSource(const Pairs& pairs) {
    const auto map_index = static_cast<uint32_t>(task_.sources.size());
    ReduceSource source;
    source.map_index = map_index;
    source.path = "/runs/" + std::to_string(map_index);
    source.whole_run = true;
    source.attempt = {Epoch(1), map_index + 1};
    RunWriterOptions options;
    options.maker.attempt_epoch = 1;
    options.maker.attempt_sequence = map_index + 1;
    auto writer = RunWriter::Create(&fs_, source.path, options);
    ASSERT_TRUE(writer.ok());
    (*writer)->BeginPartition(0);
    for (const auto& [key, value] : pairs) (*writer)->Add(key, value);
    auto footer = (*writer)->Finish();
    ASSERT_TRUE(footer.ok());
    source.run_digest = footer->digest;
    source.expected = footer->partitions[0];
    source.format = footer->format;
    task_.sources.push_back(source);
  }

  absl::StatusOr<TaskResult> Run(const JobDescription& job, uint64_t memory_bytes = 512 << 20) {
    ReduceRunnerOptions options;
    options.memory_bytes = memory_bytes;
    TaskHooks hooks;
    return ReduceRunner(job, &fs_, options).Run(task_, hooks);
  }

  std::string Part() {
    auto part = ReadFile(fs_, task_.output_path, /*max_bytes=*/1 << 20);
    EXPECT_TRUE(part.ok()) << part.status();
    return part.ok() ? *part : "";
  }

  MemoryFileSystem fs_;
  ReduceTask task_;
};

// Starts by asking for a counter that is not its own.
class CountingReducer : public JoinReducer {
 public:
  void Start() override { GetCounter("millrace.profile", "mine")->Increment(); }
};

TEST_F(ReduceTest, ACounterInAGroupOfMillraceItselfFailsTheAttemptByName) {
  AddSource({{"a", "1"}});
  const absl::Status status = Run(JobWith<CountingReducer>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the counter millrace.profile/mine"));
}

// Whether a reducer reads its values or not, and without one.
TEST_F(ReduceTest, NamesItsHeaviestKeys) {
  const std::string value(100, 'v');
  AddSource({{"a", value}, {"heavy", value}, {"heavy", value}, {"z", value}});
  AddSource({{"a", value}, {"b", "1"}, {"heavy", value}});
  const auto heaviest = ElementsAre(HeavyKey{"heavy", false, 3, 315}, HeavyKey{"a", false, 2, 202},
                                    HeavyKey{"z", false, 1, 101});
  JobDescription copies = JobWith<JoinReducer>();
  copies.reducer = nullptr;
  for (const JobDescription& job : {JobWith<JoinReducer>(), JobWith<FirstReducer>(), copies}) {
    auto result = Run(job);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(result->heavy_keys, heaviest);
  }
}

TEST_F(ReduceTest, MergesSourcesInOrder) {
  AddSource({{"a", "1"}, {"c", "3"}});
  AddSource({{"a", "2"}, {"b", "x"}});
  auto result = Run(JobWith<JoinReducer>());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Part(), "a\t12\nb\tx\nc\t3\n");
  EXPECT_EQ(result->digest, DigestOf(Part()));
  EXPECT_EQ(result->stats.input_records, 4u);
  EXPECT_EQ(result->stats.output_records, 3u);
}

TEST_F(ReduceTest, NoSourcesGiveAnEmptyPart) {
  ASSERT_TRUE(Run(JobWith<JoinReducer>()).ok());
  EXPECT_EQ(Part(), "");
}

TEST_F(ReduceTest, ValuesLeftUnreadAreSkipped) {
  AddSource({{"a", "1"}, {"a", "2"}, {"b", "3"}});
  AddSource({{"a", "4"}, {"b", "5"}});
  ASSERT_TRUE(Run(JobWith<FirstReducer>()).ok());
  EXPECT_EQ(Part(), "a\t1\nb\t3\n");
}

TEST_F(ReduceTest, LongKeysThatAgreeInTheirFirstBytesAreToldApart) {
  const std::string common = "the first fifteen bytes agree, and more ";
  AddSource({{common + "1", "a"}, {common + "3", "b"}});
  AddSource({{common + "2", "c"}, {common + "3", "d"}});
  ASSERT_TRUE(Run(JobWith<JoinReducer>()).ok());
  EXPECT_EQ(Part(), common + "1\ta\n" + common + "2\tc\n" + common + "3\tbd\n");
}

TEST_F(ReduceTest, MoreSourcesThanMemoryAreMergedInPassesInTheSameOrder) {
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    AddSource({{"key", std::to_string(i) + ","}});
    expected += std::to_string(i) + ",";
  }
  // Two sources at a time.
  auto result = Run(JobWith<JoinReducer>(), /*memory_bytes=*/10000);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->stats.spills, 10u);
  EXPECT_EQ(Part(), "key\t" + expected + "\n");
  EXPECT_TRUE(fs_.List("/temp")->empty());
}

TEST_F(ReduceTest, SourcesOfLongRecordsAreMergedInPassesBecauseEachNeedsMemoryForOne) {
  for (int i = 0; i < 20; ++i) {
    AddSource({{"k" + std::to_string(i), std::string(1 << 20, 'v')}});
  }
  // Five fit into 3/4 of it: 5 + 5 + 5 + 4 become one each, and the last one stays.
  auto result = Run(JobWith<FirstReducer>(), /*memory_bytes=*/8 << 20);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.spills, 4u);
  EXPECT_EQ(result->stats.output_records, 20u);
}

TEST_F(ReduceTest, AsManySourcesOfShortRecordsAreMergedAtOnce) {
  for (int i = 0; i < 20; ++i) AddSource({{"k" + std::to_string(i), "v"}});
  auto result = Run(JobWith<FirstReducer>(), /*memory_bytes=*/8 << 20);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.spills, 0u);
}

TEST_F(ReduceTest, ADamagedSourceIsBlamed) {
  AddSource({{"a", "1"}});
  AddSource({{"b", "2"}});
  auto bytes = ReadFile(fs_, "/runs/1", /*max_bytes=*/1 << 20);
  (*bytes)[30] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(fs_, "/runs/1", *bytes).ok());
  const absl::Status status = Run(JobWith<JoinReducer>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(BadSourceOf(status), 1u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/runs/1"));
  EXPECT_TRUE(fs_.List("/out")->empty());
}

TEST_F(ReduceTest, ADamagedSourceIsBlamedWhenItIsMergedInAPass) {
  for (int i = 0; i < 10; ++i) AddSource({{"a", "1"}});
  ASSERT_TRUE(fs_.RemoveFile("/runs/3").ok());
  const absl::Status status = Run(JobWith<JoinReducer>(), /*memory_bytes=*/10000).status();
  EXPECT_EQ(BadSourceOf(status), 3u);
}

TEST_F(ReduceTest, ARunOfAnotherAttemptIsBlamed) {
  AddSource({{"a", "1"}});
  task_.sources[0].attempt.sequence = 99;
  const absl::Status status = Run(JobWith<JoinReducer>()).status();
  EXPECT_EQ(BadSourceOf(status), 0u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not the expected attempt-1-99"));
}

TEST_F(ReduceTest, NoSpaceForThePartIsNobodysFault) {
  AddSource({{"a", std::string(10000, 'x')}});
  fs_.SetCapacity(10500);
  const absl::Status status = Run(JobWith<JoinReducer>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(BadSourceOf(status).has_value());
  EXPECT_TRUE(fs_.List("/out")->empty());
}

TEST_F(ReduceTest, AReducerThatFailsSaysWhy) {
  class Failing : public Reducer {
   public:
    void Reduce(ReduceInput&) override { Fail("no such user"); }
  };
  AddSource({{"a", "1"}});
  const absl::Status status = Run(JobWith<Failing>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "no such user");
}

}  // namespace
}  // namespace millrace
