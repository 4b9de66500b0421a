// Whole jobs that order the values of their keys, with so little memory that they spill many times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "worker/engine/inline_runner.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

// Lines `key<TAB>value`.
class PairMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) {
      const size_t tab = std::min(line.find('\t'), line.size());
      Emit(line.substr(0, tab), line.substr(std::min(tab + 1, line.size())));
    });
  }
};

class JoinReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string joined;
    for (; !input.done(); input.NextValue()) joined.append(input.value()).append(";");
    Emit(joined);
  }
};

class FirstReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override { Emit(input.value()); }
};

JobDescription Job() {
  JobDescription job;
  job.name = "ordered";
  job.mapper = [] { return std::make_unique<PairMapper>(); };
  job.reducer = [] { return std::make_unique<JoinReducer>(); };
  return job;
}

JobDescription SortedValues() {
  JobDescription job = Job();
  job.sort_values = true;
  return job;
}

JobDescription Fields(uint32_t key_fields, uint32_t sort_fields) {
  JobDescription job = Job();
  job.key_fields = key_fields;
  job.sort_fields = sort_fields;
  return job;
}

struct Shape {
  uint32_t reducers = 1;
  uint64_t split_bytes = 64 << 20;
  uint64_t memory_bytes = 512 << 20;
  bool fetch = false;
};

struct Output {
  std::vector<std::string> parts;
  uint64_t spills = 0;
};

absl::StatusOr<Output> RunJob(const JobDescription& job, const std::string& text,
                              const Shape& shape) {
  MemoryFileSystem fs;
  for (const char* folder : {"/in", "/out", "/scratch"}) EXPECT_TRUE(fs.CreateFolders(folder).ok());
  EXPECT_TRUE(WriteFileAtomically(fs, "/in/text", text).ok());
  const auto info = fs.Stat("/in/text");
  InlineOptions options;
  options.reducers = shape.reducers;
  options.memory_bytes = shape.memory_bytes;
  options.fetch = shape.fetch;
  options.scratch_folder = "/scratch";
  options.part_path = [](uint32_t index) { return "/out/part-" + std::to_string(index); };
  InputFile file;
  file.path = "/in/text";
  file.size = info->size;
  const auto splits = MakeSplits({file}, shape.split_bytes, InputFormat::kLines);
  auto result = InlineJobRunner(job, &fs, options).Run(splits);
  if (!result.ok()) return result.status();
  Output output;
  for (const TaskResult& map : result->maps) output.spills += map.stats.spills;
  for (uint32_t p = 0; p < shape.reducers; ++p) {
    output.parts.push_back(*ReadFile(fs, options.part_path(p), /*max_bytes=*/1 << 30));
  }
  return output;
}

std::vector<std::string> Parts(const JobDescription& job, const std::string& text,
                               const Shape& shape = Shape()) {
  const absl::StatusOr<Output> output = RunJob(job, text, shape);
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? output->parts : std::vector<std::string>();
}

TEST(ValueOrderTest, ValuesReachTheReducerInByteOrder) {
  EXPECT_THAT(Parts(SortedValues(), "b\t2\na\t9\nb\t10\na\t\nb\t2\n"),
              ElementsAre("a\t;9;\nb\t10;2;2;\n"));
}

TEST(ValueOrderTest, WithoutAReducerPairsAreSortedByKeyThenValue) {
  JobDescription job = SortedValues();
  job.reducer = nullptr;
  EXPECT_THAT(Parts(job, "b\t2\na\t9\nb\t10\na\t\n"), ElementsAre("a\t\na\t9\nb\t10\nb\t2\n"));
}

TEST(ValueOrderTest, FieldsAreKeyAndOrder) {
  EXPECT_THAT(Parts(Fields(1, 2), "a\t2\tx\nb\t1\ty\na\t1\tz\na\t2\ta\n"),
              ElementsAre("a\t1\tz;2\tx;2\ta;\nb\t1\ty;\n"));
}

TEST(ValueOrderTest, ValuesThatNobodyReadsAreSkipped) {
  JobDescription job = Fields(1, 2);
  job.reducer = [] { return std::make_unique<FirstReducer>(); };
  EXPECT_THAT(Parts(job, "b\t3\nb\t1\na\t2\nb\t2\n"), ElementsAre("a\t2\nb\t1\n"));
}

TEST(ValueOrderTest, AMappersOwnPartsStay) {
  class Placer : public Mapper {
   public:
    void Map(const MapInput& input) override {
      input.ForEachLine([this](std::string_view line) { EmitTo(line[0] - '0', line, line); });
    }
  };
  JobDescription job = SortedValues();
  job.mapper = [] { return std::make_unique<Placer>(); };
  Shape shape;
  shape.reducers = 2;
  EXPECT_THAT(Parts(job, "1\n0\n", shape), ElementsAre("0\t0;\n", "1\t1;\n"));
}

TEST(ValueOrderTest, ThePartitionerSeesTheKeyAlone) {
  class ByLength : public Partitioner {
   public:
    uint32_t Partition(std::string_view key, uint32_t parts) const override {
      return static_cast<uint32_t>(key.size()) % parts;
    }
  };
  JobDescription job = Fields(1, 2);
  job.partitioner = [] { return std::make_unique<ByLength>(); };
  Shape shape;
  shape.reducers = 2;
  EXPECT_THAT(Parts(job, "ab\t2\nabc\t1\nab\t1\n", shape), ElementsAre("ab\t1;2;\n", "abc\t1;\n"));
}

// --- Many maps and spills ---

// Each key's values, in the order of `less` and else in that of the input, as JoinReducer joins
// them.
template <typename Less>
std::map<std::string, std::string> Expected(const std::string& text, Less less) {
  std::map<std::string, std::vector<std::string>> values;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const size_t tab = text.find('\t', begin);
    values[text.substr(begin, tab - begin)].push_back(text.substr(tab + 1, end - tab - 1));
    begin = end + 1;
  }
  std::map<std::string, std::string> joined;
  for (auto& [key, of_key] : values) {
    std::stable_sort(of_key.begin(), of_key.end(), less);
    for (const std::string& value : of_key) joined[key] += value + ";";
  }
  return joined;
}

// All keys of all parts; each may be in one part only.
std::map<std::string, std::string> Reduced(const std::vector<std::string>& parts) {
  std::map<std::string, std::string> reduced;
  for (const std::string& part : parts) {
    std::string last;
    for (size_t begin = 0; begin < part.size();) {
      const size_t end = part.find('\n', begin);
      const size_t tab = part.find('\t', begin);
      const std::string key = part.substr(begin, tab - begin);
      EXPECT_LT(last, key) << "out of order, or twice";
      EXPECT_TRUE(reduced.emplace(key, part.substr(tab + 1, end - tab - 1)).second) << key;
      last = key;
      begin = end + 1;
    }
  }
  return reduced;
}

// Keys and values of all lengths, with few distinct ones among them.
std::string ManyLines() {
  std::string text;
  uint64_t state = 1;
  for (int i = 0; i < 9000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t number = state >> 33;
    text += "k" + std::to_string(number % 41) + std::string(number % 3 * 9, 'x') + "\t" +
            std::to_string(number / 41 % 97) + "\t" + std::to_string(i) + "\n";
  }
  return text;
}

std::string FirstField(const std::string& value) { return value.substr(0, value.find('\t')); }

TEST(ValueOrderTest, ManyMapsAndSpillsChangeNothing) {
  const std::string text = ManyLines();
  Shape shape;
  shape.reducers = 3;
  shape.split_bytes = 60000;
  shape.memory_bytes = 64 << 10;
  const auto by_value = [](const std::string& a, const std::string& b) { return a < b; };
  const auto by_field = [](const std::string& a, const std::string& b) {
    return FirstField(a) < FirstField(b);
  };
  for (const bool fetch : {false, true}) {
    shape.fetch = fetch;
    const absl::StatusOr<Output> values = RunJob(SortedValues(), text, shape);
    ASSERT_TRUE(values.ok()) << values.status();
    EXPECT_GT(values->spills, 5u);
    EXPECT_EQ(Reduced(values->parts), Expected(text, by_value));
    const absl::StatusOr<Output> fields = RunJob(Fields(1, 2), text, shape);
    ASSERT_TRUE(fields.ok()) << fields.status();
    EXPECT_GT(fields->spills, 5u);
    EXPECT_EQ(Reduced(fields->parts), Expected(text, by_field));
  }
}

RC_GTEST_PROP(ValueOrderProperty, TheOutputIsThatOfOneSplitInMemory, ()) {
  const auto line = rc::gen::container<std::string>(rc::gen::element('\0', '\x01', '\t', 'a', 'b'));
  std::string text;
  for (const std::string& each : *rc::gen::container<std::vector<std::string>>(line)) {
    text += each + "\n";
  }
  const auto key_fields = *rc::gen::inRange<uint32_t>(1, 3);
  JobDescription job = Fields(key_fields, key_fields + *rc::gen::inRange<uint32_t>(0, 3));
  job.output.escape = true;
  Shape shape;
  shape.split_bytes = *rc::gen::inRange<uint64_t>(20, 200);
  shape.memory_bytes = *rc::gen::inRange<uint64_t>(2000, 20000);
  shape.fetch = *rc::gen::arbitrary<bool>();
  RC_ASSERT(Parts(job, text, shape) == Parts(job, text));
}

}  // namespace
}  // namespace millrace
