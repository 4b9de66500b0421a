#include "rpc/lifeline.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace millrace {
namespace {

class LifelineTest : public testing::Test {
 protected:
  LifelineTest() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~LifelineTest() noexcept override {}

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  int ends_[2] = {-1, -1};
};

TEST_F(LifelineTest, EndsWhenTheOtherEndIsClosedWhateverWasSaidBefore) {
  Lifeline lifeline(*io_.lowLevelProvider, ends_[0]);
  auto ended = lifeline.Ended();
  EXPECT_FALSE(ended.poll(io_.waitScope));
  EXPECT_EQ(write(ends_[1], "still here", 10), 10);
  EXPECT_FALSE(ended.poll(io_.waitScope));
  close(ends_[1]);
  ended.wait(io_.waitScope);
}

TEST_F(LifelineTest, TheDescriptorIsClosedWithIt) {
  { Lifeline lifeline(*io_.lowLevelProvider, ends_[0]); }
  EXPECT_EQ(fcntl(ends_[0], F_GETFD), -1);
  close(ends_[1]);
}

TEST_F(LifelineTest, WithoutADescriptorItNeverEnds) {
  Lifeline lifeline(*io_.lowLevelProvider, -1);
  EXPECT_FALSE(lifeline.Ended().poll(io_.waitScope));
  close(ends_[0]);
  close(ends_[1]);
}

}  // namespace
}  // namespace millrace
