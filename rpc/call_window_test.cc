#include "rpc/call_window.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <iterator>
#include <set>

namespace millrace {
namespace {

TEST(CallWindowTest, NumbersCallsFromOneUp) {
  CallWindow window(10);
  EXPECT_EQ(window.Begin(), 1u);
  EXPECT_EQ(window.Begin(), 2u);
  EXPECT_EQ(window.outstanding(), 2u);
}

TEST(CallWindowTest, WhatIsSeenEndsBeforeTheFirstCallThatIsOutstanding) {
  CallWindow window(10);
  EXPECT_EQ(window.seen_up_to(), 0u);
  for (int i = 0; i < 3; ++i) window.Begin();
  window.End(2);
  EXPECT_EQ(window.seen_up_to(), 0u);
  window.End(1);
  EXPECT_EQ(window.seen_up_to(), 2u);
  window.End(3);
  EXPECT_EQ(window.seen_up_to(), 3u);
}

TEST(CallWindowTest, IsFullWhenAsManyAreOutstandingAsMayBe) {
  CallWindow window(2);
  window.Begin();
  EXPECT_FALSE(window.is_full());
  window.Begin();
  EXPECT_TRUE(window.is_full());
  window.End(1);
  EXPECT_FALSE(window.is_full());
}

TEST(CallWindowDeathTest, ACallEndsOnce) {
  CallWindow window(2);
  window.Begin();
  window.End(1);
  EXPECT_DEATH(window.End(1), "1");
}

// Never says of a call that it has ended before it has: its server would forget the reply.
RC_GTEST_PROP(CallWindowProperty, NothingThatIsOutstandingIsSeen, ()) {
  CallWindow window(8);
  std::set<uint64_t> outstanding;
  const int steps = *rc::gen::inRange(0, 100);
  for (int step = 0; step < steps; ++step) {
    if (!window.is_full() && (outstanding.empty() || *rc::gen::arbitrary<bool>())) {
      RC_ASSERT(outstanding.insert(window.Begin()).second);
    } else {
      auto ended = outstanding.begin();
      std::advance(ended, *rc::gen::inRange<size_t>(0, outstanding.size()));
      window.End(*ended);
      outstanding.erase(ended);
    }
    RC_ASSERT(outstanding.count(window.seen_up_to()) == 0);
    RC_ASSERT(outstanding.empty() || window.seen_up_to() + 1 == *outstanding.begin());
  }
}

}  // namespace
}  // namespace millrace
