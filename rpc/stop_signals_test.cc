#include "rpc/stop_signals.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <signal.h>
#include <unistd.h>

namespace millrace {
namespace {

kj::AsyncIoContext MakeLoop() {
  StopSignals::Capture();
  return kj::setupAsyncIo();
}

class StopSignalsTest : public testing::Test {
 protected:
  ~StopSignalsTest() noexcept override {}

  kj::AsyncIoContext io_ = MakeLoop();
  StopSignals signals_{io_.unixEventPort};
};

TEST_F(StopSignalsTest, EachSignalResolvesItsOwnPromise) {
  auto terminated = signals_.Terminated();
  auto interrupted = signals_.Interrupted();
  EXPECT_FALSE(terminated.poll(io_.waitScope));
  kill(getpid(), SIGTERM);
  terminated.wait(io_.waitScope);
  EXPECT_FALSE(interrupted.poll(io_.waitScope));
  kill(getpid(), SIGINT);
  interrupted.wait(io_.waitScope);
}

TEST_F(StopSignalsTest, ASignalThatCameBeforeItWasAskedForIsKept) {
  kill(getpid(), SIGTERM);
  signals_.Terminated().wait(io_.waitScope);
}

}  // namespace
}  // namespace millrace
