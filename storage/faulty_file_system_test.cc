#include "storage/faulty_file_system.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "storage/file_system_contract.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

FileSystemUnderTest MakeFaulty() {
  auto base = std::make_unique<MemoryFileSystem>();
  EXPECT_TRUE(base->CreateFolders("/test").ok());
  auto fs = std::make_unique<FaultyFileSystem>(base.get());
  return {std::move(base), std::move(fs), "/test"};
}

// Without faults it is as good as what it wraps.
INSTANTIATE_TEST_SUITE_P(Faulty, FileSystemContract, ::testing::Values(MakeFaulty));

class FaultyFileSystemTest : public ::testing::Test {
 protected:
  FaultyFileSystemTest() { EXPECT_TRUE(memory_.CreateFolders("/d").ok()); }

  std::string Read(const std::string& path) { return ReadFile(memory_, path, 1000).value(); }

  MemoryFileSystem memory_;
  FaultyFileSystem fs_{&memory_};
};

const absl::Status kBroken = absl::DataLossError("the device failed");

TEST_F(FaultyFileSystemTest, WithoutFaultsEverythingGoesThrough) {
  EXPECT_TRUE(WriteFileAtomically(fs_, "/d/f", "content").ok());
  EXPECT_EQ(ReadFile(fs_, "/d/f", 1000).value(), "content");
  EXPECT_EQ(Read("/d/f"), "content");
}

TEST_F(FaultyFileSystemTest, OnlyTheNthOperationFails) {
  fs_.FailNth(FileOperation::kWrite, 2, kBroken);
  auto file = fs_.OpenForWriting("/d/f").value();
  EXPECT_TRUE(file->Append("1").ok());
  EXPECT_EQ(file->Append("2"), absl::DataLossError("/d/f: the device failed"));
  EXPECT_TRUE(file->Append("3").ok());
  EXPECT_EQ(Read("/d/f"), "13");
}

TEST_F(FaultyFileSystemTest, EveryOperationFailsUntilHealed) {
  fs_.FailEvery(FileOperation::kSync, kBroken);
  auto file = fs_.OpenForWriting("/d/f").value();
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(file->Sync().ok());
  fs_.Heal();
  EXPECT_TRUE(file->Sync().ok());
}

TEST_F(FaultyFileSystemTest, ReadsFailToo) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/f", "content").ok());
  fs_.FailNth(FileOperation::kRead, 1, kBroken);
  EXPECT_EQ(ReadFile(fs_, "/d/f", 1000).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadFile(fs_, "/d/f", 1000).value(), "content");
}

TEST_F(FaultyFileSystemTest, AFailedAtomicWriteLeavesTheOldContentAndNoTemporaryFile) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/d/f", "old").ok());
  for (FileOperation operation :
       {FileOperation::kOpenForWriting, FileOperation::kWrite, FileOperation::kSync,
        FileOperation::kClose, FileOperation::kRename}) {
    fs_.FailNth(operation, 1, kBroken);
    EXPECT_FALSE(WriteFileAtomically(fs_, "/d/f", "new").ok());
    EXPECT_EQ(Read("/d/f"), "old");
    EXPECT_EQ(memory_.List("/d")->size(), 1u);
  }
}

// What is in /d/f when the host crashes after the `changes`-th step of replacing "old" by "new".
std::string ContentAfterCrash(int changes, bool* finished) {
  MemoryFileSystem memory;
  EXPECT_TRUE(memory.CreateFolders("/d").ok());
  EXPECT_TRUE(memory.SyncFolder("/").ok());
  EXPECT_TRUE(WriteFileAtomically(memory, "/d/f", "old").ok());
  FaultyFileSystem fs(&memory);
  fs.StopAfter(changes);
  *finished = WriteFileAtomically(fs, "/d/f", "new").ok();
  memory.Crash();
  return ReadFile(memory, "/d/f", 1000).value();
}

TEST_F(FaultyFileSystemTest, AnAtomicWriteThatDiesAnywhereLeavesTheOldContent) {
  bool finished = false;
  int changes = 0;
  std::string content = ContentAfterCrash(changes, &finished);
  for (; !finished; content = ContentAfterCrash(++changes, &finished)) EXPECT_EQ(content, "old");
  EXPECT_EQ(content, "new");
  EXPECT_EQ(changes, 6);  // open, write, sync, close, rename, sync of the folder
}

TEST_F(FaultyFileSystemTest, AWriteThatIsCutOffLeavesItsFirstHalf) {
  auto file = fs_.OpenForWriting("/d/f").value();
  fs_.StopAfter(0);
  EXPECT_EQ(file->Append("12345678").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Read("/d/f"), "1234");
  EXPECT_TRUE(fs_.stopped());
}

TEST_F(FaultyFileSystemTest, AStoppedProcessDoesNothingMore) {
  fs_.StopAfter(1);
  EXPECT_TRUE(fs_.CreateFolders("/d/first").ok());
  EXPECT_TRUE(fs_.Stat("/d").ok());  // looking changes nothing
  EXPECT_FALSE(fs_.CreateFolders("/d/second").ok());
  EXPECT_FALSE(fs_.Stat("/d").ok());
  EXPECT_EQ(fs_.changes(), 1);
  EXPECT_FALSE(memory_.Stat("/d/second").ok());
}

TEST_F(FaultyFileSystemTest, FlipBitDamagesOneBit) {
  ASSERT_TRUE(WriteFileAtomically(memory_, "/d/f", "abc").ok());
  EXPECT_TRUE(FlipBit(memory_, "/d/f", 8).ok());
  EXPECT_EQ(Read("/d/f"), "acc");
  EXPECT_EQ(FlipBit(memory_, "/d/f", 24).code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace millrace
