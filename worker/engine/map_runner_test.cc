// What a map task tells its surroundings; what its output holds is in inline_runner_test.cc.
#include "worker/engine/map_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/run_format.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// Calls a function for each line.
class LineMapper : public Mapper {
 public:
  using Action = std::function<void(LineMapper&, std::string_view)>;
  explicit LineMapper(Action action) : action_(std::move(action)) {}
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) { action_(*this, line); });
  }
  using Mapper::Emit;
  using Mapper::Fail;
  using Mapper::GetCounter;

 private:
  const Action action_;
};

class PhaseList : public PhaseClock {
 public:
  void Enter(TaskPhase phase) override { phases.push_back(phase); }
  std::vector<TaskPhase> phases;
};

// Which phases had sections, and how many bytes each.
class PhaseBook : public WorkClock {
 public:
  void Enter(WorkPhase phase, const PhaseTicks& sampled) override {
    entered.insert(phase);
    for (int i = 0; i < kWorkPhaseCount; ++i) {
      if (sampled[i] > 0) sampled_in.insert(static_cast<WorkPhase>(i));
    }
  }
  void AddBytes(WorkPhase phase, uint64_t count) override { bytes[phase] += count; }
  uint64_t Ticks() override { return now += ++step; }
  std::set<WorkPhase> entered;
  std::set<WorkPhase> sampled_in;
  std::map<WorkPhase, uint64_t> bytes;
  uint64_t now = 0;
  uint64_t step = 0;
};

class MapRunnerTest : public ::testing::Test {
 protected:
  MapRunnerTest() {
    for (const char* folder : {"/in", "/out", "/temp"}) {
      EXPECT_TRUE(memory_.CreateFolders(folder).ok());
    }
    task_.task = {JobId(3), /*stage=*/0, /*index=*/12};
    task_.attempt = {Epoch(1), 17};
    task_.partitions = 2;
    task_.output_path = "/out/run";
    task_.temp_folder = "/temp";
    job_.name = "test";
    job_.aggregate = Aggregate::kSum;
    MapWith([](LineMapper& mapper, std::string_view line) { mapper.Emit(line, 1); });
    Input("one\ntwo\nthree\n");
  }

  void MapWith(const LineMapper::Action& action) {
    job_.mapper = [action] { return std::make_unique<LineMapper>(action); };
  }
  void Input(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(memory_, "/in/file", text).ok());
    const auto info = memory_.Stat("/in/file");
    task_.split = {{{"/in/file", info->size, info->mtime_ns}, 0, info->size}};
  }
  absl::StatusOr<TaskResult> Run(uint64_t memory_bytes = 64 << 20) {
    MapRunnerOptions options;
    options.memory_bytes = memory_bytes;
    return MapRunner(job_, &fs_, options).Run(task_, hooks_);
  }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
  JobDescription job_;
  MapTask task_;
  TaskHooks hooks_;
};

TEST_F(MapRunnerTest, CountsWhatItReadAndWrote) {
  auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.input_bytes, 14u);
  EXPECT_EQ(result->stats.input_records, 3u);
  EXPECT_EQ(result->stats.output_records, 3u);
  EXPECT_EQ(result->stats.spills, 0u);
  EXPECT_EQ(hooks_.progress_bytes, 14u);
  EXPECT_EQ(hooks_.progress_records, 3u);
}

TEST_F(MapRunnerTest, TheRunNamesItsMakerAndHasTheDigest) {
  auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  auto footer = ReadRunFooter(memory_, "/out/run");
  ASSERT_TRUE(footer.ok()) << footer.status();
  EXPECT_EQ(footer->maker, (RunMaker{/*attempt_epoch=*/1, /*attempt_sequence=*/17, /*job=*/3,
                                     /*stage=*/0, /*task=*/12}));
  EXPECT_EQ(footer->digest, result->digest);
  EXPECT_EQ(footer->format.value_kind, ValueKind::kInt64);
}

TEST_F(MapRunnerTest, EntersItsPhasesInOrder) {
  PhaseList clock;
  hooks_.phase_clock = &clock;
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(clock.phases, ElementsAre(TaskPhase::kMap, TaskPhase::kSort, TaskPhase::kCommit));
}

TEST_F(MapRunnerTest, SaysWhatItWorksAtAndWithHowManyBytes) {
  PhaseBook book;
  hooks_.SetWorkClock(&book);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + "\n";
  Input(text);
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(book.entered, UnorderedElementsAre(WorkPhase::kRead, WorkPhase::kMap,
                                                 WorkPhase::kSort, WorkPhase::kSpill));
  EXPECT_THAT(book.sampled_in, UnorderedElementsAre(WorkPhase::kMap, WorkPhase::kAggregate));
  EXPECT_EQ(book.bytes[WorkPhase::kRead], text.size());
  EXPECT_EQ(book.bytes[WorkPhase::kMap], text.size());
  EXPECT_EQ(book.bytes[WorkPhase::kSort], result->stats.output_bytes);
  EXPECT_EQ(book.bytes[WorkPhase::kSpill], result->stats.output_bytes);
  EXPECT_NEAR(static_cast<double>(book.bytes[WorkPhase::kAggregate]), 5000.0 * sizeof(ShortPair),
              61.0 * 32 * sizeof(ShortPair));
}

TEST_F(MapRunnerTest, SpillsAreMergedInAPhaseOfTheirOwn) {
  PhaseBook book;
  hooks_.SetWorkClock(&book);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + "\n";
  Input(text);
  const auto result = Run(/*memory_bytes=*/64 << 10);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_GT(result->stats.spills, 1u);
  EXPECT_EQ(book.entered.count(WorkPhase::kMerge), 1u);
  EXPECT_EQ(book.bytes[WorkPhase::kMerge], book.bytes[WorkPhase::kSpill]);
}

TEST_F(MapRunnerTest, AMapperThatFailsSaysWhyAndWhere) {
  CursorPage page;
  hooks_.cursor_page = &page;
  MapWith([](LineMapper& mapper, std::string_view line) {
    if (line == "three") mapper.Fail("not a number");
  });
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "not a number");
  EXPECT_EQ(page.DescribePosition(), "/in/file:8");
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(MapRunnerTest, ACounterInAGroupOfMillraceItselfFailsTheAttemptByName) {
  MapWith([](LineMapper& mapper, std::string_view) {
    mapper.GetCounter("millrace", "map_input_records")->Increment();
  });
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("the counter millrace/map_input_records"), HasSubstr("name another")));
}

TEST_F(MapRunnerTest, ThePositionStaysWhenTheMapperThrows) {
  CursorPage page;
  hooks_.cursor_page = &page;
  MapWith([](LineMapper&, std::string_view line) {
    if (line == "two") throw std::runtime_error("bad");
  });
  EXPECT_THROW(Run().IgnoreError(), std::runtime_error);
  EXPECT_EQ(page.DescribePosition(), "/in/file:4");
}

TEST_F(MapRunnerTest, AFailedSpillEndsTheTaskAndLeavesNothing) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + "\n";
  Input(text);
  fs_.FailNth(FileOperation::kWrite, 5, absl::ResourceExhaustedError("no space: /temp"));
  const absl::Status status = Run(/*memory_bytes=*/64 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(memory_.List("/temp")->empty());
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(MapRunnerTest, ADamagedSpillIsDataLossWithoutABlamedSource) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word" + std::to_string(i) + "\n";
  Input(text);
  fs_.FailNth(FileOperation::kRead, 10, absl::DataLossError("/temp: the device failed"));
  const absl::Status status = Run(/*memory_bytes=*/64 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/temp"));
}

// --- Records that are too long: every attempt would meet them ---

TEST_F(MapRunnerTest, AKeyThatIsTooLongIsNamedWithItsRecordAndTheFlag) {
  Input("short\n" + std::string(30000, 'k') + "\nlast\n");
  const absl::Status status = Run(/*memory_bytes=*/256 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(
          StartsWith("/in/file:6: the mapper emitted a key of 30000 bytes, \"kkkk"),
          HasSubstr("this job's --task_memory_mb allows 24576: raise it, or emit smaller pieces")));
}

TEST_F(MapRunnerTest, ALongKeyMadeByTheMapperIsFoundWhileItsRecordIsKnown) {
  MapWith([](LineMapper& mapper, std::string_view line) {
    mapper.Emit(std::string(line == "two" ? 70000 : 70, 'k'), 1);
  });
  const absl::Status status = Run(/*memory_bytes=*/512 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), StartsWith("/in/file:4: "));
}

TEST_F(MapRunnerTest, APairThatIsTooLongIsNamedWithItsRecordAndTheFlag) {
  job_.aggregate = Aggregate::kNone;
  MapWith([](LineMapper& mapper, std::string_view line) {
    mapper.Emit(line, std::string(line == "two" ? 40000 : 4, 'v'));
  });
  const absl::Status status = Run(/*memory_bytes=*/256 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("/in/file:4: the mapper emitted a pair of 40003 bytes, its key of 3 "
                               "is \"two\"; "),
                    HasSubstr("--task_memory_mb allows 32768")));
}

TEST_F(MapRunnerTest, APairThatItsOrderMakesTooLongIsNamedByTheMappersKey) {
  job_.aggregate = Aggregate::kNone;
  job_.sort_values = true;
  MapWith([](LineMapper& mapper, std::string_view line) {
    mapper.Emit(std::string(line == "two" ? 20000 : 4, '\0'), "v");
  });
  const absl::Status status = Run(/*memory_bytes=*/256 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(StartsWith("/in/file:4: the mapper emitted a pair of 40003 bytes, its key of 20000 is "
                       "\"\\x00"),
            HasSubstr("--task_memory_mb allows 32768")));
}

TEST_F(MapRunnerTest, APairThatIsTooLongForItsOrderFromTheStartIsNamedAsItWasEmitted) {
  job_.aggregate = Aggregate::kNone;
  job_.key_fields = 2;
  MapWith([](LineMapper& mapper, std::string_view line) {
    mapper.Emit(line, std::string(line == "two" ? 40000 : 4, 'v'));
  });
  EXPECT_THAT(std::string(Run(/*memory_bytes=*/256 << 10).status().message()),
              StartsWith("/in/file:4: the mapper emitted a pair of 40003 bytes, its key of 3 is "
                         "\"two\""));
}

TEST_F(MapRunnerTest, APairThatACombinerMakesTooLongIsNamed) {
  class Lengthening : public Reducer {
   public:
    void Reduce(ReduceInput& input) override { Emit(std::string(40000, 'v')); }
  };
  job_.aggregate = Aggregate::kNone;
  task_.partitions = 1;
  job_.combiner = [] { return std::make_unique<Lengthening>(); };
  MapWith([](LineMapper& mapper, std::string_view line) { mapper.Emit(line, "1"); });
  const absl::Status status = Run(/*memory_bytes=*/256 << 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("the combiner emitted a pair of 40003 bytes, its key of 3 is \"one\""));
}

TEST_F(MapRunnerTest, ALineThatIsTooLongIsNamedOnceAndWithTheFlag) {
  CursorPage page;
  hooks_.cursor_page = &page;
  // More than a read at once, so that the lines before it were mapped already.
  std::string text;
  while (text.size() < (1 << 20)) text += "a line of words\n";
  Input(text + std::string(3 << 20, 'x') + "\n");
  const absl::Status status = Run(/*memory_bytes=*/8 << 20).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("/in/file:1048576: the line that begins here has more than 1048576 "
                               "bytes"),
                    HasSubstr("--task_memory_mb allows 1048576: raise it")));
  EXPECT_EQ(page.DescribePosition(), "") << "a second position";
}

TEST_F(MapRunnerTest, ARunnerServesOneTaskAfterAnother) {
  MapRunner runner(job_, &fs_, MapRunnerOptions());
  auto first = runner.Run(task_, hooks_);
  ASSERT_TRUE(first.ok()) << first.status();
  auto again = runner.Run(task_, hooks_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(first->digest, again->digest);
}

}  // namespace
}  // namespace millrace
