// Numbers of lines in splits that begin anywhere, and how much is read to find them.
#include "worker/engine/line_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "worker/engine/map_runner.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Adds up what is read.
class CountingFileSystem : public FaultyFileSystem {
 public:
  using FaultyFileSystem::FaultyFileSystem;

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override {
    auto file = FaultyFileSystem::OpenForReading(path);
    if (!file.ok()) return file;
    return std::make_unique<CountingFile>(*std::move(file), &bytes_read);
  }

  uint64_t bytes_read = 0;

 private:
  class CountingFile : public ReadableFile {
   public:
    CountingFile(std::unique_ptr<ReadableFile> file, uint64_t* bytes)
        : file_(std::move(file)), bytes_(bytes) {}
    uint64_t size() const override { return file_->size(); }
    absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) override {
      *bytes_ += length;
      return file_->Read(offset, length, buffer);
    }

   private:
    const std::unique_ptr<ReadableFile> file_;
    uint64_t* const bytes_;
  };
};

class LineNumbersTest : public ::testing::Test {
 protected:
  LineNumbersTest() {
    numbers_.BeginAttempt(&hooks_);
    Write("/file", Lines(10));
  }

  // "0\n1\n..." with 4 bytes a line.
  static std::string Lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(100 + i) + "\n";
    return text;
  }
  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(memory_, path, text).ok());
    const auto info = memory_.Stat(path);
    file_ = {path, info->size, info->mtime_ns};
    numbers_.Open(Whole());
  }
  FileRange Whole() const { return {file_, 0, file_.size}; }
  uint64_t At(uint64_t offset) {
    numbers_.Enter(offset);
    const uint64_t line = numbers_.FirstLine();
    EXPECT_TRUE(numbers_.status().ok()) << numbers_.status();
    return line;
  }
  void Pass(uint64_t offset, const std::string& data) {
    numbers_.Enter(offset);
    numbers_.Passed({data, offset}, std::count(data.begin(), data.end(), '\n'));
  }

  MemoryFileSystem memory_;
  CountingFileSystem fs_{&memory_};
  TaskHooks hooks_;
  InputFile file_;
  LineNumbers numbers_{&fs_};
};

TEST_F(LineNumbersTest, AFileBeginsWithLineOneAndIsNotRead) {
  EXPECT_EQ(At(0), 1u);
  EXPECT_EQ(fs_.bytes_read, 0u);
}

TEST_F(LineNumbersTest, CountsWhatComesBeforeTheSplit) {
  EXPECT_EQ(At(12), 4u);
  EXPECT_EQ(fs_.bytes_read, 12u);
}

TEST_F(LineNumbersTest, ChunksThatWerePassedAreNotRead) {
  Pass(0, "100\n101\n");
  EXPECT_EQ(At(8), 3u);
  Pass(8, "102\n");
  EXPECT_EQ(At(12), 4u);
  EXPECT_EQ(fs_.bytes_read, 0u);
}

TEST_F(LineNumbersTest, OnlyGapsAreRead) {
  Pass(8, "102\n103\n");
  EXPECT_EQ(At(24), 7u);
  EXPECT_EQ(fs_.bytes_read, 8u + 8u);
  EXPECT_EQ(At(20), 6u) << "an earlier split, inside what was counted";
}

TEST_F(LineNumbersTest, TheSecondSplitOfAFileReadsOnlyWhatIsNew) {
  EXPECT_EQ(At(12), 4u);
  Write("/other", Lines(3));
  EXPECT_EQ(At(4), 2u);
  file_ = {"/file", 40, memory_.Stat("/file")->mtime_ns};
  numbers_.Open(Whole());
  fs_.bytes_read = 0;
  EXPECT_EQ(At(32), 9u);
  EXPECT_EQ(fs_.bytes_read, 20u);
}

TEST_F(LineNumbersTest, AnotherVersionOfAFileIsCountedAnew) {
  EXPECT_EQ(At(12), 4u);
  Write("/file", "a\nb\nc\nd\ne\nf\ng\n");
  EXPECT_EQ(At(12), 7u);
}

TEST_F(LineNumbersTest, ALargeFileIsReadOnce) {
  Write("/file", Lines(1 << 20));  // about 7 MiB, as numbers grow
  const uint64_t size = file_.size;
  EXPECT_EQ(At(size), (1u << 20) + 1);
  EXPECT_EQ(fs_.bytes_read, size);
  numbers_.Open(Whole());
  At(size / 2);
  EXPECT_LE(fs_.bytes_read, size + (1 << 20));
}

TEST_F(LineNumbersTest, AMillionStretchesTakeBoundedMemoryAndStayRight) {
  const std::string chunk(1024, '\n');
  Write("/file", std::string(4 << 20, '\n'));
  for (uint64_t at = 0; at + 2048 < file_.size; at += 512 * 5) Pass(at, chunk);  // with gaps
  EXPECT_EQ(At(file_.size), file_.size + 1);
}

TEST_F(LineNumbersTest, AnErrorIsKeptUntilTheNextAttempt) {
  fs_.FailNth(FileOperation::kRead, 1, absl::DataLossError("/file: the device failed"));
  numbers_.Enter(12);
  numbers_.FirstLine();
  EXPECT_TRUE(absl::IsDataLoss(numbers_.status())) << numbers_.status();
  numbers_.BeginAttempt(&hooks_);
  EXPECT_EQ(At(12), 4u);
}

TEST_F(LineNumbersTest, AFileThatBecameShorterHasChanged) {
  ASSERT_TRUE(WriteFileAtomically(memory_, "/file", "a\n").ok());
  numbers_.Enter(12);
  numbers_.FirstLine();
  EXPECT_THAT(std::string(numbers_.status().message()), HasSubstr("changed"));
}

TEST_F(LineNumbersTest, ACancelledAttemptStopsCounting) {
  hooks_.cancelled = true;
  numbers_.Enter(12);
  numbers_.FirstLine();
  EXPECT_TRUE(absl::IsCancelled(numbers_.status()));
  EXPECT_EQ(fs_.bytes_read, 0u);
}

TEST_F(LineNumbersTest, CompressedBytesAreNeverCounted) {
  file_.compression = Compression::kZstd;
  numbers_.Open({file_, 20, 20});
  numbers_.Enter(0);  // of the piece, wherever that lies
  numbers_.FirstLine();
  EXPECT_TRUE(absl::IsFailedPrecondition(numbers_.status())) << numbers_.status();
  EXPECT_THAT(std::string(numbers_.status().message()),
              AllOf(HasSubstr("/file"), HasSubstr("JobDescription::counts_lines")));
  EXPECT_EQ(fs_.bytes_read, 0u);
}

TEST_F(LineNumbersTest, ThePieceThatBeginsACompressedFileHasNumbers) {
  file_.compression = Compression::kZstd;
  numbers_.Open({file_, 0, 20});
  EXPECT_EQ(At(0), 1u);
  Pass(0, "100\n101\n");
  EXPECT_EQ(At(8), 3u);
  EXPECT_EQ(fs_.bytes_read, 0u);
}

TEST_F(LineNumbersTest, BehindAGapInACompressedFileNobodyKnowsTheNumber) {
  file_.compression = Compression::kZstd;
  numbers_.Open({file_, 0, 20});
  Pass(0, "100\n");
  Pass(8, "102\n");
  numbers_.Enter(12);
  numbers_.FirstLine();
  EXPECT_THAT(std::string(numbers_.status().message()),
              AllOf(HasSubstr("/file"), HasSubstr("behind a damaged frame")));
  EXPECT_EQ(fs_.bytes_read, 0u);
}

// --- In a map ---

class NumberingMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    uint64_t line = input.FirstLine();
    input.ForEachLine([&](std::string_view text) { Emit(std::to_string(line++), text); });
  }
};

// The number of each chunk.
class ChunkNumberMapper : public Mapper {
 public:
  void Map(const MapInput& input) override { Emit(std::to_string(input.FirstLine()), ""); }
};

std::string Zstd(const std::string& content) {
  std::string packed(ZSTD_compressBound(content.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), 1));
  return packed;
}

class NumberedMapTest : public ::testing::Test {
 protected:
  NumberedMapTest() {
    EXPECT_TRUE(fs_.CreateFolders("/out").ok());
    job_.name = "test";
    job_.mapper = [] { return std::make_unique<NumberingMapper>(); };
    task_.output_path = "/out/part";
    task_.temp_folder = "/out";
    EXPECT_TRUE(WriteFileAtomically(fs_, "/file", "a\nbb\nbad\nc\nd").ok());
    const auto info = fs_.Stat("/file");
    file_ = {"/file", info->size, info->mtime_ns};
    runner_ = std::make_unique<MapRunner>(job_, &fs_, MapRunnerOptions());
  }
  InputFile WriteZstd(const std::string& frames) {
    EXPECT_TRUE(WriteFileAtomically(fs_, "/file.zst", frames).ok());
    const auto info = fs_.Stat("/file.zst");
    return {"/file.zst", info->size, info->mtime_ns, Compression::kZstd};
  }
  // Runs the map and returns its part.
  std::string Map(const InputSplit& split) {
    task_.split = split;
    const auto result = runner_->Run(task_, hooks_);
    if (!result.ok()) return std::string(result.status().message());
    return *ReadFile(fs_, "/out/part", 1 << 20);
  }

  MemoryFileSystem fs_;
  JobDescription job_;
  std::unique_ptr<MapRunner> runner_;
  MapTask task_;
  TaskHooks hooks_;
  InputFile file_;
};

TEST_F(NumberedMapTest, ASplitGoesOnWhereTheOneBeforeEnds) {
  EXPECT_EQ(Map({{file_, 9, file_.size - 9}}), "4\tc\n5\td\n");
  EXPECT_EQ(Map({{file_, 0, 3}}), "1\ta\n2\tbb\n");
}

TEST_F(NumberedMapTest, RecordsOneByOneAndSkippedOnesCountToo) {
  task_.one_by_one = true;
  task_.skip = {{"/file", 5, 4}};
  EXPECT_EQ(Map({{file_, 2, file_.size - 2}}), "2\tbb\n4\tc\n5\td\n");
}

TEST_F(NumberedMapTest, AWholeFileBeginsWithLineOne) {
  task_.shape.format = InputFormat::kWholeFile;
  ASSERT_TRUE(WriteFileAtomically(fs_, "/whole", "x\ny\n").ok());
  const auto info = fs_.Stat("/whole");
  const InputFile whole{"/whole", info->size, info->mtime_ns};
  EXPECT_EQ(Map({{whole, 0, 4}, {whole, 0, 4}}), "1\tx\n2\ty\n1\tx\n2\ty\n");
}

TEST_F(NumberedMapTest, ACompressedFileHasNumbersIfThePieceBeginsIt) {
  const std::string first = Zstd("a\nbb\nc");
  const InputFile file = WriteZstd(first + Zstd("c\nd\n"));
  EXPECT_EQ(Map({{file, 0, file.size}}), "1\ta\n2\tbb\n3\tcc\n4\td\n");
  EXPECT_EQ(Map({{file, 0, first.size()}}), "1\ta\n2\tbb\n3\tcc\n");
  EXPECT_THAT(Map({{file, first.size(), file.size - first.size()}}),
              HasSubstr("JobDescription::counts_lines"));
}

TEST_F(NumberedMapTest, InACompressedFileLineEndsCountWhateverEndsRecords) {
  job_.mapper = [] { return std::make_unique<ChunkNumberMapper>(); };
  runner_ = std::make_unique<MapRunner>(job_, &fs_, MapRunnerOptions());
  task_.shape.format = InputFormat::kNulSeparated;
  task_.one_by_one = true;
  const InputFile file = WriteZstd(Zstd(std::string("a\nb\n\0c\0d\n\0", 10)));
  EXPECT_EQ(Map({{file, 0, file.size}}), "1\t\n3\t\n3\t\n");
}

TEST_F(NumberedMapTest, BehindADamagedFrameThereAreNoNumbers) {
  std::string damaged = Zstd("bb\n");
  damaged[0] ^= 1;
  const std::string first = Zstd("a\n");
  const InputFile file = WriteZstd(first + damaged + Zstd("c\nd\n"));
  task_.one_by_one = true;
  task_.skip = {{"/file.zst", first.size(), damaged.size()}};
  EXPECT_THAT(Map({{file, 0, file.size}}), HasSubstr("behind a damaged frame"));
}

TEST_F(NumberedMapTest, AFileThatCannotBeCountedFailsTheAttempt) {
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kOpenForReading, 2, absl::NotFoundError("/file: is gone"));
  runner_ = std::make_unique<MapRunner>(job_, &faulty, MapRunnerOptions());
  EXPECT_THAT(Map({{file_, 9, file_.size - 9}}), HasSubstr("/file: is gone (the input changed"));
}

}  // namespace
}  // namespace millrace
