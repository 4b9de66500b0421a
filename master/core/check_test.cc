#include "master/core/check.h"

#include "gtest/gtest.h"

namespace millrace {
namespace {

TEST(CheckTest, AConditionThatHoldsChangesNothing) {
  int evaluated = 0;
  CORE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, ABrokenInvariantNamesItselfAndItsPlaceAndStopsTheProcess) {
  const int slots = 1;
  EXPECT_DEATH(CORE_CHECK(slots > 2), "check_test.cc:[0-9]+: broken invariant: slots > 2");
}

}  // namespace
}  // namespace millrace
