// What a footer may say, and what of it is believed.
#include "storage/run_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

// A run of two partitions without the blocks that it speaks of: footers say nothing of those.
class RunFormatTest : public ::testing::Test {
 protected:
  RunFormatTest() {
    footer_.maker = {/*attempt_epoch=*/7, /*attempt_sequence=*/11, /*job=*/3, /*stage=*/1,
                     /*task=*/5};
    footer_.partitions.resize(2);
    footer_.partitions[0] = {kRunMagic.size(), 100, 4, /*longest_block=*/100, Digest{1, 2}};
    footer_.partitions[1] = {kRunMagic.size() + 100, 0, 0, /*longest_block=*/0, Digest{3, 4}};
    footer_.digest = DigestOfRun(footer_);
  }

  // The footer of a file that holds `blocks`, `footer` and its trailer.
  absl::StatusOr<RunFooter> Read(const RunFooter& footer, size_t blocks = 100) {
    const uint64_t offset = kRunMagic.size() + blocks;
    return ReadBytes(std::string(kRunMagic) + std::string(blocks, 'b') +
                     EncodeRunEnd(footer, offset));
  }
  absl::StatusOr<RunFooter> ReadBytes(const std::string& bytes) {
    EXPECT_TRUE(WriteFileAtomically(fs_, "/run", bytes).ok());
    return ReadRunFooter(fs_, "/run");
  }
  // Refused, with the path and these words.
  void ExpectDamage(const absl::Status& status, const std::string& words) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("/run: damaged run at byte "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
  }

  MemoryFileSystem fs_;
  RunFooter footer_;
};

TEST_F(RunFormatTest, AFooterIsReadAsItWasWritten) {
  for (const ValueKind kind : {ValueKind::kBytes, ValueKind::kInt64}) {
    for (const bool has_group_length : {false, true}) {
      footer_.format = {kind, has_group_length};
      footer_.digest = DigestOfRun(footer_);
      const auto read = Read(footer_);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->maker, footer_.maker);
      EXPECT_EQ(read->format, footer_.format);
      EXPECT_EQ(read->partitions, footer_.partitions);
      EXPECT_EQ(read->digest, footer_.digest);
    }
  }
}

TEST_F(RunFormatTest, TheDigestSpeaksOfTheRecordsAndNotOfTheirPlaceOrMaker) {
  RunFooter other = footer_;
  other.maker.attempt_sequence = 99;
  other.partitions[1].offset += 5;
  other.partitions[0].length += 5;
  EXPECT_EQ(DigestOfRun(other), DigestOfRun(footer_));
  other.partitions[0].records += 1;
  EXPECT_NE(DigestOfRun(other), DigestOfRun(footer_));
  other = footer_;
  other.partitions[1].digest.low += 1;
  EXPECT_NE(DigestOfRun(other), DigestOfRun(footer_));
  other = footer_;
  other.format.value_kind = ValueKind::kInt64;
  EXPECT_NE(DigestOfRun(other), DigestOfRun(footer_));
  other = footer_;
  other.partitions.emplace_back();
  EXPECT_NE(DigestOfRun(other), DigestOfRun(footer_));
}

TEST_F(RunFormatTest, AFooterThatContradictsItselfIsRefused) {
  footer_.digest.low += 1;
  ExpectDamage(Read(footer_).status(), "wrong digest");
}

TEST_F(RunFormatTest, PartitionsTileTheFile) {
  ExpectDamage(Read(footer_, /*blocks=*/99).status(), "do not fill the file");
  ExpectDamage(Read(footer_, /*blocks=*/101).status(), "do not fill the file");
  footer_.partitions[1].offset -= 1;
  ExpectDamage(Read(footer_).status(), "do not fill the file");
}

TEST_F(RunFormatTest, AFileThatIsNoRunSaysHowItDiffers) {
  ExpectDamage(ReadBytes("").status(), "too short");
  ExpectDamage(ReadBytes(std::string(1000, 'x')).status(), "not a run file");
  ExpectDamage(ReadBytes(std::string(kRunMagic) + std::string(1000, 'x')).status(), "no footer");
}

}  // namespace
}  // namespace millrace
