// Whole jobs through the engine, compared with the sequential oracle, with so little memory that
// they spill many times.
#include "worker/engine/inline_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "tests/oracle.h"
#include "worker/engine/failure.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

// --- Jobs ---

class WordMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
  }
};

// Emits each word with a number that depends on where it stands.
class NumberMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) {
      const size_t space = line.find(' ');
      if (space == std::string_view::npos) return;
      Emit(line.substr(0, space), std::stoll(std::string(line.substr(space + 1))));
    });
  }
};

// `key value` lines as pairs of strings.
class PairMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) {
      const size_t space = std::min(line.find(' '), line.size());
      Emit(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
    });
  }
};

class JoinReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string joined;
    for (; !input.done(); input.NextValue()) {
      joined.append(joined.empty() ? "" : ",").append(input.value());
    }
    Emit(std::string_view(joined));
  }
};

class SumReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    int64_t sum = 0;
    for (; !input.done(); input.NextValue()) sum += std::stoll(std::string(input.value()));
    Emit(sum);
  }
};

JobDescription WordCount() {
  JobDescription job;
  job.name = "wordcount";
  job.mapper = [] { return std::make_unique<WordMapper>(); };
  job.aggregate = Aggregate::kSum;
  return job;
}

JobDescription Fold(Aggregate aggregate) {
  JobDescription job;
  job.name = "fold";
  job.mapper = [] { return std::make_unique<NumberMapper>(); };
  job.aggregate = aggregate;
  return job;
}

JobDescription Join() {
  JobDescription job;
  job.name = "join";
  job.mapper = [] { return std::make_unique<PairMapper>(); };
  job.reducer = [] { return std::make_unique<JoinReducer>(); };
  return job;
}

// Word count without a declared aggregate.
JobDescription CombinedWordCount() {
  JobDescription job;
  job.name = "combined";
  job.mapper = [] { return std::make_unique<WordMapper>(); };
  job.reducer = [] { return std::make_unique<SumReducer>(); };
  job.combiner = [] { return std::make_unique<SumReducer>(); };
  return job;
}

// --- A world to run them in ---

struct Shape {
  uint64_t split_bytes = 64 << 20;
  uint32_t reducers = 3;
  uint64_t memory_bytes = 512 << 20;
  bool fetch = false;
  InputFormat format = InputFormat::kLines;
  std::vector<std::string> split_keys;  // of a total order
};

struct Output {
  std::vector<std::string> parts;  // contents
  InlineResult result;

  // All lines, in byte order.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const std::string& part : parts) {
      const std::vector<std::string> of_part = LinesOf(part);
      lines.insert(lines.end(), of_part.begin(), of_part.end());
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  uint64_t Spills() const {
    uint64_t spills = 0;
    for (const TaskResult& map : result.maps) spills += map.stats.spills;
    return spills;
  }

  static std::vector<std::string> LinesOf(const std::string& part) {
    std::vector<std::string> lines;
    for (size_t begin = 0; begin < part.size();) {
      const size_t end = part.find('\n', begin);
      lines.push_back(part.substr(begin, end - begin));
      begin = end + 1;
    }
    return lines;
  }
};

class World {
 public:
  explicit World(const std::vector<std::string>& files) {
    for (const char* folder : {"/in", "/out", "/scratch"}) {
      EXPECT_TRUE(fs.CreateFolders(folder).ok());
    }
    for (size_t i = 0; i < files.size(); ++i) {
      const std::string path = "/in/" + std::string(1, static_cast<char>('a' + i));
      EXPECT_TRUE(WriteFileAtomically(fs, path, files[i]).ok());
      const auto info = fs.Stat(path);
      EXPECT_TRUE(info.ok());
      inputs.push_back({path, info->size, info->mtime_ns});
    }
  }

  absl::StatusOr<Output> Run(JobDescription job, const Shape& shape,
                             const InlineJobRunner::TaskObserver& observer = nullptr) {
    job.input.format = shape.format;
    InlineOptions options;
    options.reducers = shape.reducers;
    options.split_keys = shape.split_keys;
    options.memory_bytes = shape.memory_bytes;
    options.scratch_folder = "/scratch";
    options.part_path = [](uint32_t index) { return "/out/part-" + std::to_string(index); };
    options.fetch = shape.fetch;
    const std::vector<InputSplit> splits = MakeSplits(inputs, shape.split_bytes, shape.format);
    auto result = InlineJobRunner(job, &fs, options).Run(splits, observer);
    if (!result.ok()) return result.status();
    Output output;
    const size_t parts = shape.reducers == 0 ? splits.size() : shape.reducers;
    for (size_t p = 0; p < parts; ++p) {
      auto part = ReadFile(fs, options.part_path(p), /*max_bytes=*/1 << 30);
      if (!part.ok()) return part.status();
      output.parts.push_back(*std::move(part));
    }
    output.result = *std::move(result);
    return output;
  }

  MemoryFileSystem fs;
  std::vector<InputFile> inputs;
};

std::vector<std::string> MustRun(World& world, const JobDescription& job, const Shape& shape) {
  auto output = world.Run(job, shape);
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? output->Lines() : std::vector<std::string>();
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> CountWords(const std::vector<std::string>& files) {
  return Sorted(oracle::SequentialRun(files, oracle::EachWordOnce, oracle::CountOfValues));
}

// Text of `words` words, some of 15 and 16 bytes, some much longer, many of them distinct.
std::string ManyWords(int words) {
  std::string text;
  uint64_t state = 1;
  for (int i = 0; i < words; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t number = (state >> 33) % 5000;
    std::string word = "w" + std::to_string(number);
    const size_t lengths[] = {1, 8, 15, 16, 17, 40, 200};
    word.resize(std::max(word.size(), lengths[number % 7]), 'x');
    text += word + (i % 9 == 8 ? "\n" : " ");
  }
  return text;
}

// --- Word count ---

TEST(EngineTest, CountsWords) {
  World world({"to be or\nnot to be\n"});
  EXPECT_EQ(MustRun(world, WordCount(), Shape()),
            (std::vector<std::string>{"be\t2", "not\t1", "or\t1", "to\t2"}));
}

TEST(EngineTest, EveryPartIsThereAndSorted) {
  World world({ManyWords(3000)});
  Shape shape;
  shape.reducers = 7;
  auto output = world.Run(WordCount(), shape);
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_EQ(output->parts.size(), 7u);
  for (const std::string& part : output->parts) {
    const std::vector<std::string> lines = Output::LinesOf(part);
    EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  }
}

TEST(EngineTest, NoInputGivesEmptyParts) {
  World world({""});
  auto output = world.Run(WordCount(), Shape());
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->parts, std::vector<std::string>(3));
}

TEST(EngineTest, ManySpillsGiveTheSameDigests) {
  World world({ManyWords(20000)});
  Shape roomy;
  Shape tiny;
  tiny.memory_bytes = 64 << 10;
  auto expected = world.Run(WordCount(), roomy);
  auto output = world.Run(WordCount(), tiny);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(expected->Spills(), 0u);
  EXPECT_GT(output->Spills(), 10u);
  EXPECT_EQ(output->Lines(), CountWords({ManyWords(20000)}));
  EXPECT_EQ(output->result.maps[0].digest, expected->result.maps[0].digest);
  EXPECT_EQ(output->parts, expected->parts);
}

TEST(EngineTest, FetchedPartitionsGiveTheSameOutput) {
  World world({ManyWords(5000), ManyWords(700)});
  Shape shape;
  shape.split_bytes = 10000;
  const auto in_place = MustRun(world, WordCount(), shape);
  shape.fetch = true;
  EXPECT_EQ(MustRun(world, WordCount(), shape), in_place);
}

TEST(EngineTest, KeysMayHoldAnyByte) {
  const char bytes[] = "a\0 a a\0\0 \xff\xfe \xc3 exactly15bytes_ exactly16bytes__ a\0";
  const std::string text(bytes, sizeof(bytes));
  World world({text});
  EXPECT_EQ(MustRun(world, WordCount(), Shape()), CountWords({text}));
}

// --- Other aggregates ---

TEST(EngineTest, AggregatesHandleNegativeNumbersAndExtremes) {
  const std::string text = "a -5\na 3\nb -9223372036854775808\nb 9223372036854775807\nc 0\na -7\n";
  World world({text});
  using Lines = std::vector<std::string>;
  EXPECT_EQ(MustRun(world, Fold(Aggregate::kSum), Shape()), (Lines{"a\t-9", "b\t-1", "c\t0"}));
  EXPECT_EQ(MustRun(world, Fold(Aggregate::kMin), Shape()),
            (Lines{"a\t-7", "b\t-9223372036854775808", "c\t0"}));
  EXPECT_EQ(MustRun(world, Fold(Aggregate::kMax), Shape()),
            (Lines{"a\t3", "b\t9223372036854775807", "c\t0"}));
  EXPECT_EQ(MustRun(world, Fold(Aggregate::kCount), Shape()), (Lines{"a\t3", "b\t2", "c\t1"}));
}

TEST(EngineTest, AReducerSeesTheTotalOfAnAggregate) {
  JobDescription job = WordCount();
  job.reducer = [] { return std::make_unique<JoinReducer>(); };
  World world({"x y x"});
  EXPECT_EQ(MustRun(world, job, Shape()), (std::vector<std::string>{"x\t2", "y\t1"}));
}

// --- Byte strings ---

TEST(EngineTest, ValuesComeInSplitAndPositionOrder) {
  std::string text;
  for (int i = 0; i < 4000; ++i) {
    text += "key" + std::to_string(i % 5) + " " + std::to_string(i) + "\n";
  }
  World world({text});
  const auto expected = oracle::SequentialRun(
      {text},
      [](const std::string& line, const oracle::Emit& emit) {
        emit(line.substr(0, 4), line.substr(5));
      },
      [](const std::string&, const std::vector<std::string>& values) {
        std::string joined;
        for (const std::string& value : values) joined += (joined.empty() ? "" : ",") + value;
        return joined;
      });
  Shape shape;
  shape.split_bytes = 9000;
  shape.memory_bytes = 16 << 10;
  auto output = world.Run(Join(), shape);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_GT(output->Spills(), output->result.maps.size());
  EXPECT_EQ(output->Lines(), Sorted(expected));
}

TEST(EngineTest, ACombinerDoesNotChangeTheResult) {
  World world({ManyWords(8000)});
  JobDescription plain = CombinedWordCount();
  plain.combiner = nullptr;
  Shape shape;
  shape.memory_bytes = 64 << 10;
  const auto expected = CountWords({ManyWords(8000)});
  EXPECT_EQ(MustRun(world, plain, shape), expected);
  EXPECT_EQ(MustRun(world, CombinedWordCount(), shape), expected);
  shape.memory_bytes = 512 << 20;
  EXPECT_EQ(MustRun(world, CombinedWordCount(), shape), expected);
}

// Folds the values of each key of a partition, and writes all sums in the end.
class SumsInTheEnd : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    int64_t sum = 0;
    for (; !input.done(); input.NextValue()) sum += std::stoll(std::string(input.value()));
    sums_.emplace_back(input.key(), sum);
  }
  void Finish() override {
    for (const auto& [key, sum] : sums_) Emit(key, std::to_string(sum));
  }

 private:
  std::vector<std::pair<std::string, int64_t>> sums_;
};

TEST(EngineTest, ACombinerThatLagsDoesNotChangeTheResult) {
  World world({ManyWords(8000)});
  JobDescription job = CombinedWordCount();
  job.combiner = [] { return std::make_unique<SumsInTheEnd>(); };
  job.combiner_lags = true;
  const auto expected = CountWords({ManyWords(8000)});
  Shape shape;
  shape.memory_bytes = 64 << 10;  // spills, which are combined when they are merged, too
  EXPECT_EQ(MustRun(world, job, shape), expected);
  shape.memory_bytes = 512 << 20;
  EXPECT_EQ(MustRun(world, job, shape), expected);
}

// Each line goes to the part that it names.
class Placer : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) { EmitTo(line[0] - '0', line, "x"); });
  }
};

TEST(EngineTest, AMapperMayChooseTheParts) {
  JobDescription job = Join();
  job.mapper = [] { return std::make_unique<Placer>(); };
  World world({"2b\n0\n2a\n"});
  Shape shape;
  shape.reducers = 3;
  auto output = world.Run(job, shape);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->parts, (std::vector<std::string>{"0\tx\n", "", "2a\tx\n2b\tx\n"}));
  shape.reducers = 2;
  EXPECT_THAT(std::string(world.Run(job, shape).status().message()), HasSubstr("part 2 of 2"));
}

TEST(EngineTest, InATotalOrderThePartsFollowEachOther) {
  World world({"d 1\na 2\nb 3\n", "c 4\nb 5\n0 6\n"});
  Shape shape;
  shape.split_keys = {"b", "d"};
  for (const uint64_t memory : {uint64_t{512} << 20, uint64_t{64} << 10}) {
    shape.memory_bytes = memory;
    auto output = world.Run(Join(), shape);
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ(output->parts,
              (std::vector<std::string>{"0\t6\na\t2\n", "b\t3,5\nc\t4\n", "d\t1\n"}));
  }
  JobDescription job = Join();
  job.mapper = [] { return std::make_unique<Placer>(); };
  EXPECT_THAT(std::string(world.Run(job, shape).status().message()),
              HasSubstr("the order chooses the part"));
}

TEST(EngineTest, OutputMayBeValuesAlone) {
  JobDescription job = Join();
  job.output.keys = false;
  World world({"b 1\na 2\n"});
  Shape shape;
  shape.reducers = 1;
  auto output = world.Run(job, shape);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->parts, std::vector<std::string>{"2\n1\n"});
  job.map_only = true;
  job.reducer = nullptr;
  shape.reducers = 0;
  EXPECT_EQ(world.Run(job, shape)->parts, std::vector<std::string>{"1\n2\n"});
}

TEST(EngineTest, AMapOnlyJobWritesPairsInTheOrderOfEmit) {
  JobDescription job = Join();
  job.reducer = nullptr;
  job.allows_map_only = true;
  World world({"b 1\na 2\nb 3\n"});
  Shape shape;
  shape.reducers = 0;
  auto output = world.Run(job, shape);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->parts, std::vector<std::string>{"b\t1\na\t2\nb\t3\n"});
}

// --- Failures ---

TEST(EngineTest, NothingIsLeftBehind) {
  World world({ManyWords(3000)});
  Shape shape;
  shape.memory_bytes = 64 << 10;
  ASSERT_TRUE(world.Run(WordCount(), shape).ok());
  EXPECT_TRUE(world.fs.List("/scratch")->empty());
  EXPECT_EQ(world.fs.List("/out")->size(), 3u);
}

TEST(EngineTest, TheWrongFormOfEmitFailsTheAttempt) {
  JobDescription job = WordCount();
  job.mapper = [] { return std::make_unique<PairMapper>(); };
  World world({"a b\n"});
  const absl::Status status = world.Run(job, Shape()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("map-00000"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("string value"));
}

TEST(EngineTest, APartitionerOutOfRangeFailsTheAttempt) {
  class Beyond : public Partitioner {
   public:
    uint32_t Partition(std::string_view, uint32_t parts) const override { return parts; }
  };
  for (JobDescription job : {WordCount(), Join()}) {
    job.partitioner = [] { return std::make_unique<Beyond>(); };
    World world({"a b\n"});
    const absl::Status status = world.Run(job, Shape()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("returned part 3 of 3"));
  }
}

TEST(EngineTest, ACombinerThatChangesTheKeyFailsTheAttempt) {
  class Renamer : public Reducer {
   public:
    void Reduce(ReduceInput& input) override { Emit("other", "1"); }
  };
  JobDescription job = CombinedWordCount();
  job.combiner = [] { return std::make_unique<Renamer>(); };
  World world({"a b\n"});
  const absl::Status status = world.Run(job, Shape()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("must keep the key"));
}

TEST(EngineTest, AnInputThatChangedIsAPrecondition) {
  World world({"a b\n"});
  ASSERT_TRUE(WriteFileAtomically(world.fs, "/in/a", "longer than before").ok());
  EXPECT_EQ(world.Run(WordCount(), Shape()).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(world.fs.RemoveFile("/in/a").ok());
  EXPECT_EQ(world.Run(WordCount(), Shape()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(EngineTest, CancellingEndsTheTask) {
  World world({"a b\n"});
  const auto cancel_reduces = [](StageKind kind, uint32_t, TaskHooks& hooks) {
    hooks.cancelled = kind == StageKind::kReduce;
  };
  EXPECT_EQ(world.Run(WordCount(), Shape(), cancel_reduces).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_TRUE(world.fs.List("/out")->empty());
}

TEST(EngineTest, WhatTheMapperThrowsComesOutAndLeavesNothing) {
  class Thrower : public Mapper {
   public:
    void Map(const MapInput& input) override {
      input.ForEachWord([this](std::string_view word) {
        Emit(word, 1);
        if (word == "bad") throw std::runtime_error("bad word");
      });
    }
  };
  JobDescription job = WordCount();
  job.mapper = [] { return std::make_unique<Thrower>(); };
  World world({"good\nbad\n"});
  EXPECT_THROW(world.Run(job, Shape()).IgnoreError(), std::runtime_error);
  EXPECT_TRUE(world.fs.List("/scratch")->empty());
}

TEST(EngineTest, CountersAreSummedOverTasks) {
  class Counting : public Mapper {
   public:
    void Map(const MapInput& input) override {
      input.ForEachLine([this](std::string_view) { GetCounter("lines", "seen")->Increment(); });
    }
  };
  JobDescription job = WordCount();
  job.mapper = [] { return std::make_unique<Counting>(); };
  World world({"1\n2\n3\n4\n5\n"});
  Shape shape;
  shape.split_bytes = 4;
  auto output = world.Run(job, shape);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->result.counters.at("lines/seen"), 5);
}

// --- Properties ---

rc::Gen<std::string> AnyText() {
  // Few different bytes, so that words repeat; spaces, line ends, NUL and broken UTF-8 among them.
  return rc::gen::container<std::string>(
      rc::gen::element('a', 'b', 'c', ' ', ' ', '\n', '\r', '\0', '\xc3', '\xa9', 'L'));
}

Shape AnyShape() {
  Shape shape;
  shape.split_bytes = *rc::gen::inRange<uint64_t>(1, 100);
  shape.reducers = *rc::gen::inRange<uint32_t>(1, 6);
  shape.memory_bytes = *rc::gen::inRange<uint64_t>(2000, 20000);
  shape.fetch = *rc::gen::arbitrary<bool>();
  return shape;
}

RC_GTEST_PROP(EngineProperty, WordCountEqualsTheOracle, ()) {
  const auto files = *rc::gen::container<std::vector<std::string>>(3, AnyText());
  World world(files);
  const auto output = world.Run(WordCount(), AnyShape());
  RC_ASSERT(output.ok());
  RC_ASSERT(output->Lines() == CountWords(files));
}

RC_GTEST_PROP(EngineProperty, TheCollectorEqualsTheOracle, ()) {
  const auto files = *rc::gen::container<std::vector<std::string>>(3, AnyText());
  World world(files);
  const auto output = world.Run(CombinedWordCount(), AnyShape());
  RC_ASSERT(output.ok());
  RC_ASSERT(output->Lines() == CountWords(files));
}

// --- Totals that become values ---

// Folds each word into a set of files, which becomes their names.
class FilesMapper : public Mapper {
 public:
  explicit FilesMapper(size_t files_max) : files_max_(files_max) {}
  void Map(const MapInput& input) override {
    const std::string name(input.file().substr(input.file().rfind('/') + 1));
    if (files_.empty() || files_.back() != name) {
      if (files_.size() == files_max_) {
        EmitTotals();
        files_.clear();
      }
      files_.push_back(name);
    }
    const int64_t bit = int64_t{1} << (files_.size() - 1);
    input.ForEachWord([this, bit](std::string_view word) { Emit(word, bit); });
  }
  std::string_view ValueOfTotal(int64_t bits) override {
    names_.clear();
    for (size_t i = 0; i < files_.size(); ++i) {
      if ((bits >> i & 1) != 0) names_ += files_[i];
    }
    return names_;
  }

 private:
  const size_t files_max_;
  std::vector<std::string> files_;
  std::string names_;
};

class JoinedReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string all;
    for (; !input.done(); input.NextValue()) all.append(input.value());
    Emit(all);
  }
};

TEST(TotalsTest, BecomeValuesBeforeTheyAreSorted) {
  for (const size_t files_max : {64, 1}) {  // with 1, totals end with each file
    World world({"ant bee ant\n", "bee a-word-of-more-than-15-bytes\n",
                 "ant a-word-of-more-than-15-bytes\n"});
    JobDescription job;
    job.mapper = [files_max] { return std::make_unique<FilesMapper>(files_max); };
    job.aggregate = Aggregate::kBitOr;
    job.totals_become_values = true;
    job.reducer = [] { return std::make_unique<JoinedReducer>(); };
    Shape shape;
    shape.reducers = 1;
    const absl::StatusOr<Output> output = world.Run(job, shape);
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ(output->parts[0], "a-word-of-more-than-15-bytes\tbc\nant\tac\nbee\tab\n");
  }
}

}  // namespace
}  // namespace millrace
