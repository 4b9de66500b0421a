#include "client/logs_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

AttemptView Attempt(uint64_t sequence, uint32_t map, Cause cause, const std::string& message) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), sequence};
  attempt.task = TaskId{JobId(3), 0, map};
  attempt.worker_name = "w2";
  attempt.cause = cause;
  attempt.message = message;
  return attempt;
}

const std::vector<AttemptView>& Attempts() {
  static const std::vector<AttemptView> attempts = {
      Attempt(4, /*map=*/7, Cause::kUserCodeFailed, "it exited with 3 at /in/a:4\nfirst\nsecond"),
      Attempt(5, /*map=*/8, Cause::kUserCodeFailed, "it threw at /in/b:0\nwhy"),
      Attempt(6, /*map=*/8, Cause::kWorkerLost, "without a word"),
      Attempt(7, /*map=*/8, Cause::kSucceeded, ""),
  };
  return attempts;
}

TEST(LogsOfTest, OnlyAttemptsThatLeftSomethingHaveLogs) {
  EXPECT_THAT(LogsOf(Attempts(), TaskId()),
              ElementsAre(Field(&AttemptView::attempt, AttemptId{Epoch(1), 4}),
                          Field(&AttemptView::attempt, AttemptId{Epoch(1), 5})));
}

TEST(LogsOfTest, ATaskHasItsOwn) {
  EXPECT_THAT(LogsOf(Attempts(), TaskId{JobId(3), 0, 8}),
              ElementsAre(Field(&AttemptView::attempt, AttemptId{Epoch(1), 5})));
  EXPECT_THAT(LogsOf(Attempts(), TaskId{JobId(3), 1, 8}), IsEmpty());
}

TEST(LogsTextTest, WhatWasWrittenIsBelowWhoWroteIt) {
  EXPECT_EQ(LogsText(LogsOf(Attempts(), TaskId())),
            "map-00007 attempt-1-4 on w2, user_code_failed: it exited with 3 at /in/a:4\n"
            "    first\n"
            "    second\n"
            "map-00008 attempt-1-5 on w2, user_code_failed: it threw at /in/b:0\n"
            "    why\n");
}

TEST(LogsTextTest, WithoutAnyItSaysWhatIsKept) {
  EXPECT_EQ(LogsText({}),
            "nothing: the last lines of attempts that fail are kept, of others none\n");
  EXPECT_EQ(LogsJson({}), "[]");
}

TEST(LogsJsonTest, HasTheSame) {
  EXPECT_EQ(LogsJson(LogsOf(Attempts(), TaskId{JobId(3), 0, 8})),
            "[{\"task\": \"map-00008\", \"attempt\": \"attempt-1-5\", \"worker_name\": \"w2\", "
            "\"cause\": \"user_code_failed\", \"message\": \"it threw at /in/b:0\", "
            "\"standard_error\": \"why\"}]");
}

}  // namespace
}  // namespace millrace
