#include "rpc/pinger.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>

namespace millrace {
namespace {

class PingerTest : public testing::Test {
 protected:
  PingerTest()
      : scope_(loop_),
        timer_(kj::origin<kj::TimePoint>()),
        pinger_(timer_, 5 * kj::SECONDS, 10 * kj::SECONDS, "red", [this]() { return Answer(); }),
        run_(pinger_.Run().eagerlyEvaluate(nullptr)) {}
  ~PingerTest() noexcept override {}

  kj::Promise<void> Answer() {
    ++pings_;
    if (frozen_) return kj::NEVER_DONE;
    if (broken_) return KJ_EXCEPTION(DISCONNECTED, "connection reset");
    return kj::READY_NOW;
  }

  void Advance(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
      scope_.poll();
    }
  }

  std::string Failure() {
    try {
      run_.wait(scope_);
    } catch (const kj::Exception& e) {
      return kj::str(e.getType(), ": ", e.getDescription()).cStr();
    }
    return "none";
  }

  int pings_ = 0;
  bool frozen_ = false;
  bool broken_ = false;
  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TimerImpl timer_;
  Pinger pinger_;
  kj::Promise<void> run_;
};

TEST_F(PingerTest, APeerThatAnswersIsAskedOncePerPeriod) {
  Advance(60);
  EXPECT_EQ(pings_, 12);
  EXPECT_FALSE(run_.poll(scope_));
}

TEST_F(PingerTest, AFrozenPeerIsNoticedAndNotAskedTwiceMeanwhile) {
  frozen_ = true;
  Advance(14);
  EXPECT_FALSE(run_.poll(scope_));
  EXPECT_EQ(pings_, 1);
  Advance(1);
  EXPECT_EQ(Failure(), "disconnected: red does not answer: pinging red: no answer within 10 s");
}

TEST_F(PingerTest, ABrokenConnectionIsNoticedAtOnce) {
  broken_ = true;
  Advance(5);
  EXPECT_EQ(Failure(), "disconnected: red does not answer: connection reset");
}

}  // namespace
}  // namespace millrace
