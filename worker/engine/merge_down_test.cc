#include "worker/engine/merge_down.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace millrace {
namespace {

class FanInTest : public testing::Test {
 protected:
  FanInTest() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~FanInTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  size_t FanInWith(rlim_t open_files, uint64_t memory_bytes) {
    const rlimit limit{open_files, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return FanInFor(memory_bytes);
  }

  rlimit before_ = {};
};

TEST_F(FanInTest, FollowsTheMemory) {
  EXPECT_EQ(FanInWith(1024, 100 * kMergeSourceBytes), 100u);
  EXPECT_EQ(FanInWith(1024, 0), 2u);
  EXPECT_EQ(FanInWith(1024, uint64_t{1} << 40), 512u);
}

TEST_F(FanInTest, LeavesDescriptorsToOthers) {
  EXPECT_EQ(FanInWith(256, uint64_t{1} << 40), 224u);
  EXPECT_EQ(FanInWith(64, uint64_t{1} << 40), 32u);
  EXPECT_EQ(FanInWith(33, uint64_t{1} << 40), 2u);
  EXPECT_EQ(FanInWith(20, uint64_t{1} << 40), 2u);
}

}  // namespace
}  // namespace millrace
