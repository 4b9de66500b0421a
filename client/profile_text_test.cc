#include "client/profile_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/profile.h"

namespace millrace {
namespace {

TEST(ProfileTextTest, AJobWithoutAProfileHasNone) {
  JobView view;
  view.counters = {{"millrace/map_spills", 1}, {"words/odd", 2}};
  EXPECT_EQ(ProfileText(view), "");
}

TEST(ProfileTextTest, EachPhaseHasItsTimeItsShareAndItsBytes) {
  Profile profile;
  profile[WorkPhase::kRead] = {250'000, 1 << 30};
  profile[WorkPhase::kMap] = {500'000, 1 << 30};
  profile[WorkPhase::kControl] = {250'000, 0};
  profile.wait_us = 12'345'678;
  JobView view;
  AddToCounters(profile, &view.counters);
  EXPECT_EQ(ProfileText(view),
            "  profile   read           0.250 s   25.0 %  1 GiB\n"
            "            map            0.500 s   50.0 %  1 GiB\n"
            "            aggregate      0.000 s    0.0 %  0 B\n"
            "            sort           0.000 s    0.0 %  0 B\n"
            "            spill          0.000 s    0.0 %  0 B\n"
            "            shuffle        0.000 s    0.0 %  0 B\n"
            "            merge          0.000 s    0.0 %  0 B\n"
            "            reduce         0.000 s    0.0 %  0 B\n"
            "            write          0.000 s    0.0 %  0 B\n"
            "            control        0.250 s   25.0 %\n"
            "            all            1.000 s  100.0 %\n"
            "            wait          12.346 s  without CPU, while a slot was held\n");
}

}  // namespace
}  // namespace millrace
