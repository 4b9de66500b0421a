// All parts of an output as one.
#include "client/output_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <functional>
#include <string>

#include "mapreduce/key_value.h"
#include "storage/key_value_file.h"
#include "storage/memory_file_system.h"
#include "storage/output_manifest.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::string Zstd(const std::string& content) {
  std::string packed(ZSTD_compressBound(content.size()), '\0');
  packed.resize(ZSTD_compress(&packed[0], packed.size(), content.data(), content.size(), 3));
  return packed;
}

// Of a key/value file, with one pair.
std::string Block(const std::string& key, const std::string& value) {
  std::string payload(kKeyValueHeaderBytes, '\0');
  PutKeyValueHeader(key.size(), value.size(), &payload[0]);
  payload += key + value;
  return KeyValueBlockHeader(payload, 1) + payload;
}

class OutputPartsTest : public testing::Test {
 protected:
  OutputPartsTest() { EXPECT_TRUE(fs_.CreateFolders("/out").ok()); }

  void Write(const std::string& name, const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(fs_, "/out/" + name, content).ok());
  }
  std::string Read() {
    std::string all;
    const absl::Status read = ReadParts(fs_, output_, [&](std::string_view bytes) {
      all.append(bytes);
      return absl::OkStatus();
    });
    return read.ok() ? all : read.ToString();
  }
  std::string Merged(const std::string& file = "/merged") {
    const absl::Status merged = MergeParts(fs_, output_, file);
    return merged.ok() ? *ReadFile(fs_, file, /*max_bytes=*/4 << 20) : merged.ToString();
  }

  // Replaces the manifest by one of this job.
  void Publish(const std::string& job_key) {
    Write("_SUCCESS", ToJson(OutputManifest{job_key, "wordcount", {}}));
  }
  // What reading says when `between` happens before the second part.
  absl::Status ReadWith(const std::function<void()>& between) {
    return ReadParts(fs_, output_, [&](std::string_view bytes) {
      if (bytes == "one\n") between();
      return absl::OkStatus();
    });
  }

  MemoryFileSystem fs_;
  PublishedOutput output_{"/out", ""};
};

TEST_F(OutputPartsTest, PartsComeInTheOrderOfTheirNames) {
  Write("part-00001-of-00003", "two\n");
  Write("part-00000-of-00003", "one\n");
  Write("part-00002-of-00003", "");
  Write("_SUCCESS", "{}");
  Write("notes", "no part\n");
  EXPECT_EQ(Read(), "one\ntwo\n");
  EXPECT_EQ(Merged(), "one\ntwo\n");
}

TEST_F(OutputPartsTest, AnOutputThatIsNotCompleteIsRefused) {
  Write("part-00000-of-00001", "one\n");
  EXPECT_THAT(Read(), HasSubstr("/out has no _SUCCESS"));
  EXPECT_THAT(Merged(), HasSubstr("/out has no _SUCCESS"));
  EXPECT_FALSE(fs_.Stat("/merged").ok());
}

// The name of a file is all that its readers go by.
TEST_F(OutputPartsTest, CompressedPartsMakeACompressedFileOnlyIfItsNameSaysSo) {
  Write("part-00000-of-00002.zst", Zstd("one\n"));
  Write("part-00001-of-00002.zst", Zstd("two\n"));
  Write("_SUCCESS", "{}");
  EXPECT_EQ(Read(), "one\ntwo\n");
  EXPECT_EQ(Merged(), "one\ntwo\n");
  EXPECT_EQ(Merged("/merged.zst"), Zstd("one\n") + Zstd("two\n"));
}

TEST_F(OutputPartsTest, KeyValueFilesMakeAKeyValueFile) {
  const std::string magic(kKeyValueMagic);
  const std::string long_value(2 * kKeyValueBlockBytes, 'v');
  const std::string blocks[] = {Block("a", "1"), Block("b", long_value), "", Block("d", "4")};
  for (uint32_t i = 0; i < 4; ++i) Write(PartName(i, 4), magic + blocks[i]);
  Write("_SUCCESS", "{}");
  EXPECT_EQ(Read(), magic + blocks[0] + blocks[1] + blocks[3]);
  EXPECT_EQ(Merged(), Read());
}

TEST_F(OutputPartsTest, ALineThatReadsLikeTheirMagicStays) {
  const std::string text = std::string(kKeyValueMagic) + "is how key/value files begin\n";
  Write("part-00000-of-00002", text);
  Write("part-00001-of-00002", text);
  Write("_SUCCESS", "{}");
  EXPECT_EQ(Read(), text + text);
  EXPECT_EQ(Merged(), text + text);
}

TEST_F(OutputPartsTest, TheSinkMayStopIt) {
  Write("part-00000-of-00001", "one\n");
  Write("_SUCCESS", "{}");
  const absl::Status read = ReadParts(fs_, output_, [](std::string_view) {
    return absl::ResourceExhaustedError("nobody reads any more");
  });
  EXPECT_EQ(read.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(OutputPartsTest, TheOutputOfOneJobIsNotThatOfAnother) {
  Write("part-00000-of-00001", "one\n");
  Publish("job-1-0123abcd");
  output_.job_key = "job-1-0123abcd";
  EXPECT_EQ(Read(), "one\n");
  Publish("job-2-0123abcd");
  const char kReplaced[] = "the output of job-1-0123abcd in /out was replaced by job-2-0123abcd";
  EXPECT_THAT(Read(), HasSubstr(kReplaced));
  EXPECT_THAT(Merged(), HasSubstr(kReplaced));
  EXPECT_FALSE(fs_.Stat("/merged").ok());
}

TEST_F(OutputPartsTest, WhatIsReplacedWhileItIsReadIsNoOutput) {
  Write("part-00000-of-00002", "one\n");
  Write("part-00001-of-00002", "two\n");
  Publish("job-1-0123abcd");
  EXPECT_TRUE(ReadWith([] {}).ok());
  const absl::Status read = ReadWith([this] { Publish("job-2-0123abcd"); });
  EXPECT_EQ(read.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(read.message()), HasSubstr("was replaced by job-2-0123abcd"));
}

TEST_F(OutputPartsTest, APartThatIsGoneBecauseTheOutputIsBeingReplacedIsExplained) {
  Write("part-00000-of-00002", "one\n");
  Write("part-00001-of-00002", "two\n");
  Publish("job-1-0123abcd");
  const absl::Status read = ReadWith([this] {
    EXPECT_TRUE(fs_.RemoveFile("/out/_SUCCESS").ok());
    EXPECT_TRUE(fs_.RemoveFile("/out/part-00001-of-00002").ok());
  });
  EXPECT_THAT(std::string(read.message()), HasSubstr("/out has no _SUCCESS"));
}

}  // namespace
}  // namespace millrace
