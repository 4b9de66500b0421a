#include "client/inline_staging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

TEST(InlineStagingTest, OnlyStagingOfDeadInlineJobsIsRemoved) {
  PosixFileSystem fs;
  std::string output = ::testing::TempDir() + "staging-XXXXXX";
  ASSERT_NE(mkdtemp(output.data()), nullptr);
  for (const char* job : {"cluster", "dead", "living"}) {
    ASSERT_TRUE(fs.CreateFolders(StagingFolder(output, job)).ok());
  }
  ASSERT_NE(InlineStagingLock::Take(output, "dead"), nullptr);  // and lets go
  const std::unique_ptr<InlineStagingLock> living = InlineStagingLock::Take(output, "living");
  ASSERT_NE(living, nullptr);

  RemoveAbandonedStaging(fs, output);
  EXPECT_THAT(*fs.List(StagingRoot(output)), ElementsAre("cluster", "living"));
}

TEST(InlineStagingTest, WithoutStagingThereIsNothingToDo) {
  PosixFileSystem fs;
  RemoveAbandonedStaging(fs, ::testing::TempDir() + "nowhere");
}

}  // namespace
}  // namespace millrace
