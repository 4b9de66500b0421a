#include "worker/thread_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace millrace {
namespace {

void BurnMicroseconds(uint64_t microseconds) {
  const uint64_t until = ThreadCpuNanoseconds() + microseconds * 1000;
  while (ThreadCpuNanoseconds() < until) {
  }
}

PhaseTicks Sampled(WorkPhase a, uint64_t a_ticks, WorkPhase b, uint64_t b_ticks) {
  PhaseTicks ticks{};
  ticks[static_cast<size_t>(a)] = a_ticks;
  ticks[static_cast<size_t>(b)] = b_ticks;
  return ticks;
}

TEST(ThreadProfileTest, EachSectionIsItsPhasesAndTheirSumIsTheThreads) {
  const uint64_t before_ns = ThreadCpuNanoseconds();
  ThreadProfile profile;
  profile.Enter(WorkPhase::kMap, PhaseTicks());
  BurnMicroseconds(2000);
  profile.Enter(WorkPhase::kSort, PhaseTicks());
  BurnMicroseconds(1000);
  profile.AddBytes(WorkPhase::kSort, 5);
  const Profile found = profile.End(WorkPhase::kMap);
  const uint64_t used_us = (ThreadCpuNanoseconds() - before_ns) / 1000;
  EXPECT_GE(found[WorkPhase::kMap].cpu_us, 2000u);
  EXPECT_GE(found[WorkPhase::kSort].cpu_us, 1000u);
  EXPECT_EQ(found[WorkPhase::kSort].bytes, 5u);
  EXPECT_LE(found.cpu_us(), used_us);
  EXPECT_GE(found.cpu_us() + 1000, used_us);
}

TEST(ThreadProfileTest, ASectionIsDividedAsItsSamplesAre) {
  ThreadProfile profile;
  profile.Enter(WorkPhase::kReduce, PhaseTicks());
  BurnMicroseconds(4000);
  profile.Enter(WorkPhase::kWrite, Sampled(WorkPhase::kMerge, 300, WorkPhase::kReduce, 100));
  const Profile found = profile.End(WorkPhase::kReduce);
  const uint64_t reduce_us = found[WorkPhase::kReduce].cpu_us;
  EXPECT_GE(reduce_us, 1000u);
  EXPECT_NEAR(static_cast<double>(found[WorkPhase::kMerge].cpu_us),
              3.0 * static_cast<double>(reduce_us), 10.0);
}

TEST(ThreadProfileTest, ChildProcessesAreUserCode) {
  ThreadProfile profile;
  ASSERT_EQ(std::system("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done"), 0);
  const Profile found = profile.End(WorkPhase::kReduce);
  EXPECT_GT(found[WorkPhase::kReduce].cpu_us, 1000u);
}

}  // namespace
}  // namespace millrace
