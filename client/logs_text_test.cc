#include "client/logs_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

AttemptView Attempt(uint64_t sequence, uint32_t map, Cause cause, const std::string& message = "") {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), sequence};
  attempt.task = TaskId{JobId(3), 0, map};
  attempt.worker_name = "w2";
  attempt.cause = cause;
  attempt.message = message;
  return attempt;
}

LoggedAttempt Wrote(const AttemptView& attempt, const std::string& text, uint64_t dropped = 0) {
  return {attempt, AttemptLog{/*is_kept=*/true, text, dropped}, ""};
}

LoggedAttempt Missing(const AttemptView& attempt, const std::string& why) {
  return {attempt, AttemptLog(), why};
}

AttemptView Failed() {
  return Attempt(4, /*map=*/7, Cause::kUserCodeFailed, "it exited with 3 at /in/a:4\nlast words");
}

TEST(AttemptsOfTest, ATaskHasItsOwn) {
  const std::vector<AttemptView> attempts = {Attempt(4, /*map=*/7, Cause::kUserCodeFailed),
                                             Attempt(5, /*map=*/8, Cause::kSucceeded)};
  EXPECT_EQ(AttemptsOf(attempts, TaskId()).size(), 2u);
  EXPECT_THAT(AttemptsOf(attempts, TaskId{JobId(3), 0, 8}),
              ElementsAre(Field(&AttemptView::attempt, AttemptId{Epoch(1), 5})));
  EXPECT_THAT(AttemptsOf(attempts, TaskId{JobId(3), 1, 8}), IsEmpty());
}

TEST(LogsTextTest, WhatWasWrittenIsBelowWhoWroteIt) {
  EXPECT_EQ(LogsText({Wrote(Failed(), "first\nsecond\n"),
                      Wrote(Attempt(5, /*map=*/8, Cause::kSucceeded), ""),
                      Wrote(Attempt(6, /*map=*/9, Cause::kRunning), "so far", /*dropped=*/10)}),
            "map-00007 attempt-1-4 on w2, user_code_failed: it exited with 3 at /in/a:4\n"
            "    first\n"
            "    second\n"
            "map-00009 attempt-1-6 on w2, running\n"
            "    [10 bytes before this]\n"
            "    so far\n");
}

TEST(LogsTextTest, WhereTheWorkerHasNothingTheReportOfTheFailureIsShown) {
  EXPECT_EQ(LogsText({Missing(Failed(), "worker w2 is lost")}),
            "map-00007 attempt-1-4 on w2, user_code_failed: it exited with 3 at /in/a:4\n"
            "    last words\n");
}

TEST(LogsTextTest, WhyThereIsNoneIsSaidOnceForAllThatHaveTheSameReason) {
  const AttemptView attempt = Attempt(5, /*map=*/8, Cause::kSucceeded);
  EXPECT_EQ(LogsText({Missing(attempt, "worker w2 is lost"), Missing(attempt, ""),
                      Missing(attempt, "worker w2 is lost")}),
            "no log of 2 attempts: worker w2 is lost\n"
            "no log of 1 attempt: worker w2 has none (any more)\n");
}

TEST(LogsTextTest, WithoutAnyItSaysSo) {
  EXPECT_EQ(LogsText({}), "nothing: no such attempt has been started\n");
  EXPECT_EQ(LogsText({Wrote(Attempt(5, /*map=*/8, Cause::kSucceeded), "")}),
            "nothing was written to standard error by 1 attempt\n");
  EXPECT_EQ(LogsJson({}), "[]");
}

TEST(LogsJsonTest, HasTheSame) {
  EXPECT_EQ(LogsJson({Wrote(Failed(), "first\n", /*dropped=*/10),
                      Wrote(Attempt(5, /*map=*/8, Cause::kSucceeded), ""),
                      Missing(Attempt(6, /*map=*/9, Cause::kSucceeded), "worker w2 is lost")}),
            "[{\"task\": \"map-00007\", \"attempt\": \"attempt-1-4\", \"worker_name\": \"w2\", "
            "\"cause\": \"user_code_failed\", \"message\": \"it exited with 3 at /in/a:4\", "
            "\"standard_error\": \"first\\n\", \"dropped_bytes\": 10, \"missing\": null}, "
            "{\"task\": \"map-00009\", \"attempt\": \"attempt-1-6\", \"worker_name\": \"w2\", "
            "\"cause\": \"succeeded\", \"message\": \"\", "
            "\"standard_error\": \"\", \"dropped_bytes\": 0, "
            "\"missing\": \"worker w2 is lost\"}]");
}

}  // namespace
}  // namespace millrace
