// Where the pairs of a map task go, and what is left when it goes wrong.
#include "worker/engine/map_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/run_reader.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Joins values with "+": the order of values stays visible.
class Join : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string joined;
    for (; !input.done(); input.NextValue()) {
      joined.append(joined.empty() ? "" : "+").append(input.value());
    }
    Emit(std::string_view(joined));
  }
};

// Passes values on, and calls a function at each.
class Watcher : public Reducer {
 public:
  explicit Watcher(std::function<void()> at_value) : at_value_(std::move(at_value)) {}
  void Reduce(ReduceInput& input) override {
    for (; !input.done(); input.NextValue()) {
      at_value_();
      Emit(input.value());
    }
  }

 private:
  const std::function<void()> at_value_;
};

class MapOutputTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kMemory = 64 << 10;

  MapOutputTest() {
    EXPECT_TRUE(memory_.CreateFolders("/out").ok());
    EXPECT_TRUE(memory_.CreateFolders("/temp").ok());
    task_.task = {JobId(3), /*stage=*/0, /*index=*/12};
    task_.attempt = {Epoch(1), 17};
    task_.partitions = 1;
    task_.output_path = "/out/run";
    task_.temp_folder = "/temp";
  }

  MapOutputContext Context() {
    return {&job_,
            &task_,
            /*mapper=*/nullptr,
            &fs_,
            &counters_,
            &hooks_,
            &page_,
            kMemory,
            /*max_record_bytes=*/1 << 20};
  }

  // An output for numbers, and one for strings.
  void Aggregate(millrace::Aggregate kind) {
    job_.aggregate = kind;
    table_ = std::make_unique<AggregateTable>(kind, kMemory);
    output_ = std::make_unique<AggregatedOutput>(Context(), table_.get());
  }
  void Collect() {
    collector_ = std::make_unique<PairCollector>(kMemory);
    output_ = std::make_unique<CollectedOutput>(Context(), collector_.get());
  }

  void EmitNumber(const std::string& key, int64_t value) {
    if (key.size() > kShortKeyBytes) {
      const LongPair pair = {key.data(), key.size(), HashBytes(key), value};
      return output_->DrainLong(&pair, 1);
    }
    const ShortKey packed = PackShortKey(key);
    const ShortPair pair = {packed, HashShortKey(packed), value};
    output_->DrainShort(&pair, 1);
  }

  // "key=value", in the order of the run's only partition.
  std::vector<std::string> Records() {
    const absl::StatusOr<RunFooter> footer = ReadRunFooter(memory_, "/out/run");
    EXPECT_TRUE(footer.ok()) << footer.status();
    auto reader = *RunReader::OpenInRun(&memory_, "/out/run", *footer, 0);
    const bool numbers = footer->format.value_kind == ValueKind::kInt64;
    std::vector<std::string> records;
    while (reader->Next()) {
      records.push_back(
          std::string(reader->key()) + "=" +
          (numbers ? std::to_string(reader->number()) : std::string(reader->value())));
    }
    EXPECT_TRUE(reader->status().ok()) << reader->status();
    return records;
  }
  std::vector<std::string> FilesIn(const std::string& folder) { return *memory_.List(folder); }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
  JobDescription job_;
  MapTask task_;
  CounterSet counters_;
  TaskHooks hooks_;
  CursorPage page_;
  std::unique_ptr<AggregateTable> table_;
  std::unique_ptr<PairCollector> collector_;
  std::unique_ptr<MapOutput> output_;
  TaskResult result_;
};

TEST_F(MapOutputTest, NumbersAreFoldedByKey) {
  Aggregate(Aggregate::kSum);
  EXPECT_EQ(output_->value_form(), ValueForm::kNumbers);
  EmitNumber("b", 1);
  EmitNumber("a key of more than fifteen bytes", 5);
  EmitNumber("b", 2);
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_THAT(Records(), ElementsAre("a key of more than fifteen bytes=5", "b=3"));
  EXPECT_EQ(result_.stats.output_records, 2u);
  EXPECT_EQ(result_.stats.spills, 0u);
}

TEST_F(MapOutputTest, WhatWasSpilledIsFoldedWithTheRest) {
  Aggregate(Aggregate::kMax);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3000; ++i) EmitNumber("key " + std::to_string(i), round);
  }
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_GT(result_.stats.spills, 1u);
  EXPECT_EQ(result_.stats.output_records, 3000u);
  const std::vector<std::string> records = Records();
  EXPECT_EQ(records.front(), "key 0=2");
  EXPECT_EQ(records.back(), "key 999=2");
}

TEST_F(MapOutputTest, CountsAreSummedWhenSpillsAreMerged) {
  Aggregate(Aggregate::kCount);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3000; ++i) EmitNumber("key " + std::to_string(i), 77);
  }
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_GT(result_.stats.spills, 1u);
  EXPECT_EQ(Records().front(), "key 0=3");
}

TEST_F(MapOutputTest, StringsKeepTheirOrderThroughSpills) {
  Collect();
  EXPECT_EQ(output_->value_form(), ValueForm::kStrings);
  std::vector<std::string> expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string value = std::to_string(i);
    output_->EmitPair("key", value);
    expected.push_back("key=" + value);
  }
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_GT(result_.stats.spills, 1u);
  EXPECT_EQ(Records(), expected);
}

TEST_F(MapOutputTest, ACombinerSeesSpilledValuesAgain) {
  job_.combiner = [] { return std::make_unique<Join>(); };
  Collect();
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    output_->EmitPair("key", std::to_string(i));
    expected += (i == 0 ? "" : "+") + std::to_string(i);
  }
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_GT(result_.stats.spills, 1u);
  EXPECT_THAT(Records(), ElementsAre("key=" + expected));
}

// --- Progress: what takes long after the last record was read ---

TEST_F(MapOutputTest, WhatIsSpilledIsProgressAndSoIsTheFinalMerge) {
  Collect();
  for (int i = 0; i < 3000; ++i) output_->EmitPair("key", "value");
  const uint64_t spilled = hooks_.moved_records;
  EXPECT_GT(spilled, 1000u);
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_EQ(hooks_.moved_records, 2 * 3000u) << "the rest is spilled, then all is merged";
}

TEST_F(MapOutputTest, EachTotalOfTheFinalMergeIsProgress) {
  Aggregate(Aggregate::kSum);
  for (int i = 0; i < 3000; ++i) EmitNumber("key" + std::to_string(i), 1);
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_GT(result_.stats.spills, 1u);
  EXPECT_GE(hooks_.moved_records, 2 * 3000u) << "spilled and merged, and some in passes";
}

TEST_F(MapOutputTest, ACombinerIsAtProgressWithEachValueOfASpillAndOfTheFinalMerge) {
  // How often it took a value, and how often that was progress.
  uint64_t values = 0;
  uint64_t grown = 0;
  uint64_t before = 0;
  job_.combiner = [&] {
    return std::make_unique<Watcher>([&] {
      ++values;
      if (hooks_.moved_records > std::exchange(before, hooks_.moved_records)) ++grown;
    });
  };
  Collect();
  for (int i = 0; i < 3000; ++i) output_->EmitPair("key", "value");
  EXPECT_GT(values, 1000u);
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_EQ(values, 2 * 3000u);
  EXPECT_EQ(grown, values);
}

TEST_F(MapOutputTest, NothingGivesARunOfEmptyPartitions) {
  task_.partitions = 3;
  Aggregate(Aggregate::kSum);
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_EQ(ReadRunFooter(memory_, "/out/run")->partitions.size(), 3u);
  EXPECT_EQ(result_.stats.output_records, 0u);
}

TEST_F(MapOutputTest, ARunSurvivesACrashOnlyIfItIsToBeKept) {
  for (const bool keeps : {false, true}) {
    ASSERT_TRUE(memory_.SyncFolder("/out").ok());
    task_.keeps_output = keeps;
    Aggregate(Aggregate::kSum);
    EmitNumber("ant", 3);
    TaskResult result;
    ASSERT_TRUE(output_->Finish(&result).ok());
    memory_.Crash();
    const absl::StatusOr<FileInfo> run = memory_.Stat("/out/run");
    EXPECT_EQ(run.ok() && run->size > 0, keeps);
  }
}

TEST_F(MapOutputTest, AnOutputThatGoesWithoutFinishLeavesNoFile) {
  Collect();
  for (int i = 0; i < 3000; ++i) output_->EmitPair("key", "value");
  EXPECT_THAT(FilesIn("/temp"), ::testing::Not(IsEmpty()));  // it did spill
  output_ = nullptr;
  EXPECT_THAT(FilesIn("/temp"), IsEmpty());
  EXPECT_THAT(FilesIn("/out"), IsEmpty());
}

TEST_F(MapOutputTest, TheFirstErrorIsKeptAndLaterPairsAreDropped) {
  Collect();
  output_->EmitPair("small", "1");
  output_->EmitPair("large", std::string(2 * kMemory, 'v'));
  const absl::Status first = output_->status();
  EXPECT_EQ(first.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(first.message()), HasSubstr("a pair of 131077 bytes"));
  output_->EmitPair("larger", std::string(3 * kMemory, 'v'));
  EXPECT_EQ(output_->Finish(&result_), first);
  EXPECT_THAT(FilesIn("/out"), IsEmpty());
}

TEST_F(MapOutputTest, AFailedFinalRunLeavesNoFile) {
  Aggregate(Aggregate::kSum);
  EmitNumber("a", 1);
  fs_.FailNth(FileOperation::kWrite, 1, absl::ResourceExhaustedError("no space"));
  EXPECT_EQ(output_->Finish(&result_).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(FilesIn("/out"), IsEmpty());
}

TEST_F(MapOutputTest, AFailedRenameLeavesNoFile) {
  Aggregate(Aggregate::kSum);
  EmitNumber("a", 1);
  fs_.FailNth(FileOperation::kRename, 1, absl::PermissionDeniedError("no"));
  EXPECT_EQ(output_->Finish(&result_).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(FilesIn("/out"), IsEmpty());
}

TEST_F(MapOutputTest, ASpillLooksWhetherItIsStillWanted) {
  Collect();
  hooks_.cancelled = true;
  for (int i = 0; i < 3000; ++i) output_->EmitPair("key", "value");
  EXPECT_EQ(output_->status().code(), absl::StatusCode::kCancelled);
}

TEST_F(MapOutputTest, APartHasThePairsInTheOrderOfEmit) {
  output_ =
      std::make_unique<PartOutput>(*PartWriter::Create(&fs_, "/out/part", OutputShape()), &hooks_);
  output_->EmitPair("b", "1");
  output_->EmitPair("a", "2");
  ASSERT_TRUE(output_->Finish(&result_).ok());
  EXPECT_EQ(*ReadFile(memory_, "/out/part", /*max_bytes=*/100), "b\t1\na\t2\n");
  EXPECT_EQ(result_.digest, DigestOf("b\t1\na\t2\n"));
  EXPECT_EQ(result_.stats.output_bytes, 8u);
  EXPECT_EQ(result_.stats.output_records, 2u);
}

}  // namespace
}  // namespace millrace
