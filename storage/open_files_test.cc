#include "storage/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace millrace {
namespace {

class OpenFilesTest : public testing::Test {
 protected:
  OpenFilesTest() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~OpenFilesTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  void SetSoftLimit(rlim_t limit) {
    const rlimit lower{limit, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  }

  rlimit before_ = {};
};

TEST_F(OpenFilesTest, ALowLimitIsRaisedToWhatIsAllowedAndSensible) {
  SetSoftLimit(100);
  EXPECT_EQ(OpenFilesLimit(), 100u);
  RaiseOpenFilesLimit();
  EXPECT_EQ(OpenFilesLimit(), std::min<size_t>(before_.rlim_max, 65'536));
}

TEST_F(OpenFilesTest, AHighLimitStays) {
  if (before_.rlim_max < 70'000) GTEST_SKIP() << "this host allows no such limit";
  SetSoftLimit(70'000);
  RaiseOpenFilesLimit();
  EXPECT_EQ(OpenFilesLimit(), 70'000u);
}

}  // namespace
}  // namespace millrace
