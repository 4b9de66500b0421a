#include "tests/sim/world.h"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

class WorldTest : public testing::Test {
 protected:
  ~WorldTest() noexcept override {}

  World world_{/*seed=*/1, /*print_trace=*/false};
  Life life_{world_, "red", /*clock_rate=*/1.0};
};

// Nothing is due in between, which is no reason to be late afterwards.
TEST_F(WorldTest, ADeadlineThatBeginsAfterARunHasAllItsTime) {
  world_.RunFor(10 * kj::MINUTES);
  auto deadline = life_.timer().afterDelay(5 * kj::SECONDS);
  world_.RunFor(4 * kj::SECONDS);
  EXPECT_FALSE(deadline.poll(world_.scope()));
  world_.RunFor(2 * kj::SECONDS);
  EXPECT_TRUE(deadline.poll(world_.scope()));
}

TEST_F(WorldTest, TheSameAfterARunThatHasReachedItsLimit) {
  EXPECT_FALSE(world_.RunUntil([]() { return false; }, 10 * kj::MINUTES));
  auto deadline = life_.timer().afterDelay(5 * kj::SECONDS);
  world_.RunFor(4 * kj::SECONDS);
  EXPECT_FALSE(deadline.poll(world_.scope()));
}

TEST_F(WorldTest, TheClockOfAStoppedProcessStandsStill) {
  const kj::TimePoint before = life_.timer().now();
  life_.Stop();
  world_.RunFor(10 * kj::SECONDS);
  EXPECT_TRUE(life_.timer().now() == before);
  life_.Continue();
  world_.RunFor(1 * kj::SECONDS);
  EXPECT_TRUE(life_.timer().now() - before == 11 * kj::SECONDS);
}

// What is due at the very end of a run belongs to it.
TEST_F(WorldTest, WhatIsDueWithinARunHappensInIt) {
  auto timer = life_.timer().afterDelay(5 * kj::SECONDS);
  bool rang = false;
  auto ring = timer.then([&]() { rang = true; }).eagerlyEvaluate(nullptr);
  world_.RunFor(5 * kj::SECONDS);
  EXPECT_TRUE(rang);
}

}  // namespace
}  // namespace millrace::sim
