// What every FileSystem promises of files: what was written is read, and nothing else is a file.
// Included by file_system_contract.h.
#ifndef MILLRACE_STORAGE_FILE_CONTRACT_H_
#define MILLRACE_STORAGE_FILE_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/file_system_fixture.h"

namespace millrace {

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

TEST_P(FileSystemContract, ReadFileRefusesMoreThanItsLimit) {
  Write(Path("f"), "12345");
  EXPECT_TRUE(ReadFile(fs_, Path("f"), 5).ok());
  ExpectError(ReadFile(fs_, Path("f"), 4).status(), absl::StatusCode::kResourceExhausted,
              Path("f"));
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FILE_CONTRACT_H_
