// What every FileSystem promises of folders and of the names in them.
// Included by file_system_contract.h.
#ifndef MILLRACE_STORAGE_FOLDER_CONTRACT_H_
#define MILLRACE_STORAGE_FOLDER_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/file_system_fixture.h"

namespace millrace {

// --- Names ---

TEST_P(FileSystemContract, ListGivesNamesInByteOrder) {
  for (const char* name : {"b", "a", "B", "a.b", ".hidden"}) Write(Path(name), "");
  ASSERT_TRUE(fs_.CreateFolders(Path("a-folder")).ok());
  EXPECT_THAT(NamesIn(folder_),
              ::testing::ElementsAre(".hidden", "B", "a", "a-folder", "a.b", "b"));
  ExpectError(fs_.List(Path("none")).status(), kMissing, Path("none"));
}

TEST_P(FileSystemContract, CreateFoldersMakesThoseAboveAndMayBeRepeated) {
  EXPECT_TRUE(fs_.CreateFolders(Path("x/y/z")).ok());
  EXPECT_TRUE(fs_.CreateFolders(Path("x/y/z")).ok());
  EXPECT_TRUE(fs_.CreateFolders(Path("x/y")).ok());
  EXPECT_THAT(NamesIn(Path("x/y")), ::testing::ElementsAre("z"));
}

TEST_P(FileSystemContract, RemoveTreeTakesEverythingAndMayBeRepeated) {
  ASSERT_TRUE(fs_.CreateFolders(Path("x/y/z")).ok());
  Write(Path("x/f"), "");
  Write(Path("x/y/z/f"), "");
  EXPECT_TRUE(fs_.RemoveTree(Path("x")).ok());
  EXPECT_FALSE(Exists(Path("x")));
  EXPECT_TRUE(fs_.RemoveTree(Path("x")).ok());
  EXPECT_TRUE(fs_.RemoveTree(Path("x/y/z")).ok());
}

TEST_P(FileSystemContract, OnlyEmptyFoldersAreRemovedAsEmpty) {
  ASSERT_TRUE(fs_.CreateFolders(Path("x/y")).ok());
  ExpectError(fs_.RemoveEmptyFolder(Path("x")), kWrongKind, Path("x"));
  EXPECT_TRUE(fs_.RemoveEmptyFolder(Path("x/y")).ok());
  EXPECT_TRUE(fs_.RemoveEmptyFolder(Path("x")).ok());
  ExpectError(fs_.RemoveEmptyFolder(Path("x")), kMissing, Path("x"));
}

TEST_P(FileSystemContract, RemoveFileRemovesOne) {
  Write(Path("a"), "");
  Write(Path("b"), "");
  EXPECT_TRUE(fs_.RemoveFile(Path("a")).ok());
  EXPECT_THAT(NamesIn(folder_), ::testing::ElementsAre("b"));
  ExpectError(fs_.RemoveFile(Path("a")), kMissing, Path("a"));
}

// --- Rename ---

TEST_P(FileSystemContract, RenameReplacesAFile) {
  Write(Path("old"), "old");
  Write(Path("new"), "new");
  EXPECT_TRUE(fs_.Rename(Path("new"), Path("old")).ok());
  EXPECT_EQ(Read(Path("old")), "new");
  EXPECT_FALSE(Exists(Path("new")));
}

TEST_P(FileSystemContract, RenameToItselfChangesNothing) {
  Write(Path("f"), "content");
  EXPECT_TRUE(fs_.Rename(Path("f"), Path("f")).ok());
  EXPECT_EQ(Read(Path("f")), "content");
}

TEST_P(FileSystemContract, RenameMovesAFolderWithItsContent) {
  ASSERT_TRUE(fs_.CreateFolders(Path("from")).ok());
  ASSERT_TRUE(fs_.CreateFolders(Path("to")).ok());
  Write(Path("from/f"), "content");
  EXPECT_TRUE(fs_.Rename(Path("from"), Path("to/moved")).ok());
  EXPECT_EQ(Read(Path("to/moved/f")), "content");
}

TEST_P(FileSystemContract, RenameRefusesTheWrongKind) {
  Write(Path("file"), "");
  ASSERT_TRUE(fs_.CreateFolders(Path("folder")).ok());
  ASSERT_TRUE(fs_.CreateFolders(Path("full/x")).ok());
  EXPECT_EQ(fs_.Rename(Path("file"), Path("folder")).code(), kWrongKind);
  EXPECT_EQ(fs_.Rename(Path("folder"), Path("file")).code(), kWrongKind);
  EXPECT_EQ(fs_.Rename(Path("folder"), Path("full")).code(), kWrongKind);
  EXPECT_EQ(fs_.Rename(Path("folder"), Path("folder/inside")).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(FileSystemContract, RenamingWhatIsNotThereSaysSo) {
  ExpectError(fs_.Rename(Path("none"), Path("f")), kMissing, Path("none"));
  Write(Path("f"), "");
  EXPECT_EQ(fs_.Rename(Path("f"), Path("none/f")).code(), kMissing);
}

// --- Questions ---

TEST_P(FileSystemContract, FreeBytesAreKnownForWhatExists) {
  EXPECT_TRUE(fs_.FreeBytes(folder_).ok());
  ExpectError(fs_.FreeBytes(Path("none")).status(), kMissing, Path("none"));
}

TEST_P(FileSystemContract, RealPathTakesDotsOut) {
  ASSERT_TRUE(fs_.CreateFolders(Path("x/y")).ok());
  EXPECT_EQ(fs_.RealPath(Path("x/./y/../y/")).value(), fs_.RealPath(Path("x/y")).value());
  ExpectError(fs_.RealPath(Path("none")).status(), kMissing, Path("none"));
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FOLDER_CONTRACT_H_
