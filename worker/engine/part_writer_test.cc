#include "worker/engine/part_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "mapreduce/key_value.h"
#include "storage/faulty_file_system.h"
#include "storage/key_value_file.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class PartWriterTest : public ::testing::Test {
 protected:
  PartWriterTest() { EXPECT_TRUE(memory_.CreateFolders("/out").ok()); }

  std::string Part() {
    auto part = ReadFile(memory_, "/out/part", /*max_bytes=*/1 << 30);
    return part.ok() ? *part : part.status().ToString();
  }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
};

TEST_F(PartWriterTest, HasALineForEachPair) {
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  (*part)->Write("ant", "brown");
  (*part)->Write("bee", int64_t{-3});
  (*part)->Write("", "");
  ASSERT_TRUE((*part)->Finish().ok());
  EXPECT_EQ(Part(), "ant\tbrown\nbee\t-3\n\t\n");
  EXPECT_EQ((*part)->records(), 3u);
  EXPECT_EQ((*part)->bytes(), Part().size());
  EXPECT_EQ((*part)->digest(), DigestOf(Part()));
}

TEST_F(PartWriterTest, LinesMayBeLongerThanItsBuffer) {
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  const std::string key(700000, 'k');
  const std::string value(1500000, 'v');
  (*part)->Write("before", "1");
  (*part)->Write(key, value);
  (*part)->Write("zzz", "2");
  ASSERT_TRUE((*part)->Finish().ok());
  EXPECT_EQ(Part(), "before\t1\n" + key + "\t" + value + "\nzzz\t2\n");
  EXPECT_EQ((*part)->digest(), DigestOf(Part()));
}

TEST_F(PartWriterTest, KeysThatHaveFieldsMayHoldTabsButNoLineEnds) {
  OutputShape shape;
  shape.keys_have_fields = true;
  auto part = PartWriter::Create(&fs_, "/out/part", shape);
  ASSERT_TRUE(part.ok());
  (*part)->Write("a\tb", "c");
  const std::string long_key = "k\t" + std::string(700000, 'k');
  (*part)->Write(long_key, "v");
  ASSERT_TRUE((*part)->Finish().ok());
  EXPECT_EQ(Part(), "a\tb\tc\n" + long_key + "\tv\n");
  (*part)->Write("a\tb\n", "c");
  EXPECT_THAT(std::string((*part)->status().message()), HasSubstr("has a line end in it"));
}

TEST_F(PartWriterTest, SurvivesACrashOnceFinished) {
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  ASSERT_TRUE(memory_.SyncFolder("/").ok());
  (*part)->Write("a", "1");
  ASSERT_TRUE((*part)->Finish().ok());
  memory_.Crash();
  EXPECT_EQ(Part(), "a\t1\n");
}

TEST_F(PartWriterTest, LeavesNothingWithoutFinish) {
  {
    auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
    ASSERT_TRUE(part.ok());
    (*part)->Write("a", "1");
  }
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(PartWriterTest, FinishReportsTheFirstError) {
  fs_.FailNth(FileOperation::kWrite, 1, absl::ResourceExhaustedError("no space"));
  {
    auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
    ASSERT_TRUE(part.ok());
    (*part)->Write("a", "1");
    EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(PartWriterTest, AFailedSyncIsAnError) {
  fs_.FailNth(FileOperation::kSync, 1, absl::DataLossError("the device failed"));
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kDataLoss);
}

TEST_F(PartWriterTest, WhatIsWrittenWellAfterAnErrorDoesNotUndoIt) {
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  fs_.FailNth(FileOperation::kWrite, 1, absl::ResourceExhaustedError("no space"));
  for (int i = 0; i < 5; ++i) (*part)->Write("key", std::string(400 << 10, 'v'));
  EXPECT_EQ((*part)->status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(memory_.Stat("/out/part").ok());
}

// --- Formats ---

// What `pairs` look like in the format of `shape`, or why they cannot be written.
class FormatTest : public PartWriterTest {
 protected:
  std::string Written(const OutputShape& shape, const std::string& key, const std::string& value) {
    auto part = PartWriter::Create(&fs_, "/out/part", shape);
    EXPECT_TRUE(part.ok());
    (*part)->Write(key, value);
    const absl::Status status = (*part)->Finish();
    return status.ok() ? Part() : status.ToString();
  }
};

OutputShape Format(OutputFormat format) {
  OutputShape shape;
  shape.format = format;
  return shape;
}

OutputShape ValuesOnly(OutputFormat format) {
  OutputShape shape = Format(format);
  shape.keys = false;
  return shape;
}

TEST_F(FormatTest, NulSeparatedPairsMayHaveLineEnds) {
  EXPECT_EQ(Written(Format(OutputFormat::kNulSeparated), "k\n", "v\n"),
            std::string("k\n\tv\n\0", 6));
}

TEST_F(FormatTest, WithoutKeysOnlyValuesAreWritten) {
  EXPECT_EQ(Written(ValuesOnly(OutputFormat::kText), "a\tkey", "v\tw"), "v\tw\n");
  EXPECT_EQ(Written(ValuesOnly(OutputFormat::kRecords), "k", std::string("v\n\0", 3)),
            std::string("v\n\0", 3));
  EXPECT_EQ(Written(Format(OutputFormat::kRecords), "k\t", "v\n"), "k\tv\n");
}

TEST_F(FormatTest, APairThatWouldReadAsAnotherIsRefused) {
  const std::string tab = Written(OutputShape(), "k\ty", "v");
  EXPECT_THAT(tab, HasSubstr("OUT_OF_RANGE: the key \"k\\ty\" has a tab in it"));
  EXPECT_THAT(tab, HasSubstr("--escape_output"));
  EXPECT_THAT(Written(OutputShape(), "a long key, longer than 16\n", "v"),
              HasSubstr("16\\n\" has a line end in it"));
  EXPECT_THAT(Written(OutputShape(), "k", "v\nw"),
              HasSubstr("the value of key \"k\", \"v\\nw\", has a line end in it"));
  EXPECT_THAT(Written(Format(OutputFormat::kNulSeparated), std::string("k\0", 2), "v"),
              HasSubstr("has a NUL in it"));
  EXPECT_THAT(Written(OutputShape(), std::string(600'000, 'k') + "\t", "v"),
              HasSubstr("has a tab in it"));
}

TEST_F(FormatTest, WhatLiesBehindAKeyInTheBufferIsNotTakenForPartOfIt) {
  auto part = PartWriter::Create(&fs_, "/out/part", OutputShape());
  ASSERT_TRUE(part.ok());
  for (int i = 0; i < 200'000; ++i) (*part)->Write("key", "value\twith a tab");
  EXPECT_TRUE((*part)->Finish().ok());
}

TEST_F(FormatTest, EscapedPairsCanBeReadBack) {
  OutputShape shape;
  shape.escape = true;
  EXPECT_EQ(Written(shape, "a\tb\\", std::string("c\n\r\0", 4)), "a\\tb\\\\\tc\\n\\r\\0\n");
}

TEST_F(FormatTest, KeyValueFilesHaveBlocksOfWholePairs) {
  auto part = PartWriter::Create(&fs_, "/out/part", Format(OutputFormat::kKeyValue));
  ASSERT_TRUE(part.ok());
  const std::string long_value(600'000, 'v');
  std::vector<std::pair<std::string, std::string>> pairs = {{"a\t\n", ""}, {"b", long_value}};
  for (int i = 0; i < 20; ++i) pairs.emplace_back("c", std::string(100'000, 'w'));
  for (const auto& [key, value] : pairs) (*part)->Write(key, value);
  ASSERT_TRUE((*part)->Finish().ok());
  const std::string file = Part();
  EXPECT_EQ(file.substr(0, kKeyValueMagic.size()), kKeyValueMagic);
  std::vector<std::pair<std::string, std::string>> read;
  for (size_t at = kKeyValueMagic.size(); at < file.size();) {
    uint32_t size;
    std::memcpy(&size, &file[at + 8], sizeof(size));
    at += kKeyValueBlockHeaderBytes;
    for (KeyValueWalk walk(std::string_view(file).substr(at, size)); walk.Next();) {
      read.emplace_back(walk.key(), walk.value());
    }
    at += size;
  }
  EXPECT_EQ(read, pairs);
}

TEST_F(FormatTest, CompressedPartsAreFramesThatZstdReads) {
  OutputShape shape;
  shape.zstd = true;
  auto part = PartWriter::Create(&fs_, "/out/part", shape);
  ASSERT_TRUE(part.ok());
  std::string expected;
  for (int i = 0; i < 500'000; ++i) {
    (*part)->Write("key", int64_t{i});
    expected += "key\t" + std::to_string(i) + "\n";
  }
  ASSERT_TRUE((*part)->Finish().ok());
  const std::string file = Part();
  EXPECT_EQ((*part)->bytes(), file.size());
  EXPECT_EQ((*part)->digest(), DigestOf(file));
  const size_t first_frame = ZSTD_findFrameCompressedSize(file.data(), file.size());
  EXPECT_LT(first_frame, file.size());
  std::string content(expected.size() + 1, '\0');
  content.resize(ZSTD_decompress(&content[0], content.size(), file.data(), file.size()));
  EXPECT_EQ(content, expected);
}

TEST_F(FormatTest, AnEmptyCompressedPartIsAZstdFile) {
  OutputShape shape;
  shape.zstd = true;
  auto part = PartWriter::Create(&fs_, "/out/part", shape);
  ASSERT_TRUE(part.ok());
  ASSERT_TRUE((*part)->Finish().ok());
  char nothing[1];
  EXPECT_EQ(ZSTD_decompress(nothing, 1, Part().data(), Part().size()), 0u);
}

}  // namespace
}  // namespace millrace
