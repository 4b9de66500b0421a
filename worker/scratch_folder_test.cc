#include "worker/scratch_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "storage/posix_file_system.h"

namespace millrace {
namespace {

class ScratchFolderTest : public testing::Test {
 protected:
  ScratchFolderTest() {
    char folder[] = "/tmp/scratch_folder_test_XXXXXX";
    parent_ = mkdtemp(folder);
  }
  ~ScratchFolderTest() override { file_system_.RemoveTree(parent_).IgnoreError(); }

  std::unique_ptr<ScratchFolder> Make() {
    auto made = ScratchFolder::Make(file_system_, parent_);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  PosixFileSystem file_system_;
  std::string parent_;
};

TEST_F(ScratchFolderTest, TwoWorkersNeverMeetAndEachCleansUpAfterItself) {
  auto one = Make();
  auto two = Make();
  EXPECT_NE(one->path(), two->path());
  std::ofstream(one->path() + "/file") << "content";
  const std::string path = one->path();
  one.reset();
  EXPECT_FALSE(file_system_.Stat(path).ok());
  EXPECT_TRUE(file_system_.Stat(two->path()).ok());
}

TEST_F(ScratchFolderTest, WhatADeadWorkerLeftIsRemoved) {
  const std::string dead = parent_ + "/millrace-worker-1-abcdef";
  ASSERT_TRUE(file_system_.CreateFolders(dead).ok());
  std::ofstream(dead + "/lock") << "";  // nobody holds it
  std::ofstream(dead + "/run") << "content";
  std::ofstream(parent_ + "/somebody's file") << "content";
  auto mine = Make();
  EXPECT_FALSE(file_system_.Stat(dead).ok());
  EXPECT_TRUE(file_system_.Stat(parent_ + "/somebody's file").ok());
}

TEST_F(ScratchFolderTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(parent_ + "/file") << "content";
  const absl::Status status = ScratchFolder::Make(file_system_, parent_ + "/file").status();
  EXPECT_NE(std::string(status.message()).find(parent_ + "/file"), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace
