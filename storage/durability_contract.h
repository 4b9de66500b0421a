// What every FileSystem promises to those who want to find their files again after a crash: which
// steps there are and that they may be taken. What a crash then leaves can only be tried where one
// can be had, in memory. Included by file_system_contract.h.
#ifndef MILLRACE_STORAGE_DURABILITY_CONTRACT_H_
#define MILLRACE_STORAGE_DURABILITY_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/file_system_fixture.h"

namespace millrace {

TEST_P(FileSystemContract, AFileMaySyncAgainAsItGrows) {
  auto file = fs_.OpenForWriting(Path("f"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*file)->Append("one ").ok());
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(Read(Path("f")), "one ");
  EXPECT_TRUE((*file)->Append("two").ok());
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ(Read(Path("f")), "one two");
}

TEST_P(FileSystemContract, EveryChangeOfAFolderCanBeMadeDurable) {
  ASSERT_TRUE(fs_.CreateFolders(Path("x/y")).ok());
  EXPECT_TRUE(fs_.SyncFolder(Path("x/y")).ok());
  Write(Path("x/f"), "");
  EXPECT_TRUE(fs_.SyncFolder(Path("x")).ok());
  ASSERT_TRUE(fs_.Rename(Path("x/f"), Path("x/g")).ok());
  EXPECT_TRUE(fs_.SyncFolder(Path("x")).ok());
  ASSERT_TRUE(fs_.RemoveFile(Path("x/g")).ok());
  EXPECT_TRUE(fs_.SyncFolder(Path("x")).ok());
  EXPECT_THAT(NamesIn(Path("x")), ::testing::ElementsAre("y"));
}

TEST_P(FileSystemContract, SyncFolderNeedsOne) {
  EXPECT_TRUE(fs_.SyncFolder(folder_).ok());
  ExpectError(fs_.SyncFolder(Path("none")), kMissing, Path("none"));
}

TEST_P(FileSystemContract, WriteFileAtomicallyLeavesOnlyTheFile) {
  EXPECT_TRUE(WriteFileAtomically(fs_, Path("f"), "first").ok());
  EXPECT_TRUE(WriteFileAtomically(fs_, Path("f"), "second").ok());
  EXPECT_EQ(Read(Path("f")), "second");
  EXPECT_THAT(NamesIn(folder_), ::testing::ElementsAre("f"));
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_DURABILITY_CONTRACT_H_
