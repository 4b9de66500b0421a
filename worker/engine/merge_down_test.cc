#include "worker/engine/merge_down.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace millrace {
namespace {

class OpenSourcesTest : public testing::Test {
 protected:
  OpenSourcesTest() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~OpenSourcesTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  size_t OpenSourcesWith(rlim_t open_files) {
    const rlimit limit{open_files, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return OpenSourcesMax();
  }

  rlimit before_ = {};
};

TEST_F(OpenSourcesTest, LeaveDescriptorsToOthers) {
  EXPECT_EQ(OpenSourcesWith(256), 224u);
  EXPECT_EQ(OpenSourcesWith(64), 32u);
  EXPECT_EQ(OpenSourcesWith(20), 0u);
}

TEST_F(OpenSourcesTest, AreNoMoreThanAreOfUse) { EXPECT_EQ(OpenSourcesWith(1024), 512u); }

}  // namespace
}  // namespace millrace
