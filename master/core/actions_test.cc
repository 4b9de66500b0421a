// What may start before the journal is synced, and how actions compare and print.
#include "master/core/actions.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};
constexpr JobId kJob{1};
const AttemptId kAttempt{Epoch(1), 2};

TEST(ActionsTest, WhatLetsSomebodyRelyOnTheJournalOrForgetWaitsForIt) {
  const Actions waiting = {AnswerSubmit{}, AnswerCancel{},      AnswerOutcome{}, PublishJob{},
                           AbortOutput{},  ReleaseJob{},        JobChanged{},    FoldJob{},
                           ForgetJob{},    ForgetRegistration{}};
  for (const Action& action : waiting) EXPECT_TRUE(WaitsForSync(action)) << DebugString(action);
}

TEST(ActionsTest, WorkStartsAtOnce) {
  const Actions immediate = {LaunchAttempt{},  GrantSlot{},    CancelAttempt{},
                             PublishSources{}, ForgetWorker{}, WakeAt{}};
  for (const Action& action : immediate) {
    EXPECT_FALSE(WaitsForSync(action)) << DebugString(action);
    EXPECT_FALSE(IsUrgent(action)) << DebugString(action);
  }
}

// It comes before the next launch for a job of this number.
TEST(ActionsTest, AJobThatTheCoreDoesNotHaveIsReleasedAtOnce) {
  EXPECT_FALSE(WaitsForSync(ReleaseJob{kRed, kJob, /*at_once=*/true}));
}

TEST(ActionsTest, OnlyAnAnswerForWhichNobodyWaitsMaySyncLater) {
  EXPECT_TRUE(IsUrgent(AnswerSubmit{}));
  EXPECT_TRUE(IsUrgent(PublishJob{}));
  AnswerOutcome answer{kRed, kAttempt, OutcomeReply::kAccepted};
  EXPECT_TRUE(IsUrgent(answer));
  answer.urgent = false;
  EXPECT_FALSE(IsUrgent(answer));
  EXPECT_TRUE(WaitsForSync(answer));
}

bool Same(const Action& a, const Action& b) { return a == b; }

TEST(ActionsTest, EveryFieldThatATestCouldMeanIsCompared) {
  const TaskId task{kJob, 0, 3};
  const LaunchAttempt launch{kRed, kAttempt, task};
  EXPECT_TRUE(Same(launch, LaunchAttempt{kRed, kAttempt, task}));
  EXPECT_FALSE(Same(launch, LaunchAttempt{kBlue, kAttempt, task}));
  EXPECT_FALSE(Same(launch, LaunchAttempt{kRed, AttemptId{Epoch(1), 3}, task}));
  EXPECT_FALSE(Same(launch, LaunchAttempt{kRed, kAttempt, TaskId{kJob, 1, 3}}));
  EXPECT_FALSE(Same(launch, LaunchAttempt{kRed, kAttempt, task, Reason::kOutputLost}));
  EXPECT_FALSE(Same(PublishSources{kRed, kJob, 0, 1}, PublishSources{kRed, kJob, 0, 2}));
  EXPECT_FALSE(Same(PublishSources{kRed, kJob, 0, 2}, PublishSources{kRed, kJob, 1, 2}));
  EXPECT_FALSE(Same(GrantSlot{kRed, kAttempt}, CancelAttempt{kRed, kAttempt}));
  EXPECT_FALSE(Same(WakeAt{CoreTime::FromMicros(1)}, WakeAt{CoreTime::FromMicros(2)}));
}

TEST(ActionsTest, WordsForPeopleAndUrgencyAreNotCompared) {
  EXPECT_TRUE(Same(AnswerSubmit{"r", SubmitReply::kInvalid, JobId(), "one"},
                   AnswerSubmit{"r", SubmitReply::kInvalid, JobId(), "two"}));
  EXPECT_TRUE(Same(AnswerOutcome{kRed, kAttempt, OutcomeReply::kStale, /*urgent=*/true},
                   AnswerOutcome{kRed, kAttempt, OutcomeReply::kStale, /*urgent=*/false}));
}

TEST(ActionsTest, AnActionPrintsAsACall) {
  std::ostringstream out;
  out << LaunchAttempt{kRed, kAttempt, TaskId{kJob, 0, 0}};
  EXPECT_EQ(out.str(), "LaunchAttempt{worker-1, attempt-1-2, job-1/0/0, first}");
  EXPECT_EQ(DebugString(AnswerSubmit{"r", SubmitReply::kOutputInUse, kJob}),
            "AnswerSubmit{r, output in use, job-1}");
  EXPECT_EQ(DebugString(AnswerCancel{kJob, CancelReply::kPublishing}),
            "AnswerCancel{job-1, publishing}");
  EXPECT_EQ(DebugString(AnswerOutcome{kRed, kAttempt, OutcomeReply::kSuperseded}),
            "AnswerOutcome{worker-1, attempt-1-2, superseded}");
  EXPECT_EQ(DebugString(PublishSources{kRed, kJob, 3, 5}), "PublishSources{worker-1, job-1, 3, 5}");
}

}  // namespace
}  // namespace millrace
