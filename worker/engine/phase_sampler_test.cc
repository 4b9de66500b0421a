#include "worker/engine/phase_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr uint64_t kEvery = PhaseSampler::kTurnsPerSample;

// Goes on by one tick at each look, and by what the test says.
class HandClock : public WorkClock {
 public:
  void Enter(WorkPhase, const PhaseTicks&) override {}
  void AddBytes(WorkPhase, uint64_t) override {}
  uint64_t Ticks() override {
    ++looks;
    return ++now;
  }
  uint64_t now = 0;
  uint64_t looks = 0;
};

class PhaseSamplerTest : public ::testing::Test {
 protected:
  // Turns of 3 ticks of merging and 5 of writing.
  void Turns(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      sampler_.NextTurn(WorkPhase::kMerge);
      clock_.now += 3;
      sampler_.Switch(WorkPhase::kWrite);
      clock_.now += 5;
    }
  }
  uint64_t Of(const PhaseTicks& ticks, WorkPhase phase) {
    return ticks[static_cast<size_t>(phase)];
  }

  HandClock clock_;
  PhaseSampler sampler_{&clock_};
};

TEST_F(PhaseSamplerTest, OneTurnOfManyIsLookedAt) {
  const uint64_t looks = clock_.looks;
  Turns(10 * kEvery);
  const PhaseTicks ticks = sampler_.Take();
  EXPECT_EQ(Of(ticks, WorkPhase::kMerge), 30u);
  EXPECT_EQ(Of(ticks, WorkPhase::kWrite), 50u);
  EXPECT_EQ(clock_.looks - looks, 30u);
}

TEST_F(PhaseSamplerTest, ASectionBeginsWithoutWhatTheOneBeforeSampled) {
  Turns(kEvery);
  sampler_.Take();
  Turns(kEvery - 1);
  EXPECT_EQ(sampler_.Take(), PhaseTicks());
}

TEST_F(PhaseSamplerTest, ATurnThatASectionCutsShortCountsAsFarAsItWent) {
  Turns(kEvery - 1);
  sampler_.NextTurn(WorkPhase::kMerge);
  clock_.now += 3;
  EXPECT_TRUE(sampler_.looking());
  EXPECT_EQ(Of(sampler_.Take(), WorkPhase::kMerge), 3u);
  EXPECT_FALSE(sampler_.looking());
}

TEST(PhaseSamplerWithoutClockTest, NeverLooks) {
  PhaseSampler sampler;
  for (uint64_t i = 0; i < 10 * kEvery; ++i) {
    sampler.NextTurn(WorkPhase::kMerge);
    EXPECT_FALSE(sampler.looking());
  }
  EXPECT_EQ(sampler.Take(), PhaseTicks());
}

}  // namespace
}  // namespace millrace
