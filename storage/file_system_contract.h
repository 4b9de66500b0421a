// What every FileSystem must do, as one parameterised suite.
//
//   INSTANTIATE_TEST_SUITE_P(Posix, FileSystemContract, ::testing::Values(MakePosix));
//
// The parameter makes a file system and an empty folder in it. Include this in one test file for
// each implementation.
#ifndef MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_
#define MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

struct FileSystemUnderTest {
  std::unique_ptr<FileSystem> base;  // behind `fs`, if it is a wrapper
  std::unique_ptr<FileSystem> fs;
  std::string folder;  // exists, is empty
};

class FileSystemContract : public ::testing::TestWithParam<FileSystemUnderTest (*)()> {
 protected:
  FileSystemContract() : made_(GetParam()()), fs_(*made_.fs), folder_(made_.folder) {}

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  void Write(const std::string& path, std::string_view content) {
    auto file = fs_.OpenForWriting(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(content).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }

  std::string Read(const std::string& path) {
    absl::StatusOr<std::string> content = ReadFile(fs_, path, 1 << 20);
    EXPECT_TRUE(content.ok()) << content.status();
    return content.value_or("");
  }

  bool Exists(const std::string& path) { return fs_.Stat(path).ok(); }

  std::vector<std::string> NamesIn(const std::string& folder) {
    absl::StatusOr<std::vector<std::string>> names = fs_.List(folder);
    EXPECT_TRUE(names.ok()) << names.status();
    return names.ok() ? *names : std::vector<std::string>();
  }

  FileSystemUnderTest made_;
  FileSystem& fs_;
  const std::string folder_;
};

// An error has this code, and its message begins with the path that it is about.
inline void ExpectError(const absl::Status& status, absl::StatusCode code,
                        const std::string& path) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(path + ": "));
}

constexpr absl::StatusCode kMissing = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kWrongKind = absl::StatusCode::kFailedPrecondition;

// --- Files ---

TEST_P(FileSystemContract, WhatWasAppendedIsRead) {
  auto file = fs_.OpenForWriting(Path("f"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Append("one ").ok());
  EXPECT_TRUE((*file)->Append("").ok());
  EXPECT_TRUE((*file)->Append(std::string_view("t\0o\xff", 4)).ok());
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ(Read(Path("f")), std::string("one t\0o\xff", 8));
}

TEST_P(FileSystemContract, LargePiecesArrive) {
  const std::string large(3 << 20, 'x');
  Write(Path("f"), large);
  absl::StatusOr<std::string> content = ReadFile(fs_, Path("f"), large.size());
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_TRUE(*content == large);
}

TEST_P(FileSystemContract, AClosedFileTakesNothingMore) {
  auto file = fs_.OpenForWriting(Path("f"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Close().ok());
  ExpectError((*file)->Append("x"), kWrongKind, Path("f"));
  ExpectError((*file)->Sync(), kWrongKind, Path("f"));
  ExpectError((*file)->Close(), kWrongKind, Path("f"));
}

TEST_P(FileSystemContract, OpenForWritingTruncates) {
  Write(Path("f"), "a long old content");
  Write(Path("f"), "new");
  EXPECT_EQ(Read(Path("f")), "new");
}

TEST_P(FileSystemContract, ReadsFromAnyOffsetAndShortOnlyAtTheEnd) {
  Write(Path("f"), "0123456789");
  auto file = fs_.OpenForReading(Path("f"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->size(), 10u);
  char buffer[8] = {};
  EXPECT_EQ((*file)->Read(4, 3, buffer).value(), 3u);
  EXPECT_EQ(std::string(buffer, 3), "456");
  EXPECT_EQ((*file)->Read(8, 8, buffer).value(), 2u);
  EXPECT_EQ(std::string(buffer, 2), "89");
  EXPECT_EQ((*file)->Read(10, 8, buffer).value(), 0u);
  EXPECT_EQ((*file)->Read(1000, 8, buffer).value(), 0u);
}

TEST_P(FileSystemContract, AnOpenFileCanBeReadAfterItsRemoval) {
  Write(Path("f"), "still here");
  auto file = fs_.OpenForReading(Path("f"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(fs_.RemoveFile(Path("f")).ok());
  char buffer[16];
  EXPECT_EQ((*file)->Read(0, sizeof(buffer), buffer).value(), 10u);
}

TEST_P(FileSystemContract, OpeningWhatIsNotThereSaysSo) {
  ExpectError(fs_.OpenForReading(Path("none")).status(), kMissing, Path("none"));
  ExpectError(fs_.OpenForWriting(Path("none/f")).status(), kMissing, Path("none/f"));
}

TEST_P(FileSystemContract, AFolderIsNotAFile) {
  ASSERT_TRUE(fs_.CreateFolders(Path("d")).ok());
  ExpectError(fs_.OpenForReading(Path("d")).status(), kWrongKind, Path("d"));
  ExpectError(fs_.OpenForWriting(Path("d")).status(), kWrongKind, Path("d"));
  ExpectError(fs_.RemoveFile(Path("d")), kWrongKind, Path("d"));
}

TEST_P(FileSystemContract, AFileIsNotAFolder) {
  Write(Path("f"), "");
  ExpectError(fs_.OpenForReading(Path("f/x")).status(), kWrongKind, Path("f/x"));
  ExpectError(fs_.OpenForWriting(Path("f/x")).status(), kWrongKind, Path("f/x"));
  ExpectError(fs_.Stat(Path("f/x")).status(), kWrongKind, Path("f/x"));
  ExpectError(fs_.List(Path("f")).status(), kWrongKind, Path("f"));
  ExpectError(fs_.CreateFolders(Path("f")), kWrongKind, Path("f"));
  ExpectError(fs_.RemoveTree(Path("f")), kWrongKind, Path("f"));
  ExpectError(fs_.RemoveEmptyFolder(Path("f")), kWrongKind, Path("f"));
  ExpectError(fs_.SyncFolder(Path("f")), kWrongKind, Path("f"));
}

TEST_P(FileSystemContract, StatTellsKindAndSize) {
  Write(Path("f"), "12345");
  ASSERT_TRUE(fs_.CreateFolders(Path("d")).ok());
  absl::StatusOr<FileInfo> file = fs_.Stat(Path("f"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->kind, FileKind::kRegular);
  EXPECT_EQ(file->size, 5u);
  EXPECT_GT(file->mtime_ns, 0);
  EXPECT_EQ(fs_.Stat(Path("d"))->kind, FileKind::kFolder);
  ExpectError(fs_.Stat(Path("none")).status(), kMissing, Path("none"));
}

TEST_P(FileSystemContract, DeviceAndInodeTellFilesApart) {
  Write(Path("a"), "");
  Write(Path("b"), "");
  FileInfo a = *fs_.Stat(Path("a")), b = *fs_.Stat(Path("b"));
  EXPECT_NE(a.inode, b.inode);
  ASSERT_TRUE(fs_.Rename(Path("a"), Path("c")).ok());
  FileInfo c = *fs_.Stat(Path("c"));
  EXPECT_EQ(c.inode, a.inode);
  EXPECT_EQ(c.device, a.device);
}

// --- Folders ---

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

TEST_P(FileSystemContract, SyncFolderNeedsOne) {
  EXPECT_TRUE(fs_.SyncFolder(folder_).ok());
  ExpectError(fs_.SyncFolder(Path("none")), kMissing, Path("none"));
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

// --- Whole files at once ---

TEST_P(FileSystemContract, ReadFileRefusesMoreThanItsLimit) {
  Write(Path("f"), "12345");
  EXPECT_TRUE(ReadFile(fs_, Path("f"), 5).ok());
  ExpectError(ReadFile(fs_, Path("f"), 4).status(), absl::StatusCode::kResourceExhausted,
              Path("f"));
}

TEST_P(FileSystemContract, WriteFileAtomicallyLeavesOnlyTheFile) {
  EXPECT_TRUE(WriteFileAtomically(fs_, Path("f"), "first").ok());
  EXPECT_TRUE(WriteFileAtomically(fs_, Path("f"), "second").ok());
  EXPECT_EQ(Read(Path("f")), "second");
  EXPECT_THAT(NamesIn(folder_), ::testing::ElementsAre("f"));
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_
