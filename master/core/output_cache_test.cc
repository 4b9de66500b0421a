#include "master/core/output_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};

Digest F(uint64_t number) { return Digest{0, number}; }
AttemptId A(uint64_t sequence) { return AttemptId{Epoch(1), sequence}; }
TaskId TaskOf(uint64_t number) { return TaskId{JobId(1), 0, static_cast<uint32_t>(number)}; }
std::pair<TaskId, AttemptId> Name(uint64_t number) { return {TaskOf(number), A(number)}; }

// The output number `number`, of 10 bytes.
RetainedOutput Output(uint64_t number, WorkerId worker = kRed) {
  RetainedOutput output;
  output.task = TaskOf(number);
  output.attempt = A(number);
  output.worker = worker;
  output.stats.output_bytes = 10;
  return output;
}

class OutputCacheTest : public testing::Test {
 protected:
  bool Finds(uint64_t number) { return cache_.Find(F(number)) != nullptr; }

  OutputCache cache_{{/*bytes=*/30, /*outputs=*/100}};
};

TEST_F(OutputCacheTest, AnOutputIsFoundByItsFingerprint) {
  cache_.Retain(F(1), Output(1));
  ASSERT_TRUE(Finds(1));
  EXPECT_EQ(cache_.Find(F(1))->attempt, A(1));
  EXPECT_FALSE(Finds(2));
  EXPECT_EQ(cache_.bytes(), 10u);
}

TEST_F(OutputCacheTest, BeyondTheLimitTheOldestGoes) {
  for (uint64_t i = 1; i <= 4; ++i) cache_.Retain(F(i), Output(i));
  EXPECT_FALSE(Finds(1));
  EXPECT_TRUE(Finds(2));
  EXPECT_THAT(cache_.TakeDropped(), ElementsAre(Pair(kRed, ElementsAre(Name(1)))));
  EXPECT_THAT(cache_.TakeDropped(), IsEmpty());
}

TEST_F(OutputCacheTest, BeyondTheLimitOfOutputsTheOldestGoesToo) {
  OutputCache few({/*bytes=*/1000, /*outputs=*/1});
  few.Retain(F(1), Output(1));
  few.Retain(F(2), Output(2));
  EXPECT_EQ(few.Find(F(1)), nullptr);
  EXPECT_NE(few.Find(F(2)), nullptr);
}

TEST_F(OutputCacheTest, WhatIsRetainedAgainIsTheNewestAndCountsOnce) {
  for (uint64_t i = 1; i <= 3; ++i) cache_.Retain(F(i), Output(i));
  cache_.Retain(F(1), Output(1));
  EXPECT_EQ(cache_.bytes(), 30u);
  EXPECT_THAT(cache_.TakeDropped(), IsEmpty());
  cache_.Retain(F(4), Output(4));
  EXPECT_TRUE(Finds(1));
  EXPECT_FALSE(Finds(2));
}

TEST_F(OutputCacheTest, WhatIsInUseStaysWhateverComes) {
  cache_.Retain(F(1), Output(1));
  cache_.Use(Output(1));
  for (uint64_t i = 2; i <= 9; ++i) cache_.Retain(F(i), Output(i));
  EXPECT_TRUE(Finds(1));
  cache_.LetGo(A(1));
  EXPECT_TRUE(Finds(1)) << "it fits";
  cache_.Retain(F(10), Output(10));
  EXPECT_FALSE(Finds(1)) << "and is the oldest";
}

TEST_F(OutputCacheTest, WhatIsHiddenIsDroppedWhenItsLastUserLetsGo) {
  cache_.Retain(F(1), Output(1));
  cache_.Use(Output(1));
  cache_.Use(Output(1));
  cache_.Hide(A(1));
  EXPECT_FALSE(Finds(1));
  EXPECT_EQ(cache_.bytes(), 0u);
  cache_.LetGo(A(1));
  EXPECT_TRUE(cache_.Has(A(1)));
  EXPECT_THAT(cache_.TakeDropped(), IsEmpty());
  cache_.LetGo(A(1));
  EXPECT_FALSE(cache_.Has(A(1)));
  EXPECT_THAT(cache_.TakeDropped(), ElementsAre(Pair(kRed, ElementsAre(Name(1)))));
}

TEST_F(OutputCacheTest, AnOutputTakesThePlaceOfAnotherWithItsFingerprint) {
  cache_.Retain(F(1), Output(1));
  cache_.Retain(F(1), Output(2));
  EXPECT_EQ(cache_.Find(F(1))->attempt, A(2));
  EXPECT_EQ(cache_.bytes(), 10u);
  EXPECT_THAT(cache_.TakeDropped(), ElementsAre(Pair(kRed, ElementsAre(Name(1)))));
}

TEST_F(OutputCacheTest, WhatOnlyAJobUsesIsNotFoundAndGoesWithIt) {
  cache_.Use(Output(1));
  EXPECT_TRUE(cache_.Has(A(1)));
  EXPECT_FALSE(Finds(1));
  cache_.LetGo(A(1));
  EXPECT_THAT(cache_.TakeDropped(), ElementsAre(Pair(kRed, ElementsAre(Name(1)))));
}

TEST_F(OutputCacheTest, NothingIsDroppedOnALostWorker) {
  cache_.Retain(F(1), Output(1, kRed));
  cache_.Retain(F(2), Output(2, kBlue));
  cache_.Use(Output(3, kRed));
  cache_.ForgetWorker(kRed);
  EXPECT_FALSE(Finds(1));
  EXPECT_TRUE(Finds(2));
  EXPECT_FALSE(cache_.Has(A(3)));
  cache_.LetGo(A(3));
  EXPECT_THAT(cache_.TakeDropped(), IsEmpty());
  EXPECT_THAT(cache_.OutputsOn(kBlue), testing::SizeIs(1));
}

}  // namespace
}  // namespace millrace
