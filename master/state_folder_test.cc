#include "master/state_folder.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StateFolderTest : public ::testing::Test {
 protected:
  StateFolderTest() {
    folder_ = testing::TempDir() + "/state-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    EXPECT_TRUE(fs_.RemoveTree(folder_).ok());
  }

  PosixFileSystem fs_;
  std::string folder_;
};

TEST_F(StateFolderTest, IsCreatedWithAClusterIdAndTheFirstEpoch) {
  const auto state = StateFolder::Open(fs_, folder_ + "/a/b");
  ASSERT_EQ(state.status(), absl::OkStatus());
  EXPECT_EQ((*state)->cluster_id().size(), 32);
  EXPECT_EQ((*state)->epoch(), Epoch(1));
}

TEST_F(StateFolderTest, EachLifeOfTheMasterHasTheNextEpochOfTheSameCluster) {
  const std::string cluster_id = (*StateFolder::Open(fs_, folder_))->cluster_id();
  const auto second = StateFolder::Open(fs_, folder_);
  ASSERT_EQ(second.status(), absl::OkStatus());
  EXPECT_EQ((*second)->cluster_id(), cluster_id);
  EXPECT_EQ((*second)->epoch(), Epoch(2));
}

TEST_F(StateFolderTest, TwoFoldersAreTwoClusters) {
  const auto one = StateFolder::Open(fs_, folder_ + "/1");
  const auto two = StateFolder::Open(fs_, folder_ + "/2");
  EXPECT_NE((*one)->cluster_id(), (*two)->cluster_id());
}

TEST_F(StateFolderTest, ASecondMasterIsRefusedAndToldWhoWasFirst) {
  const auto first = StateFolder::Open(fs_, folder_);
  const absl::Status second = StateFolder::Open(fs_, folder_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()),
              HasSubstr("process " + std::to_string(getpid()) + " on host "));
  EXPECT_THAT(std::string(second.message()), HasSubstr(folder_));
}

TEST_F(StateFolderTest, AFileInTheWayIsNamedWithTheFlagAndWhatToDo) {
  ASSERT_TRUE(fs_.CreateFolders(folder_).ok());
  std::ofstream(folder_ + "/file") << "x";
  const absl::Status status = StateFolder::Open(fs_, folder_ + "/file/state").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("--state_dir: " + folder_ + "/file: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("; choose a folder"));
}

TEST_F(StateFolderTest, ADamagedIdentityIsRefusedByName) {
  ASSERT_TRUE(StateFolder::Open(fs_, folder_).ok());
  std::ofstream(folder_ + "/identity") << "cluster 12 epoch x";
  const absl::Status status = StateFolder::Open(fs_, folder_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ + "/identity"));
}

TEST_F(StateFolderTest, AJournalWithoutItsIdentityIsRefused) {
  ASSERT_TRUE(StateFolder::Open(fs_, folder_).ok());
  std::ofstream(folder_ + "/journal.db") << "x";
  std::remove((folder_ + "/identity").c_str());
  EXPECT_EQ(StateFolder::Open(fs_, folder_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace millrace
