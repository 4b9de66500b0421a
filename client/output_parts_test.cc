// All parts of an output as one.
#include "client/output_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "storage/key_value_file.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::string Zstd(const std::string& content) {
  std::string packed(ZSTD_compressBound(content.size()), '\0');
  packed.resize(ZSTD_compress(&packed[0], packed.size(), content.data(), content.size(), 3));
  return packed;
}

class OutputPartsTest : public testing::Test {
 protected:
  OutputPartsTest() { EXPECT_TRUE(fs_.CreateFolders("/out").ok()); }

  void Write(const std::string& name, const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(fs_, "/out/" + name, content).ok());
  }
  std::string Read() {
    std::string all;
    const absl::Status read = ReadParts(fs_, "/out", [&](std::string_view bytes) {
      all.append(bytes);
      return absl::OkStatus();
    });
    return read.ok() ? all : read.ToString();
  }
  std::string Merged() {
    const absl::Status merged = MergeParts(fs_, "/out", "/merged");
    return merged.ok() ? *ReadFile(fs_, "/merged", /*max_bytes=*/1 << 20) : merged.ToString();
  }

  MemoryFileSystem fs_;
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

TEST_F(OutputPartsTest, CompressedPartsAreReadAsTheyWereAndMergedAsTheyLie) {
  Write("part-00000-of-00002.zst", Zstd("one\n"));
  Write("part-00001-of-00002.zst", Zstd("two\n"));
  Write("_SUCCESS", "{}");
  EXPECT_EQ(Read(), "one\ntwo\n");
  EXPECT_EQ(Merged(), Zstd("one\n") + Zstd("two\n"));
}

TEST_F(OutputPartsTest, KeyValueFilesMakeAKeyValueFile) {
  const std::string magic(kKeyValueMagic);
  Write("part-00000-of-00002", magic + "blocks");
  Write("part-00001-of-00002", magic + "more");
  Write("_SUCCESS", "{}");
  EXPECT_EQ(Merged(), magic + "blocksmore");
}

TEST_F(OutputPartsTest, TheSinkMayStopIt) {
  Write("part-00000-of-00001", "one\n");
  Write("_SUCCESS", "{}");
  const absl::Status read = ReadParts(fs_, "/out", [](std::string_view) {
    return absl::ResourceExhaustedError("nobody reads any more");
  });
  EXPECT_EQ(read.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace millrace
