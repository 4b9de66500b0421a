#include "apps/chat/bell.h"

#include <gtest/gtest.h>
#include <kj/async.h>

#include <memory>

namespace millrace::chat {
namespace {

class BellTest : public testing::Test {
 protected:
  ~BellTest() noexcept override {}

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
};

TEST_F(BellTest, WakesEverybodyWhoWaits) {
  Bell bell;
  auto one = bell.Next();
  auto two = bell.Next();
  EXPECT_FALSE(one.poll(scope_));
  bell.Ring();
  EXPECT_TRUE(one.poll(scope_));
  EXPECT_TRUE(two.poll(scope_));
}

TEST_F(BellTest, WhoAsksAfterwardsWaitsForTheNextTime) {
  Bell bell;
  bell.Ring();
  auto late = bell.Next();
  EXPECT_FALSE(late.poll(scope_));
}

TEST_F(BellTest, WhoLosesInterestIsForgotten) {
  Bell bell;
  { auto dropped = bell.Next(); }
  EXPECT_EQ(bell.waiters(), 0u);
  bell.Ring();
}

TEST_F(BellTest, APromiseMayOutliveTheBell) {
  auto bell = std::make_unique<Bell>();
  auto promise = bell->Next();
  bell = nullptr;
  EXPECT_FALSE(promise.poll(scope_));
}

}  // namespace
}  // namespace millrace::chat
