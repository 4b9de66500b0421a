#include "worker/engine/text_part.h"

#include <gtest/gtest.h>

#include <string>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

class TextPartTest : public ::testing::Test {
 protected:
  TextPartTest() { EXPECT_TRUE(memory_.CreateFolders("/out").ok()); }

  std::string Part() {
    auto part = ReadFile(memory_, "/out/part", /*max_bytes=*/1 << 30);
    return part.ok() ? *part : part.status().ToString();
  }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
};

TEST_F(TextPartTest, HasALineForEachPair) {
  auto part = TextPart::Create(&fs_, "/out/part");
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

TEST_F(TextPartTest, KeysMayBeLeftOut) {
  auto part = TextPart::Create(&fs_, "/out/part");
  ASSERT_TRUE(part.ok());
  (*part)->LeaveOutKeys();
  const std::string longer(700000, 'v');
  (*part)->Write("ant", "brown");
  (*part)->Write("", longer);
  (*part)->Write("bee", int64_t{-3});
  ASSERT_TRUE((*part)->Finish().ok());
  EXPECT_EQ(Part(), "brown\n" + longer + "\n-3\n");
  EXPECT_EQ((*part)->records(), 3u);
  EXPECT_EQ((*part)->bytes(), Part().size());
}

TEST_F(TextPartTest, LinesMayBeLongerThanItsBuffer) {
  auto part = TextPart::Create(&fs_, "/out/part");
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

TEST_F(TextPartTest, SurvivesACrashOnceFinished) {
  auto part = TextPart::Create(&fs_, "/out/part");
  ASSERT_TRUE(part.ok());
  ASSERT_TRUE(memory_.SyncFolder("/").ok());
  (*part)->Write("a", "1");
  ASSERT_TRUE((*part)->Finish().ok());
  memory_.Crash();
  EXPECT_EQ(Part(), "a\t1\n");
}

TEST_F(TextPartTest, LeavesNothingWithoutFinish) {
  {
    auto part = TextPart::Create(&fs_, "/out/part");
    ASSERT_TRUE(part.ok());
    (*part)->Write("a", "1");
  }
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(TextPartTest, FinishReportsTheFirstError) {
  fs_.FailNth(FileOperation::kWrite, 1, absl::ResourceExhaustedError("no space"));
  {
    auto part = TextPart::Create(&fs_, "/out/part");
    ASSERT_TRUE(part.ok());
    (*part)->Write("a", "1");
    EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(memory_.List("/out")->empty());
}

TEST_F(TextPartTest, AFailedSyncIsAnError) {
  fs_.FailNth(FileOperation::kSync, 1, absl::DataLossError("the device failed"));
  auto part = TextPart::Create(&fs_, "/out/part");
  ASSERT_TRUE(part.ok());
  EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TextPartTest, WhatIsWrittenWellAfterAnErrorDoesNotUndoIt) {
  auto part = TextPart::Create(&fs_, "/out/part");
  ASSERT_TRUE(part.ok());
  fs_.FailNth(FileOperation::kWrite, 1, absl::ResourceExhaustedError("no space"));
  for (int i = 0; i < 5; ++i) (*part)->Write("key", std::string(400 << 10, 'v'));
  EXPECT_EQ((*part)->status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*part)->Finish().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(memory_.Stat("/out/part").ok());
}

}  // namespace
}  // namespace millrace
