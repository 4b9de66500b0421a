#include "rpc/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Profile SomeProfile() {
  Profile profile;
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    profile.shares[i] = {100u + static_cast<uint64_t>(i), 1000u + static_cast<uint64_t>(i)};
  }
  profile.wait_us = 7;
  return profile;
}

TEST(ProfileTest, TravelsAsCountersThatAddUp) {
  std::map<std::string, int64_t> counters;
  AddToCounters(SomeProfile(), &counters);
  AddToCounters(SomeProfile(), &counters);
  EXPECT_EQ(counters.at("millrace.profile/read.cpu_us"), 200);
  const Profile sum = ProfileIn(counters);
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    EXPECT_EQ(sum.shares[i].cpu_us, 2u * (100 + i));
    EXPECT_EQ(sum.shares[i].bytes, 2u * (1000 + i));
  }
  EXPECT_EQ(sum.wait_us, 14u);
  EXPECT_EQ(sum.cpu_us(), 2u * (1000 + 45));
}

TEST(ProfileTest, IsTakenOutWithoutTheCountersBesideIt) {
  std::map<std::string, int64_t> counters = {{"a/b", 1}, {"millrace/c", 2}, {"z/y", 3}};
  EXPECT_FALSE(HasProfile(counters));
  AddToCounters(SomeProfile(), &counters);
  EXPECT_TRUE(HasProfile(counters));
  EraseProfile(&counters);
  EXPECT_FALSE(HasProfile(counters));
  EXPECT_THAT(counters, ElementsAre(Pair("a/b", 1), Pair("millrace/c", 2), Pair("z/y", 3)));
}

}  // namespace
}  // namespace millrace
