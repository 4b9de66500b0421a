#include "storage/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "storage/file_system_contract.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FileSystemUnderTest MakeMemory() {
  auto fs = std::make_unique<MemoryFileSystem>();
  EXPECT_TRUE(fs->CreateFolders("/test").ok());
  return {nullptr, std::move(fs), "/test"};
}

INSTANTIATE_TEST_SUITE_P(Memory, FileSystemContract, ::testing::Values(MakeMemory));

class MemoryFileSystemTest : public ::testing::Test {
 protected:
  MemoryFileSystemTest() {
    EXPECT_TRUE(fs_.CreateFolders("/d").ok());
    EXPECT_TRUE(fs_.SyncFolder("/d").ok());
  }

  std::unique_ptr<WritableFile> Create(const std::string& path) {
    return fs_.OpenForWriting(path).value();
  }
  std::string Read(const std::string& path) { return ReadFile(fs_, path, 1000).value(); }

  MemoryFileSystem fs_;
};

// --- Crashes ---

TEST_F(MemoryFileSystemTest, ACrashKeepsWhatWasSynced) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/f", "content").ok());
  fs_.Crash();
  EXPECT_EQ(Read("/d/f"), "content");
}

TEST_F(MemoryFileSystemTest, ACrashLosesContentThatWasNotSynced) {
  auto file = Create("/d/f");
  ASSERT_TRUE(file->Append("durable").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs_.SyncFolder("/d").ok());
  ASSERT_TRUE(file->Append(" and not").ok());
  ASSERT_TRUE(file->Close().ok());
  fs_.Crash();
  EXPECT_EQ(Read("/d/f"), "durable");
}

TEST_F(MemoryFileSystemTest, ACrashLosesTheNameOfAFileIfItsFolderWasNotSynced) {
  auto file = Create("/d/f");
  ASSERT_TRUE(file->Append("content").ok());
  ASSERT_TRUE(file->Sync().ok());
  fs_.Crash();
  EXPECT_THAT(*fs_.List("/d"), IsEmpty());
}

TEST_F(MemoryFileSystemTest, ASyncedFolderIsFoundAfterACrashAndNothingBesideIt) {
  ASSERT_TRUE(fs_.CreateFolders("/a/b/c").ok());
  ASSERT_TRUE(fs_.CreateFolders("/a/beside").ok());
  ASSERT_TRUE(fs_.SyncFolder("/a/b").ok());
  fs_.Crash();
  EXPECT_THAT(*fs_.List("/a"), ElementsAre("b"));
  EXPECT_THAT(*fs_.List("/a/b"), ElementsAre("c"));
}

TEST_F(MemoryFileSystemTest, ACrashTakesBackRenamesAndRemovals) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/renamed", "1").ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/removed", "2").ok());
  ASSERT_TRUE(fs_.Rename("/d/renamed", "/d/new").ok());
  ASSERT_TRUE(fs_.RemoveFile("/d/removed").ok());
  fs_.Crash();
  EXPECT_THAT(*fs_.List("/d"), ElementsAre("removed", "renamed"));
}

TEST_F(MemoryFileSystemTest, ACrashTakesBackATruncation) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/f", "old").ok());
  Create("/d/f");
  EXPECT_EQ(Read("/d/f"), "");
  fs_.Crash();
  EXPECT_EQ(Read("/d/f"), "old");
}

TEST_F(MemoryFileSystemTest, FilesOpenAtACrashAreDead) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/f", "content").ok());
  auto written = Create("/d/g");
  auto read = fs_.OpenForReading("/d/f").value();
  fs_.Crash();
  char byte;
  EXPECT_EQ(read->Read(0, 1, &byte).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(written->Append("x").code(), absl::StatusCode::kUnavailable);
}

// --- Capacity ---

TEST_F(MemoryFileSystemTest, AFullDiskSaysWhatIsNeededAndWhatIsFree) {
  fs_.SetCapacity(10);
  auto file = Create("/d/f");
  ASSERT_TRUE(file->Append("1234567").ok());
  EXPECT_EQ(*fs_.FreeBytes("/d"), 3u);
  absl::Status status = file->Append("8901");
  ExpectError(status, absl::StatusCode::kResourceExhausted, "/d/f");
  EXPECT_THAT(std::string(status.message()), HasSubstr("needs 4 bytes, 3 are free"));
  EXPECT_EQ(Read("/d/f"), "1234567");
}

TEST_F(MemoryFileSystemTest, RemovingAFileGivesItsSpaceBack) {
  fs_.SetCapacity(10);
  ASSERT_TRUE(Create("/d/f")->Append("1234567890").ok());
  ASSERT_TRUE(fs_.RemoveFile("/d/f").ok());
  EXPECT_TRUE(Create("/d/g")->Append("1234567890").ok());
}

TEST_F(MemoryFileSystemTest, EveryChangeOfAFileChangesItsTime) {
  auto file = Create("/d/f");
  const int64_t created = fs_.Stat("/d/f")->mtime_ns;
  ASSERT_TRUE(file->Append("x").ok());
  const int64_t appended = fs_.Stat("/d/f")->mtime_ns;
  Create("/d/f");
  EXPECT_LT(created, appended);
  EXPECT_LT(appended, fs_.Stat("/d/f")->mtime_ns);
}

}  // namespace
}  // namespace millrace
