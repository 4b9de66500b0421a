#include "storage/input_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

InputFile File(const std::string& path, uint64_t size) { return InputFile{path, size, 1}; }

FileRange Whole(const InputFile& file) { return FileRange{file, 0, file.size}; }

TEST(MakeSplitsTest, NoBytesGiveNoSplit) {
  EXPECT_THAT(MakeSplits({}, 100, InputFormat::kLines), IsEmpty());
  EXPECT_THAT(MakeSplits({File("/empty", 0)}, 100, InputFormat::kLines), IsEmpty());
}

TEST(MakeSplitsTest, SmallFilesArePackedInTheOrderGiven) {
  InputFile b = File("/b", 40), empty = File("/empty", 0), a = File("/a", 60), c = File("/c", 1);
  EXPECT_THAT(MakeSplits({b, empty, a, c}, 100, InputFormat::kLines),
              ElementsAre(InputSplit{Whole(b), Whole(a)}, InputSplit{Whole(c)}));
}

TEST(MakeSplitsTest, ALongFileIsCutIntoTheFewestEqualPieces) {
  InputFile file = File("/long", 250);
  EXPECT_THAT(MakeSplits({file}, 100, InputFormat::kLines),
              ElementsAre(InputSplit{FileRange{file, 0, 84}}, InputSplit{FileRange{file, 84, 83}},
                          InputSplit{FileRange{file, 167, 83}}));
}

TEST(MakeSplitsTest, PiecesOfALongFileShareTheirSplitWithNothing) {
  InputFile before = File("/a", 1), long_file = File("/b", 101), after = File("/c", 1);
  EXPECT_THAT(MakeSplits({before, long_file, after}, 100, InputFormat::kLines),
              ElementsAre(InputSplit{Whole(before)}, InputSplit{FileRange{long_file, 0, 51}},
                          InputSplit{FileRange{long_file, 51, 50}}, InputSplit{Whole(after)}));
}

TEST(MakeSplitsTest, AFileOfExactlyOneSplitIsNotCut) {
  InputFile file = File("/exact", 100);
  EXPECT_THAT(MakeSplits({file}, 100, InputFormat::kLines), ElementsAre(InputSplit{Whole(file)}));
}

TEST(MakeSplitsTest, WholeFilesAreNeverCut) {
  InputFile long_file = File("/long", 250), small = File("/small", 10);
  EXPECT_THAT(MakeSplits({long_file, small}, 100, InputFormat::kWholeFile),
              ElementsAre(InputSplit{Whole(long_file)}, InputSplit{Whole(small)}));
}

TEST(MakeSplitsTest, ManyTinyFilesDoNotEndUpInOneTask) {
  std::vector<InputFile> files(2 * kMaxRangesPerSplit + 1, File("/tiny", 1));
  EXPECT_THAT(MakeSplits(files, uint64_t{64} << 20, InputFormat::kLines),
              ElementsAre(SizeIs(kMaxRangesPerSplit), SizeIs(kMaxRangesPerSplit), SizeIs(1)));
}

TEST(MakeSplitsTest, HugeFilesDoNotOverflow) {
  InputFile file = File("/huge", uint64_t{1} << 50);
  std::vector<InputSplit> splits = MakeSplits({file}, uint64_t{1} << 40, InputFormat::kLines);
  ASSERT_THAT(splits, SizeIs(1024));
  EXPECT_EQ(splits.back()[0].offset + splits.back()[0].length, file.size);
}

// --- Properties, for any file list and split size ---

std::vector<InputFile> AnyFiles() {
  std::vector<uint64_t> sizes =
      *rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(0, 3000));
  std::vector<InputFile> files;
  for (size_t i = 0; i < sizes.size(); ++i) {
    files.push_back(File("/file-" + std::to_string(i), sizes[i]));
  }
  return files;
}

uint64_t AnySplitBytes() { return *rc::gen::inRange<uint64_t>(1, 2000); }

InputFormat AnyFormat() { return *rc::gen::element(InputFormat::kLines, InputFormat::kWholeFile); }

uint64_t BytesOf(const InputSplit& split) {
  uint64_t bytes = 0;
  for (const FileRange& range : split) bytes += range.length;
  return bytes;
}

RC_GTEST_PROP(MakeSplitsProperty, EveryByteOfEveryFileExactlyOnceAndInOrder, ()) {
  const std::vector<InputFile> files = AnyFiles();
  size_t file = 0;
  uint64_t offset = 0;
  auto skip_finished = [&] {
    while (file < files.size() && offset == files[file].size) ++file, offset = 0;
  };
  for (const InputSplit& split : MakeSplits(files, AnySplitBytes(), AnyFormat())) {
    for (const FileRange& range : split) {
      skip_finished();
      RC_ASSERT(file < files.size());
      RC_ASSERT(range.file == files[file]);
      RC_ASSERT(range.offset == offset);
      offset += range.length;
    }
  }
  skip_finished();
  RC_ASSERT(file == files.size());
}

RC_GTEST_PROP(MakeSplitsProperty, NoSplitIsTooLongExceptOneWholeFile, ()) {
  const uint64_t split_bytes = AnySplitBytes();
  const InputFormat format = AnyFormat();
  for (const InputSplit& split : MakeSplits(AnyFiles(), split_bytes, format)) {
    const bool one_whole_file = format == InputFormat::kWholeFile && split.size() == 1;
    RC_ASSERT(one_whole_file || BytesOf(split) <= split_bytes);
  }
}

RC_GTEST_PROP(MakeSplitsProperty, NothingIsEmpty, ()) {
  for (const InputSplit& split : MakeSplits(AnyFiles(), AnySplitBytes(), AnyFormat())) {
    RC_ASSERT(!split.empty());
    for (const FileRange& range : split) RC_ASSERT(range.length > 0u);
  }
}

RC_GTEST_PROP(MakeSplitsProperty, NeighboursWouldNotFitIntoOneSplit, ()) {
  const uint64_t split_bytes = AnySplitBytes();
  std::vector<InputSplit> splits = MakeSplits(AnyFiles(), split_bytes, InputFormat::kWholeFile);
  for (size_t i = 1; i < splits.size(); ++i) {
    RC_ASSERT(BytesOf(splits[i - 1]) + splits[i][0].length > split_bytes);
  }
}

RC_GTEST_PROP(MakeSplitsProperty, TheSameArgumentsGiveTheSameSplits, ()) {
  const std::vector<InputFile> files = AnyFiles();
  const uint64_t split_bytes = AnySplitBytes();
  const InputFormat format = AnyFormat();
  RC_ASSERT(MakeSplits(files, split_bytes, format) == MakeSplits(files, split_bytes, format));
}

}  // namespace
}  // namespace millrace
