#include "rpc/ready_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ReadyFileTest : public testing::Test {
 protected:
  ReadyFileTest() { EXPECT_TRUE(fs_.CreateFolders("/run").ok()); }

  std::string Objection(const std::string& path) {
    const absl::Status status = ReadyFile(fs_, path).Check();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  MemoryFileSystem fs_;
};

TEST_F(ReadyFileTest, HoldsOneLine) {
  ReadyFile ready(fs_, "/run/ready");
  EXPECT_TRUE(ready.Write("{\"pid\": 1}").ok());
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{\"pid\": 1}\n");
}

TEST_F(ReadyFileTest, ReplacesWhatAnEarlierProcessHasLeft) {
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/ready", "a longer line of long ago\n").ok());
  ReadyFile ready(fs_, "/run/ready");
  EXPECT_TRUE(ready.Write("{}").ok());
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{}\n");
}

TEST_F(ReadyFileTest, GoesWithItsProcess) {
  {
    ReadyFile ready(fs_, "/run/ready");
    EXPECT_TRUE(ready.Write("{}").ok());
  }
  EXPECT_THAT(*fs_.List("/run"), IsEmpty());
}

// The next process is started while this one still drains.
TEST_F(ReadyFileTest, TheFileOfAnotherProcessStays) {
  {
    ReadyFile ready(fs_, "/run/ready");
    EXPECT_TRUE(ready.Write("{\"pid\": 1}").ok());
    EXPECT_TRUE(WriteFileAtomically(fs_, "/run/ready", "{\"pid\": 2}\n").ok());
  }
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{\"pid\": 2}\n");
}

TEST_F(ReadyFileTest, WhatAKilledProcessLeftCanBeRemovedEarly) {
  ReadyFile ready(fs_, "/run/ready");
  EXPECT_TRUE(ready.RemoveStale().ok()) << "there is none";
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/ready", "{\"pid\": 1}\n").ok());
  EXPECT_TRUE(ready.RemoveStale().ok());
  EXPECT_THAT(*fs_.List("/run"), IsEmpty());
}

TEST_F(ReadyFileTest, CheckingChangesNothing) {
  EXPECT_TRUE(ReadyFile(fs_, "/run/ready").Check().ok());
  EXPECT_THAT(*fs_.List("/run"), IsEmpty());
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/ready", "{\"pid\": 7}\n").ok());
  EXPECT_TRUE(ReadyFile(fs_, "/run/ready").Check().ok());
  EXPECT_THAT(*fs_.List("/run"), ElementsAre("ready"));
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{\"pid\": 7}\n");
}

TEST_F(ReadyFileTest, NothingButAReadyFileIsReplaced) {
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/words", "a year of work").ok());
  EXPECT_THAT(Objection("/run/words"), StartsWith("--ready_file: /run/words: "));
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/empty", "").ok());
  EXPECT_TRUE(ReadyFile(fs_, "/run/empty").Check().ok());
}

TEST_F(ReadyFileTest, APlaceThatCannotBeUsedIsNamedBeforehand) {
  EXPECT_THAT(Objection("/nowhere/ready"), StartsWith("--ready_file: /nowhere: "));
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/file", "").ok());
  EXPECT_THAT(Objection("/run/file/ready"), StartsWith("--ready_file: /run/file"));
  EXPECT_THAT(Objection("/run"), StartsWith("--ready_file: /run: is there"));
}

TEST_F(ReadyFileTest, WithoutAPathThereIsNoFile) {
  ReadyFile ready(fs_, "");
  EXPECT_TRUE(ready.Check().ok());
  EXPECT_TRUE(ready.RemoveStale().ok());
  EXPECT_TRUE(ready.Write("{}").ok());
}

}  // namespace
}  // namespace millrace
