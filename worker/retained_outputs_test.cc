#include "worker/retained_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_file_system.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RetainedOutputsTest : public testing::Test {
 protected:
  RetainedOutputsTest() {
    for (const char* path : {"/job-1/a.run", "/job-1/b.run", "/job-1/user/file", "/job-1/notes"}) {
      EXPECT_TRUE(disk_.CreateFolders(FolderOf(path)).ok());
      EXPECT_TRUE(WriteFileAtomically(disk_, path, "x").ok());
    }
  }
  std::vector<std::string> Left() {
    return disk_.List("/job-1").value_or(std::vector<std::string>());
  }

  MemoryFileSystem disk_;
};

TEST_F(RetainedOutputsTest, NamesTheFilesOfOneJob) {
  RetainedOutputs outputs;
  outputs.Add({Epoch(1), 2}, {JobId(1), 0, 3});
  outputs.Add({Epoch(1), 4}, {JobId(2), 0, 3});
  EXPECT_THAT(outputs.FilesOf(JobId(1)), ElementsAre("stage-0-task-00003-attempt-1-2.run"));
  outputs.Remove({Epoch(1), 2});
  EXPECT_THAT(outputs.FilesOf(JobId(1)), IsEmpty());
}

TEST_F(RetainedOutputsTest, OnlyTheFilesOfTheseNamesStay) {
  EXPECT_TRUE(RemoveAllBut(disk_, "/job-1", {"b.run", "gone.run"}).ok());
  EXPECT_THAT(Left(), ElementsAre("b.run"));
}

TEST_F(RetainedOutputsTest, WithoutNamesTheFolderGoes) {
  EXPECT_TRUE(RemoveAllBut(disk_, "/job-1", {}).ok());
  EXPECT_FALSE(disk_.Stat("/job-1").ok());
}

}  // namespace
}  // namespace millrace
