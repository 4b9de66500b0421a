#include "storage/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPath[] = "/text";

// A file and a reader of it.
class LineReaderTest : public ::testing::Test {
 protected:
  void Write(const std::string& content) {
    auto file = fs_.OpenForWriting(kPath).value();
    ASSERT_TRUE(file->Append(content).ok());
    ASSERT_TRUE(file->Close().ok());
    FileInfo info = fs_.Stat(kPath).value();
    file_ = InputFile{kPath, info.size, info.mtime_ns};
  }

  FileRange Range(uint64_t offset, uint64_t length) { return FileRange{file_, offset, length}; }
  FileRange Whole() { return Range(0, file_.size); }

  // The chunks of a range, or the status where it ended as the last one.
  std::vector<std::string> Chunks(const FileRange& range) {
    LineReader reader(&fs_, options_);
    std::vector<std::string> chunks;
    absl::Status status = reader.Open(range);
    InputChunk chunk;
    while (status.ok()) {
      absl::StatusOr<bool> more = reader.Next(&chunk);
      status = more.status();
      if (!status.ok() || !*more) break;
      chunks.emplace_back(chunk.data);
    }
    if (!status.ok()) chunks.push_back(status.ToString());
    return chunks;
  }

  // All data of a range.
  std::string Data(const FileRange& range) {
    std::string data;
    for (const std::string& chunk : Chunks(range)) data += chunk;
    return data;
  }

  MemoryFileSystem fs_;
  InputFile file_;
  LineReader::Options options_;
};

// --- Which lines belong to a range ---

TEST_F(LineReaderTest, AWholeFileIsOneChunkIfItIsShort) {
  Write("one\ntwo\n");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("one\ntwo\n"));
}

TEST_F(LineReaderTest, ALineBelongsToTheRangeInWhichItBegins) {
  Write("one\ntwo\nthree\n");
  EXPECT_EQ(Data(Range(0, 5)), "one\ntwo\n");
  EXPECT_EQ(Data(Range(5, 9)), "three\n");
}

TEST_F(LineReaderTest, ARangeThatBeginsAtALineKeepsIt) {
  Write("one\ntwo\nthree\n");
  EXPECT_EQ(Data(Range(0, 4)), "one\n");
  EXPECT_EQ(Data(Range(4, 4)), "two\n");
  EXPECT_EQ(Data(Range(8, 6)), "three\n");
}

TEST_F(LineReaderTest, ARangeInsideOneLineHasNothing) {
  Write("a very long line\nnext\n");
  EXPECT_EQ(Data(Range(0, 3)), "a very long line\n");
  EXPECT_THAT(Chunks(Range(3, 5)), IsEmpty());
  EXPECT_THAT(Chunks(Range(8, 9)), IsEmpty());  // ends with the line
  EXPECT_EQ(Data(Range(8, 10)), "next\n");
}

TEST_F(LineReaderTest, TheLastLineMayLackItsEnd) {
  Write("one\ntwo");
  EXPECT_EQ(Data(Whole()), "one\ntwo");
  EXPECT_EQ(Data(Range(4, 3)), "two");
  EXPECT_THAT(Chunks(Range(5, 2)), IsEmpty());
}

TEST_F(LineReaderTest, EmptyLinesAreLines) {
  Write("\n\n\n");
  EXPECT_EQ(Data(Range(0, 1)), "\n");
  EXPECT_EQ(Data(Range(1, 2)), "\n\n");
}

TEST_F(LineReaderTest, AnEmptyFileOrRangeHasNothing) {
  Write("");
  EXPECT_THAT(Chunks(Whole()), IsEmpty());
  Write("one\n");
  EXPECT_THAT(Chunks(Range(2, 0)), IsEmpty());
}

TEST_F(LineReaderTest, BytesAreBytes) {
  const std::string content("one\r\n\0\xff\xfe\n\xc3", 10);
  Write(content);
  EXPECT_EQ(Data(Whole()), content);
}

// --- Buffers ---

TEST_F(LineReaderTest, ChunksEndAtLinesWhateverIsReadAtOnce) {
  options_.read_bytes = 6;
  Write("ab\ncd\nefgh\nij\n");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("ab\ncd\n", "efgh\n", "ij\n"));
}

TEST_F(LineReaderTest, LinesLongerThanABufferAreWhole) {
  options_.read_bytes = 1000;
  const std::string long_line(300'000, 'x');
  Write("a\n" + long_line + "\nb\n");
  EXPECT_THAT(Chunks(Range(0, 3)), ElementsAre("a\n", long_line + "\n"));
  EXPECT_THAT(Chunks(Range(3, 200'000)), IsEmpty());
  EXPECT_THAT(Chunks(Range(200'000, 100'005)), ElementsAre("b\n"));
}

TEST_F(LineReaderTest, ARecordThatIsTooLongIsNamedWithItsPosition) {
  options_.read_bytes = 10;
  options_.max_record_bytes = 20;
  Write("short\n" + std::string(100, 'x') + "\n");
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre("short\n",
                          HasSubstr("/text:6: the line that begins here has more than 20 bytes")));
}

TEST_F(LineReaderTest, RecordsUpToTheLimitAreAccepted) {
  options_.read_bytes = 7;
  options_.max_record_bytes = 20;
  const std::string line = std::string(20, 'x') + "\n";
  Write("a\n" + line + line);
  EXPECT_EQ(Data(Whole()), "a\n" + line + line);
}

TEST_F(LineReaderTest, ZeroesFollowEveryChunk) {
  options_.read_bytes = 100;
  std::string content;
  for (int i = 0; i < 100; ++i) content += "line " + std::to_string(i) + "\n";
  Write(content);
  LineReader reader(&fs_, options_);
  ASSERT_TRUE(reader.Open(Whole()).ok());
  InputChunk chunk;
  std::string read;
  while (reader.Next(&chunk).value()) {
    const char* end = chunk.data.data() + chunk.data.size();
    EXPECT_TRUE(std::all_of(end, end + LineReader::kSlackBytes, [](char c) { return c == 0; }));
    EXPECT_EQ(chunk.offset, read.size());
    read += chunk.data;
  }
  EXPECT_EQ(read, content);
}

TEST_F(LineReaderTest, OneReaderReadsManyRanges) {
  Write("one\ntwo\nthree\n");
  LineReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Range(8, 6)).ok());
  EXPECT_TRUE(reader.Next(&chunk).value());
  ASSERT_TRUE(reader.Open(Range(0, 4)).ok());  // although the other was not finished
  EXPECT_TRUE(reader.Next(&chunk).value());
  EXPECT_EQ(chunk.data, "one\n");
  EXPECT_FALSE(reader.Next(&chunk).value());
  EXPECT_FALSE(reader.Next(&chunk).value());
}

// --- Whole files ---

TEST_F(LineReaderTest, AWholeFileIsOneRecord) {
  options_.format = InputFormat::kWholeFile;
  options_.read_bytes = 4;
  Write("one\ntwo\nthree");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("one\ntwo\nthree"));
}

TEST_F(LineReaderTest, AWholeFileMayBeTooLong) {
  options_.format = InputFormat::kWholeFile;
  options_.max_record_bytes = 3;
  Write("1234");
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre(HasSubstr("/text:0: the whole file is one record, and has")));
}

TEST_F(LineReaderTest, AWholeFileCannotBeCut) {
  options_.format = InputFormat::kWholeFile;
  Write("1234");
  EXPECT_THAT(Chunks(Range(0, 2)), ElementsAre(HasSubstr("INVALID_ARGUMENT")));
}

// --- Input that changes ---

TEST_F(LineReaderTest, AnotherSizeMeansThatTheInputChanged) {
  Write("one\n");
  const FileRange range = Whole();
  Write("one\ntwo\n");
  LineReader reader(&fs_, options_);
  absl::Status status = reader.Open(range);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("input changed since the job was submitted: /text (size was 4, is 8)"));
}

TEST_F(LineReaderTest, AnotherTimeMeansThatTheInputChanged) {
  Write("one\n");
  const FileRange range = Whole();
  Write("two\n");
  EXPECT_THAT(Chunks(range), ElementsAre(HasSubstr("/text (same size, but written to since)")));
}

TEST_F(LineReaderTest, AFileThatShrinksWhileItIsReadIsNoticed) {
  options_.read_bytes = 4;
  Write("one\ntwo\n");
  LineReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  ASSERT_TRUE(reader.Next(&chunk).value());
  Write("one\n");
  absl::Status status = reader.Next(&chunk).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("size was 8, is 4"));
}

TEST_F(LineReaderTest, AFileWrittenToWhileItIsReadIsNoticedAtTheEnd) {
  Write("one\ntwo\n");
  LineReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  ASSERT_TRUE(reader.Next(&chunk).value());
  Write("ONE\nTWO\n");
  EXPECT_EQ(reader.Next(&chunk).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LineReaderTest, ErrorsOfTheDiskPassThrough) {
  Write("one\n");
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kRead, 1, absl::DataLossError("the device failed"));
  LineReader reader(&faulty, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  EXPECT_EQ(reader.Next(&chunk).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LineReaderTest, AMissingFileIsNotFound) {
  LineReader reader(&fs_, options_);
  FileRange range{InputFile{"/none", 4, 1}, 0, 4};
  EXPECT_EQ(reader.Open(range).code(), absl::StatusCode::kNotFound);
}

TEST_F(LineReaderTest, ARangeMustLieInTheFile) {
  Write("one\n");
  LineReader reader(&fs_, options_);
  EXPECT_EQ(reader.Open(Range(2, 3)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.Open(Range(1, ~uint64_t{0})).code(), absl::StatusCode::kInvalidArgument);
}

// --- The property that everything rests on ---

// Lines of `text` with their ends, cut by hand.
std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return lines;
}

RC_GTEST_FIXTURE_PROP(LineReaderTest, AnySplitsGiveEveryLineExactlyOnceAndInOrder, ()) {
  const auto byte =
      rc::gen::weightedElement<char>({{6, 'a'}, {3, '\n'}, {1, '\r'}, {1, '\0'}, {1, '\xff'}});
  const std::string content = *rc::gen::container<std::string>(byte);
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  const uint64_t split_bytes = *rc::gen::inRange<uint64_t>(1, 30);
  Write(content);

  std::vector<std::string> lines;
  for (const InputSplit& split : MakeSplits({file_}, split_bytes, InputFormat::kLines)) {
    for (const FileRange& range : split) {
      for (const std::string& chunk : Chunks(range)) {
        RC_ASSERT(!chunk.empty());
        for (const std::string& line : LinesOf(chunk)) lines.push_back(line);
      }
    }
  }
  RC_ASSERT(lines == LinesOf(content));
}

// A line is in the range that holds its first byte, and nowhere else.
RC_GTEST_FIXTURE_PROP(LineReaderTest, AnyRangeHasTheLinesThatBeginInIt, ()) {
  const auto byte = rc::gen::weightedElement<char>({{5, 'a'}, {2, '\n'}});
  const std::string content = *rc::gen::container<std::string>(byte);
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  const uint64_t offset = *rc::gen::inRange<uint64_t>(0, content.size() + 1);
  const uint64_t length = *rc::gen::inRange<uint64_t>(0, content.size() - offset + 1);
  Write(content);

  std::string expected;
  uint64_t begin = 0;
  for (const std::string& line : LinesOf(content)) {
    if (begin >= offset && begin < offset + length) expected += line;
    begin += line.size();
  }
  RC_ASSERT(Data(Range(offset, length)) == expected);
}

}  // namespace
}  // namespace millrace
