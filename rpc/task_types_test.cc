#include "rpc/task_types.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace millrace {
namespace {

// The names of values 0 to count - 1 of an enum.
template <typename E>
std::set<std::string> Names(int count) {
  std::set<std::string> names;
  for (int i = 0; i < count; ++i) names.insert(Name(static_cast<E>(i)));
  return names;
}

TEST(TaskTypesTest, EveryReasonAndCauseHasANameOfItsOwn) {
  EXPECT_EQ(Names<Reason>(kReasonCount).size(), static_cast<size_t>(kReasonCount));
  EXPECT_EQ(Names<Cause>(kCauseCount).size(), static_cast<size_t>(kCauseCount));
  EXPECT_EQ(Names<JobState>(5).size(), 5u);
}

TEST(TaskTypesTest, TheCountsLeaveNoValueOut) {
  EXPECT_STREQ(Name(static_cast<Reason>(kReasonCount)), "unknown");
  EXPECT_STREQ(Name(static_cast<Cause>(kCauseCount)), "unknown");
  EXPECT_STREQ(Name(static_cast<JobState>(5)), "UNKNOWN");
}

TEST(TaskTypesTest, NamesThatScriptsReadStayAsTheyAre) {
  EXPECT_EQ(Names<Reason>(kReasonCount),
            (std::set<std::string>{"first", "user_failure", "worker_lost", "output_lost",
                                   "speculative", "worker_failed", "timed_out"}));
  EXPECT_EQ(Names<JobState>(5),
            (std::set<std::string>{"RUNNING", "PUBLISHING", "SUCCEEDED", "FAILED", "CANCELLED"}));
  EXPECT_STREQ(Name(Cause::kUserCodeFailed), "user_code_failed");
}

TEST(TaskTypesTest, ATaskIsCalledByKindAndIndex) {
  EXPECT_EQ(TaskName(StageKind::kMap, 12), "map-00012");
  EXPECT_EQ(TaskName(StageKind::kReduce, 3), "reduce-00003");
  EXPECT_EQ(TaskName(StageKind::kMap, 4'000'000'000u), "map-4000000000");
}

}  // namespace
}  // namespace millrace
