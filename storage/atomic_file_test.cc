#include "storage/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AtomicFileTest : public ::testing::Test {
 protected:
  AtomicFileTest() {
    EXPECT_TRUE(memory_.CreateFolders("/d").ok());
    EXPECT_TRUE(memory_.SyncFolder("/d").ok());
  }

  std::unique_ptr<AtomicFile> Create() {
    auto file = AtomicFile::Create(fs_, "/d/f");
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  std::vector<std::string> Names() { return *memory_.List("/d"); }
  std::string Content() {
    auto content = ReadFile(memory_, "/d/f", /*max_bytes=*/100);
    return content.ok() ? *content : content.status().ToString();
  }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
};

TEST_F(AtomicFileTest, HasItsNameOnlyWhenItIsComplete) {
  auto file = Create();
  ASSERT_TRUE(file->Append("one ").ok());
  ASSERT_TRUE(file->Append("two").ok());
  EXPECT_EQ(file->size(), 7u);
  EXPECT_THAT(Names(), ElementsAre(std::string(BaseName(TemporaryName("/d/f")))));
  ASSERT_TRUE(file->Commit(AtomicFile::kNotDurable).ok());
  EXPECT_THAT(Names(), ElementsAre("f"));
  EXPECT_EQ(Content(), "one two");
}

TEST_F(AtomicFileTest, TheOldContentStaysUntilCommit) {
  ASSERT_TRUE(WriteFileAtomically(memory_, "/d/f", "old").ok());
  auto file = Create();
  ASSERT_TRUE(file->Append("new").ok());
  EXPECT_EQ(Content(), "old");
  ASSERT_TRUE(file->Commit(AtomicFile::kDurable).ok());
  EXPECT_EQ(Content(), "new");
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  ASSERT_TRUE(Create()->Append("half").ok());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(AtomicFileTest, ADurableFileSurvivesACrash) {
  auto file = Create();
  ASSERT_TRUE(file->Append("content").ok());
  ASSERT_TRUE(file->Commit(AtomicFile::kDurable).ok());
  memory_.Crash();
  EXPECT_EQ(Content(), "content");
}

TEST_F(AtomicFileTest, WhatNeedNotSurviveCostsNoSync) {
  fs_.FailEvery(FileOperation::kSync, absl::InternalError("a sync"));
  fs_.FailEvery(FileOperation::kSyncFolder, absl::InternalError("a sync of the folder"));
  EXPECT_TRUE(Create()->Commit(AtomicFile::kNotDurable).ok());
  EXPECT_EQ(Create()->Commit(AtomicFile::kDurable).code(), absl::StatusCode::kInternal);
}

TEST_F(AtomicFileTest, AnErrorAtAnyStepLeavesTheOldContentAlone) {
  ASSERT_TRUE(WriteFileAtomically(memory_, "/d/f", "old").ok());
  for (const FileOperation step : {FileOperation::kWrite, FileOperation::kSync,
                                   FileOperation::kClose, FileOperation::kRename}) {
    fs_.FailNth(step, 1, absl::DataLossError("the device failed"));
    {
      auto file = Create();
      absl::Status status = file->Append("new");
      if (status.ok()) status = file->Commit(AtomicFile::kDurable);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << static_cast<int>(step);
    }
    EXPECT_THAT(Names(), ElementsAre("f")) << static_cast<int>(step);
    EXPECT_EQ(Content(), "old") << static_cast<int>(step);
    fs_.Heal();
  }
}

TEST_F(AtomicFileTest, AFolderThatCannotBeSyncedIsAnError) {
  fs_.FailNth(FileOperation::kSyncFolder, 1, absl::DataLossError("the device failed"));
  EXPECT_EQ(Create()->Commit(AtomicFile::kDurable).code(), absl::StatusCode::kDataLoss);
}

TEST_F(AtomicFileTest, BytesThatWereNotWrittenAreNotCounted) {
  auto file = Create();
  fs_.FailNth(FileOperation::kWrite, 1, absl::DataLossError("the device failed"));
  EXPECT_FALSE(file->Append("lost").ok());
  EXPECT_EQ(file->size(), 0u);
}

TEST_F(AtomicFileTest, ACompleteFileTakesNothingMore) {
  auto file = Create();
  ASSERT_TRUE(file->Commit(AtomicFile::kDurable).ok());
  EXPECT_EQ(file->Append("more").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(file->Commit(AtomicFile::kDurable).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Content(), "");
}

TEST_F(AtomicFileTest, ItsFolderMustExist) {
  EXPECT_EQ(AtomicFile::Create(fs_, "/none/f").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace millrace
