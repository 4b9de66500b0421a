#include "rpc/deadline.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

class DeadlineTest : public testing::Test {
 protected:
  DeadlineTest() : scope_(loop_), timer_(kj::origin<kj::TimePoint>()) {}
  ~DeadlineTest() noexcept override {}

  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TimerImpl timer_;
};

TEST_F(DeadlineTest, AnAnswerInTimeIsTheAnswer) {
  EXPECT_EQ(WithDeadline(timer_, 5 * kj::SECONDS, "counting", kj::Promise<int>(3)).wait(scope_), 3);
}

TEST_F(DeadlineTest, ALateAnswerIsOverloadedAndNamesTheCall) {
  kj::Promise<int> never = kj::NEVER_DONE;
  auto late = WithDeadline(timer_, 5 * kj::SECONDS, "counting", kj::mv(never));
  timer_.advanceTo(timer_.now() + 4999 * kj::MILLISECONDS);
  EXPECT_FALSE(late.poll(scope_));
  timer_.advanceTo(timer_.now() + 1 * kj::MILLISECONDS);
  try {
    late.wait(scope_);
    FAIL();
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), kj::Exception::Type::OVERLOADED);
    EXPECT_STREQ(e.getDescription().cStr(), "counting: no answer within 5 s");
  }
}

TEST_F(DeadlineTest, TheLateWorkIsCancelled) {
  bool cancelled = false;
  kj::Promise<void> never = kj::NEVER_DONE;
  kj::Promise<void> work = never.attach(kj::defer([&]() { cancelled = true; }));
  auto late = WithDeadline(timer_, 1 * kj::SECONDS, "working", kj::mv(work));
  timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
  EXPECT_THROW(late.wait(scope_), kj::Exception);
  EXPECT_TRUE(cancelled);
}

TEST_F(DeadlineTest, DurationsReadWell) {
  EXPECT_EQ(FormatDuration(250 * kj::MILLISECONDS), "250 ms");
  EXPECT_EQ(FormatDuration(1 * kj::SECONDS), "1 s");
  EXPECT_EQ(FormatDuration(1500 * kj::MILLISECONDS), "1.5 s");
  EXPECT_EQ(FormatDuration(2 * kj::MINUTES), "120 s");
}

}  // namespace
}  // namespace millrace
