#include "worker/attempt_logs.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

AttemptId Number(uint64_t sequence) { return AttemptId{Epoch(1), sequence}; }

AttemptLog Written(const std::string& text) {
  AttemptLog log;
  log.is_kept = true;
  log.text = text;
  return log;
}

TEST(AttemptLogsTest, WhatAnAttemptWroteIsFoundByItsId) {
  AttemptLogs logs;
  logs.Keep(Number(1), Written("one"));
  logs.Keep(Number(2), Written(""));
  EXPECT_EQ(logs.Find(Number(1)).text, "one");
  EXPECT_TRUE(logs.Find(Number(2)).is_kept) << "it is known to have written nothing";
  EXPECT_FALSE(logs.Find(Number(3)).is_kept);
}

TEST(AttemptLogsTest, TheOldestGoFirstWhenTheyTakeTooMuch) {
  AttemptLogs logs({/*bytes=*/10, /*logs=*/100});
  logs.Keep(Number(7), Written("12345"));
  logs.Keep(Number(3), Written("1234"));
  EXPECT_TRUE(logs.Find(Number(7)).is_kept);
  logs.Keep(Number(5), Written("12"));
  EXPECT_FALSE(logs.Find(Number(7)).is_kept);
  EXPECT_TRUE(logs.Find(Number(3)).is_kept);
  EXPECT_TRUE(logs.Find(Number(5)).is_kept);
}

TEST(AttemptLogsTest, ThoseOfAttemptsThatWroteNothingAreBoundedToo) {
  AttemptLogs logs({/*bytes=*/10, /*logs=*/2});
  for (uint64_t i = 1; i <= 3; ++i) logs.Keep(Number(i), Written(""));
  EXPECT_FALSE(logs.Find(Number(1)).is_kept);
  EXPECT_TRUE(logs.Find(Number(2)).is_kept);
}

TEST(AttemptLogsTest, OneThatIsLargerThanAllMayBeIsNotKept) {
  AttemptLogs logs({/*bytes=*/2, /*logs=*/100});
  logs.Keep(Number(1), Written("123"));
  EXPECT_FALSE(logs.Find(Number(1)).is_kept);
}

TEST(AttemptLogsTest, ASecondTextTakesThePlaceOfTheFirst) {
  AttemptLogs logs({/*bytes=*/10, /*logs=*/100});
  logs.Keep(Number(1), Written("12345678"));
  logs.Keep(Number(1), Written("123456789"));
  EXPECT_EQ(logs.Find(Number(1)).text, "123456789");
}

TEST(AttemptLogsTest, NothingIsLeftOfAnotherCluster) {
  AttemptLogs logs;
  logs.Keep(Number(1), Written("one"));
  logs.Clear();
  EXPECT_FALSE(logs.Find(Number(1)).is_kept);
}

}  // namespace
}  // namespace millrace
