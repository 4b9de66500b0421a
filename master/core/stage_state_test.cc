// Which task of a stage comes next, and how many there are of each kind.
#include "master/core/stage_state.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::ElementsAre;

void Start(StageState* stage, uint32_t index) { stage->SetState(index, TaskState::kRunning); }
void Finish(StageState* stage, uint32_t index) { stage->SetState(index, TaskState::kDone); }
void GiveBack(StageState* stage, uint32_t index) { stage->SetState(index, TaskState::kIdle); }

// Starts what comes next until nothing is idle; returns the order.
std::vector<uint32_t> StartAll(StageState* stage) {
  std::vector<uint32_t> order;
  while (stage->idle() > 0) {
    order.push_back(stage->Next());
    Start(stage, order.back());
  }
  return order;
}

TEST(StageStateTest, TasksStartInTheOrderOfTheirIndexes) {
  StageState stage(3);
  EXPECT_THAT(StartAll(&stage), ElementsAre(0, 1, 2));
}

TEST(StageStateTest, AskingWhatIsNextChangesNothing) {
  StageState stage(2);
  EXPECT_EQ(stage.Next(), 0u);
  EXPECT_EQ(stage.Next(), 0u);
  EXPECT_EQ(stage.idle(), 2u);
}

TEST(StageStateTest, EveryTaskIsIdleRunningOrDone) {
  StageState stage(3);
  Start(&stage, 0);
  Start(&stage, 1);
  Finish(&stage, 1);
  EXPECT_EQ(stage.total(), 3u);
  EXPECT_EQ(stage.idle(), 1u);
  EXPECT_EQ(stage.running(), 1u);
  EXPECT_EQ(stage.done(), 1u);
  GiveBack(&stage, 0);
  GiveBack(&stage, 1);
  EXPECT_EQ(stage.idle(), 3u);
}

TEST(StageStateTest, AStageIsCompleteWhenAllTasksAreDoneAndWhenItHasNone) {
  StageState stage(1);
  Start(&stage, 0);
  EXPECT_FALSE(stage.complete());
  Finish(&stage, 0);
  EXPECT_TRUE(stage.complete());
  GiveBack(&stage, 0);
  EXPECT_FALSE(stage.complete());
  EXPECT_TRUE(StageState(0).complete());
}

TEST(StageStateTest, LostOutputsComeFirstThenRetriesThenTheRest) {
  StageState stage(5);
  for (uint32_t index : {0, 1, 2}) {
    EXPECT_EQ(stage.Next(), index);
    Start(&stage, index);
  }
  Finish(&stage, 2);
  GiveBack(&stage, 1);
  GiveBack(&stage, 2);
  GiveBack(&stage, 0);
  EXPECT_THAT(StartAll(&stage), ElementsAre(2, 0, 1, 3, 4));
}

TEST(StageStateTest, OnlyATaskThatWasDoneIsARerun) {
  StageState stage(2);
  Start(&stage, 0);
  GiveBack(&stage, 0);
  EXPECT_FALSE(stage.HasRerun());
  Start(&stage, 0);
  Finish(&stage, 0);
  EXPECT_FALSE(stage.HasRerun());
  GiveBack(&stage, 0);
  EXPECT_TRUE(stage.HasRerun());
  EXPECT_TRUE(stage.HasFresh());  // the other one
  Start(&stage, 1);
  EXPECT_FALSE(stage.HasFresh());
  Start(&stage, 0);
  EXPECT_FALSE(stage.HasRerun());
}

TEST(StageStateTest, ARerunThatFailsIsARerunAgain) {
  StageState stage(2);
  Start(&stage, 0);
  Finish(&stage, 0);
  GiveBack(&stage, 0);
  Start(&stage, 0);
  GiveBack(&stage, 0);
  EXPECT_TRUE(stage.HasRerun());
  EXPECT_EQ(stage.Next(), 0u);
}

TEST(StageStateTest, ATaskThatWasSkippedOverIsNotForgotten) {
  StageState stage(3);
  Start(&stage, 2);  // as the journal may say, out of order
  EXPECT_THAT(StartAll(&stage), ElementsAre(0, 1));
}

TEST(StageStateTest, ATaskKeepsWhatItsFirstRunGave) {
  StageState stage(1);
  stage.Mutable(0).digest = Digest{1, 2};
  Start(&stage, 0);
  EXPECT_FALSE(stage[0].was_done);
  Finish(&stage, 0);
  GiveBack(&stage, 0);
  EXPECT_TRUE(stage[0].was_done);
  EXPECT_FALSE(stage[0].done());
  EXPECT_EQ(stage[0].digest, (Digest{1, 2}));
}

TEST(StageStateTest, IndexesEndWithTheTotal) {
  EXPECT_TRUE(StageState(2).Has(1));
  EXPECT_FALSE(StageState(2).Has(2));
}

TEST(StageStateDeathTest, NothingComesNextWhenNothingIsIdle) {
  StageState stage(1);
  Start(&stage, 0);
  EXPECT_DEATH(stage.Next(), "broken invariant");
}

}  // namespace
}  // namespace millrace
