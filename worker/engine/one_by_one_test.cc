// Maps that get their records one by one: which of them a mapper sees, and where a failure is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mapreduce/letters.h"
#include "storage/memory_file_system.h"
#include "worker/engine/map_runner.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

// Calls a function for each chunk.
class ChunkMapper : public Mapper {
 public:
  using Action = std::function<void(ChunkMapper&, const MapInput&)>;
  explicit ChunkMapper(Action action) : action_(std::move(action)) {}
  void Map(const MapInput& input) override { action_(*this, input); }
  using Mapper::Emit;
  using Mapper::Fail;

 private:
  const Action action_;
};

void EmitLines(ChunkMapper& mapper, const MapInput& input) {
  input.ForEachLine([&](std::string_view line) { mapper.Emit(line, 1); });
}

void EmitWords(ChunkMapper& mapper, const MapInput& input) {
  input.ForEachWord([&](std::string_view word) { mapper.Emit(word, 1); });
}

void EmitLetters(ChunkMapper& mapper, const MapInput& input) {
  ForEachLetterRun(input, [&](std::string_view word) { mapper.Emit(word, 1); });
}

class OneByOneTest : public ::testing::Test {
 protected:
  OneByOneTest() {
    for (const char* folder : {"/in", "/out", "/temp"}) EXPECT_TRUE(fs_.CreateFolders(folder).ok());
    task_.task = {JobId(3), /*stage=*/0, /*index=*/12};
    task_.attempt = {Epoch(1), 17};
    task_.partitions = 0;  // a text part shows every pair in its order
    task_.output_path = "/out/part";
    task_.temp_folder = "/temp";
    job_.name = "test";
    hooks_.cursor_page = &page_;
    MapWith(EmitLines);
  }

  void MapWith(const ChunkMapper::Action& action) {
    job_.mapper = [action] { return std::make_unique<ChunkMapper>(action); };
  }

  // Adds the whole of a new file to the split.
  void Input(const std::string& path, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(fs_, path, text).ok());
    const auto info = fs_.Stat(path);
    task_.split.push_back({{path, info->size, info->mtime_ns}, 0, info->size});
  }

  absl::Status RunMap() {
    return MapRunner(job_, &fs_, MapRunnerOptions()).Run(task_, hooks_).status();
  }
  // What comes out, as it was read: in one way or the other.
  std::string OutputInChunks() {
    task_.one_by_one = false;
    task_.skip.clear();
    return Output();
  }
  std::string OutputWithout(const std::vector<InputRecord>& skip) {
    task_.one_by_one = true;
    task_.skip = skip;
    return Output();
  }
  std::string Output() {
    const absl::Status status = RunMap();
    EXPECT_TRUE(status.ok()) << status;
    return ReadFile(fs_, "/out/part", 100 << 20).value_or("no output");
  }

  // Takes away each line of `text` in turn, and compares with the run on what is left.
  void SkipEachLineOf(const std::string& text) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t found = text.find('\n', begin);
      const size_t end = found == std::string::npos ? text.size() : found + 1;
      task_.split.clear();
      Input("/in/rest", text.substr(0, begin) + text.substr(end));
      const std::string expected = OutputInChunks();
      task_.split.clear();
      Input("/in/text", text);
      EXPECT_EQ(OutputWithout({{"/in/text", begin, end - begin}}), expected) << "without " << begin;
      begin = end;
    }
  }

  MemoryFileSystem fs_;
  JobDescription job_;
  MapTask task_;
  TaskHooks hooks_;
  CursorPage page_;
};

TEST_F(OneByOneTest, TheOutputIsThatOfChunks) {
  Input("/in/a", "one\ntwo words\n\n\r\nthree");
  Input("/in/b", "\n\nfour\n");
  for (const auto& action : {EmitLines, EmitWords, EmitLetters}) {
    MapWith(action);
    EXPECT_EQ(OutputWithout({}), OutputInChunks());
  }
}

TEST_F(OneByOneTest, ExactlyTheSkippedLineIsMissing) {
  for (const auto& action : {EmitLines, EmitWords, EmitLetters}) {
    MapWith(action);
    SkipEachLineOf("first line\nsecond\n\n\r\nsame\nsame\nlast line\n");
    SkipEachLineOf("first line\nno end");
    SkipEachLineOf("only");
    SkipEachLineOf("\n");
  }
}

TEST_F(OneByOneTest, SeveralAreMissingAndAnythingElseIsThere) {
  Input("/in/a", "one\ntwo\nthree\n");
  Input("/in/b", "one\ntwo\nthree\n");
  EXPECT_EQ(OutputWithout({{"/in/a", 0, 4}, {"/in/b", 4, 4}, {"/in/b", 8, 6}}),
            "two\t1\nthree\t1\none\t1\n");
  EXPECT_EQ(OutputWithout({{"/in/c", 0, 4}, {"/in/a", 1, 3}}), OutputWithout({}))
      << "neither is a record here";
}

TEST_F(OneByOneTest, LinesAtTheBordersOfChunksAreCutLikeOthers) {
  std::string text;
  std::vector<InputRecord> lines;
  for (int i = 0; text.size() < (2 << 20) + 1000; ++i) {
    const std::string line = std::to_string(i) + std::string(i % 97, 'x') + "\n";
    lines.push_back({"/in/text", text.size(), line.size()});
    text += line;
  }
  Input("/in/text", text);
  std::vector<uint64_t> borders;
  MapWith([&borders](ChunkMapper&, const MapInput& input) { borders.push_back(input.offset()); });
  OutputInChunks();
  ASSERT_GE(borders.size(), 3u);

  std::vector<InputRecord> skip;  // the last line of a chunk, and the first of the next
  std::string expected;
  for (const InputRecord& line : lines) {
    bool at_border = false;
    for (uint64_t border : borders) {
      at_border |= border > 0 && (line.offset == border || line.offset + line.bytes == border);
    }
    if (at_border) {
      skip.push_back(line);
    } else {
      expected += text.substr(line.offset, line.bytes - 1) + "\t1\n";
    }
  }
  EXPECT_EQ(skip.size(), 2 * (borders.size() - 1));
  MapWith(EmitLines);
  EXPECT_TRUE(OutputWithout(skip) == expected);
}

TEST_F(OneByOneTest, ALineIsSkippedByTheSplitInWhichItBegins) {
  Input("/in/text", "one\ntwo\nthree\n");
  const InputRecord two{"/in/text", 4, 4};
  task_.split[0].length = 6;  // ends inside of "two"
  EXPECT_EQ(OutputWithout({two}), "one\t1\n");
  task_.split[0].offset = 6;
  task_.split[0].length = 8;
  EXPECT_EQ(OutputWithout({two}), "three\t1\n");
}

TEST_F(OneByOneTest, AWholeFileIsOneRecord) {
  task_.shape.format = InputFormat::kWholeFile;
  MapWith([](ChunkMapper& mapper, const MapInput& input) {
    input.ForEachRecord([&](std::string_view record) { mapper.Emit(record.substr(0, 3), 1); });
  });
  Input("/in/a", "one\ntwo\n");
  Input("/in/b", "bad\n");
  EXPECT_EQ(OutputWithout({}), "one\t1\nbad\t1\n");
  EXPECT_EQ(OutputWithout({{"/in/b", 0, 4}}), "one\t1\n");
  EXPECT_EQ(OutputWithout({{"/in/a", 4, 4}}), "one\t1\nbad\t1\n") << "the record begins at 0";
}

TEST_F(OneByOneTest, EachRecordIsProgressAsSoonAsItIsDone) {
  std::vector<uint64_t> bytes;
  std::vector<uint64_t> records;
  MapWith([&](ChunkMapper&, const MapInput&) {
    bytes.push_back(hooks_.progress_bytes);
    records.push_back(hooks_.progress_records);
  });
  Input("/in/text", "one\ntwo words\nskipped\nlast");
  OutputWithout({{"/in/text", 14, 8}});
  EXPECT_THAT(bytes, ElementsAre(0, 4, 22));
  EXPECT_THAT(records, ElementsAre(0, 1, 3));
  EXPECT_EQ(hooks_.progress_bytes, 26u);
  EXPECT_EQ(hooks_.progress_records, 4u);
}

TEST_F(OneByOneTest, AllMayBeSkipped) {
  Input("/in/text", "one\ntwo\n");
  EXPECT_EQ(OutputWithout({{"/in/text", 0, 4}, {"/in/text", 4, 4}}), "");
}

// Where the cursor page says that the mapper failed.
class FailingTest : public OneByOneTest {
 protected:
  FailingTest() { Input("/in/text", "one\nanother line of words\nbad word\nlast\n"); }

  // Throws when it sees the word, as mappers do that walk in another way.
  InputRecord RecordAtFailure(const ChunkMapper::Action& action) {
    MapWith(action);
    EXPECT_THROW(RunMap().IgnoreError(), std::runtime_error);
    return page_.Record();
  }

  static void ThrowAt(std::string_view text) {
    if (text.find("bad") != text.npos) throw std::runtime_error("a bad word");
  }
  static void WalkLines(ChunkMapper&, const MapInput& input) { input.ForEachLine(ThrowAt); }
  static void WalkWords(ChunkMapper&, const MapInput& input) { input.ForEachWord(ThrowAt); }
  static void LookAtAll(ChunkMapper&, const MapInput& input) { ThrowAt(input.data()); }
};

TEST_F(FailingTest, TheRecordIsExactWhateverTheMapperDoesWithItsChunk) {
  task_.one_by_one = true;
  for (const auto& action : {WalkLines, WalkWords, LookAtAll}) {
    EXPECT_EQ(RecordAtFailure(action), (InputRecord{"/in/text", 26, 9}));
  }
}

TEST_F(FailingTest, InAChunkThePlaceIsThatOfTheCursorAndNoRecordIsNamed) {
  EXPECT_EQ(RecordAtFailure(WalkLines), (InputRecord{"/in/text", 26, 0}));
  EXPECT_EQ(RecordAtFailure(WalkWords), (InputRecord{"/in/text", 0, 0}));
  EXPECT_EQ(RecordAtFailure(LookAtAll), (InputRecord{"/in/text", 0, 0}));
}

TEST_F(FailingTest, AWholeFileIsExactAtOnce) {
  task_.shape.format = InputFormat::kWholeFile;
  EXPECT_EQ(RecordAtFailure(WalkWords), (InputRecord{"/in/text", 0, 40}));
}

TEST_F(FailingTest, APoliteFailureIsAtItsRecordToo) {
  task_.one_by_one = true;
  MapWith([](ChunkMapper& mapper, const MapInput& input) {
    input.ForEachLine([&](std::string_view line) {
      if (line == "bad word") mapper.Fail("a bad word");
    });
  });
  EXPECT_EQ(RunMap().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(page_.Record(), (InputRecord{"/in/text", 26, 9}));
}

// Fails whatever it is given.
class BadCombiner : public Reducer {
 public:
  void Reduce(ReduceInput&) override { throw std::runtime_error("the combiner"); }
};

TEST_F(FailingTest, ACombinerFailsAtNoRecord) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
  task_.split.clear();
  Input("/in/more", text);
  task_.partitions = 1;
  task_.one_by_one = true;
  job_.combiner = [] { return std::make_unique<BadCombiner>(); };
  MapWith([](ChunkMapper& mapper, const MapInput& input) {
    input.ForEachLine([&](std::string_view line) { mapper.Emit(line, "1"); });
  });
  MapRunnerOptions options;
  options.memory_bytes = 256 << 10;  // so that it runs in the middle
  EXPECT_THROW(MapRunner(job_, &fs_, options).Run(task_, hooks_).IgnoreError(), std::runtime_error);
  EXPECT_EQ(page_.Record(), InputRecord());
  EXPECT_EQ(page_.DescribePosition(), "");
}

}  // namespace
}  // namespace millrace
