#include "rpc/ids.h"

#include <sstream>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

static_assert(!std::is_constructible_v<JobId, WorkerId>, "ids of two kinds do not mix");
static_assert(!std::is_convertible_v<uint64_t, JobId>, "a number is no id");

template <typename T>
std::string Printed(const T& id) {
  std::ostringstream out;
  out << id;
  return out.str();
}

TEST(IdsTest, PrintWhatTheyAre) {
  EXPECT_EQ(ToString(JobId(3)), "job-3");
  EXPECT_EQ(ToString(WorkerId(2)), "worker-2");
  EXPECT_EQ(ToString(AttemptId{Epoch(1), 17}), "attempt-1-17");
  EXPECT_EQ(Printed(Epoch(4)), "epoch-4");
  EXPECT_EQ(Printed(Incarnation(5)), "incarnation-5");
  EXPECT_EQ(Printed(TaskId{JobId(3), 1, 12}), "job-3/1/12");
}

TEST(IdsTest, ZeroStandsForNone) {
  EXPECT_FALSE(JobId().is_set());
  EXPECT_TRUE(JobId(1).is_set());
  EXPECT_FALSE(AttemptId().is_set());
  EXPECT_TRUE((AttemptId{Epoch(1), 0}).is_set());
}

TEST(IdsTest, OrderByTheirPartsFromLeftToRight) {
  EXPECT_LT(JobId(1), JobId(2));
  EXPECT_LT((TaskId{JobId(1), 9, 9}), (TaskId{JobId(2), 0, 0}));
  EXPECT_LT((TaskId{JobId(1), 0, 9}), (TaskId{JobId(1), 1, 0}));
  EXPECT_LT((TaskId{JobId(1), 1, 0}), (TaskId{JobId(1), 1, 1}));
  EXPECT_LT((AttemptId{Epoch(1), 9}), (AttemptId{Epoch(2), 1}));
  EXPECT_LT((AttemptId{Epoch(2), 1}), (AttemptId{Epoch(2), 2}));
}

TEST(IdsTest, AreEqualOnlyWhenAllTheirPartsAre) {
  const TaskId task{JobId(1), 2, 3};
  EXPECT_EQ(task, (TaskId{JobId(1), 2, 3}));
  EXPECT_NE(task, (TaskId{JobId(9), 2, 3}));
  EXPECT_NE(task, (TaskId{JobId(1), 9, 3}));
  EXPECT_NE(task, (TaskId{JobId(1), 2, 9}));
  const AttemptId attempt{Epoch(1), 2};
  EXPECT_NE(attempt, (AttemptId{Epoch(9), 2}));
  EXPECT_NE(attempt, (AttemptId{Epoch(1), 9}));
}

TEST(IdsTest, HashByAllTheirParts) {
  EXPECT_EQ(absl::flat_hash_set<TaskId>({TaskId{JobId(1), 0, 0}, TaskId{JobId(2), 0, 0},
                                         TaskId{JobId(1), 1, 0}, TaskId{JobId(1), 0, 1},
                                         TaskId{JobId(1), 0, 0}})
                .size(),
            4u);
}

}  // namespace
}  // namespace millrace
