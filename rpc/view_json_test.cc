#include "rpc/view_json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

JobView WordCount() {
  JobView job;
  job.job = JobId(3);
  job.name = "wordcount";
  job.state = JobState::kSucceeded;
  job.wall_ms = 1900;
  job.stages = {{StageKind::kMap, 16, 16, 0}, {StageKind::kReduce, 4, 4, 0}};
  job.attempts_by_reason[static_cast<size_t>(Reason::kFirst)] = 20;
  job.attempts_by_reason[static_cast<size_t>(Reason::kWorkerLost)] = 1;
  job.attempts_by_cause[static_cast<size_t>(Cause::kSucceeded)] = 20;
  job.attempts_by_cause[static_cast<size_t>(Cause::kWorkerLost)] = 1;
  job.workers_joined = 4;
  job.workers_lost = 1;
  job.counters = {{"words/odd", 7}};
  return job;
}

TEST(ViewJsonTest, AJobTellsWhatHappened) {
  const std::string json = JobJson(WordCount());
  EXPECT_THAT(json, StartsWith(R"({"job": "job-3", )"));
  EXPECT_THAT(json, HasSubstr(R"("state": "SUCCEEDED", "wall_s": 1.900, )"));
  EXPECT_THAT(json, HasSubstr(R"("tasks": {"map": 16, "reduce": 4})"));
  EXPECT_THAT(json, HasSubstr(R"("attempts": {"total": 21, "succeeded": 20, "failed": 0, )"
                              R"("lost": 1, "superseded": 0, "speculative": 0, )"));
  EXPECT_THAT(json, HasSubstr(R"("reasons": {"first": 20, "user_failure": 0, "worker_lost": 1, )"));
  EXPECT_THAT(json, HasSubstr(R"("causes": {"succeeded": 20, )"));
  EXPECT_THAT(json,
              HasSubstr(R"("stages": [{"kind": "map", "total": 16, "done": 16, "running": 0}, )"
                        R"({"kind": "reduce", )"));
  EXPECT_THAT(json, HasSubstr(R"("map_outputs_reused": 0, "stale_reports": 0)"));
  EXPECT_THAT(json, HasSubstr(R"("workers": {"joined": 4, "lost": 1})"));
  EXPECT_THAT(json, HasSubstr(R"("counters": {"words/odd": 7}, "error": null)"));
}

TEST(ViewJsonTest, AProfileIsAnObjectAndNoCounters) {
  EXPECT_THAT(JobJson(WordCount()), Not(HasSubstr("profile")));
  Profile profile;
  profile[WorkPhase::kRead] = {5, 7};
  profile[WorkPhase::kControl] = {3, 0};
  profile.wait_us = 9;
  JobView job = WordCount();
  AddToCounters(profile, &job.counters);
  const std::string json = JobJson(job);
  EXPECT_THAT(json, HasSubstr(R"("counters": {"words/odd": 7}, "profile": {"cpu_us": 8, )"
                              R"("phases": {"read": {"cpu_us": 5, "bytes": 7}, "map": {)"));
  EXPECT_THAT(json, HasSubstr(R"("control": {"cpu_us": 3, "bytes": 0}, )"
                              R"("wait": {"cpu_us": 0, "bytes": 0, "wall_us": 9}}}, "error")"));
}

TEST(ViewJsonTest, SkewIsToldWithKeysAsText) {
  JobView job = WordCount();
  job.skew = {100 << 20, 1 << 20, {{7, 99 << 20, {{"t\xffh\n", false, 5, 6}}}}, 2};
  EXPECT_THAT(JobJson(job),
              HasSubstr(R"("skew": {"reduce_input_bytes": 104857600, "median_bytes": 1048576, )"
                        R"("parts": [{"part": 7, "bytes": 103809024, "keys": [{"key": )"
                        R"("t\\xffh\\n", "is_cut": 0, "records": 5, "bytes": 6}]}], )"
                        R"("more_parts": 2}, )"));
  job.skew.total_bytes = 1000;  // too little to matter
  EXPECT_THAT(JobJson(job), Not(HasSubstr("skew")));
}

TEST(ViewJsonTest, MapOutputsOfEarlierJobsAreCounted) {
  JobView job = WordCount();
  job.map_outputs_reused = 15;
  EXPECT_THAT(JobJson(job), HasSubstr(R"("map_outputs_reused": 15, )"));
}

TEST(ViewJsonTest, AFailedJobHasItsError) {
  JobView job = WordCount();
  job.state = JobState::kFailed;
  job.error = "map-00003 failed 4 times: \"boom\"";
  job.attempts_by_cause[static_cast<size_t>(Cause::kUserCodeFailed)] = 3;
  job.attempts_by_cause[static_cast<size_t>(Cause::kWorkerFailed)] = 1;
  const std::string json = JobJson(job);
  EXPECT_THAT(json, HasSubstr(R"("error": "map-00003 failed 4 times: \"boom\"")"));
  EXPECT_THAT(json, HasSubstr(R"("failed": 4)"));
}

TEST(ViewJsonTest, ALossTellsWhatItCostAndWhatWasDoneAgain) {
  JobView job = WordCount();
  job.submitted_unix_ms = 1000;
  EXPECT_THAT(JobJson(job), HasSubstr(R"("recovery": [], "recovery_dropped": 0, )"));
  RecoveryEntry entry;
  entry.wall_us = 2'250'000;
  entry.subject = "w2";
  entry.attempts_lost = 1;
  entry.outputs_lost = 3;
  entry.cpu_us_again = 2'100'000;
  entry.bytes_again = 123;
  job.recovery = {entry};
  job.recovery_dropped = 4;
  EXPECT_THAT(
      JobJson(job),
      HasSubstr(R"("recovery": [{"what": "worker_lost", "noticed_by": "connection_closed", )"
                R"("noticed_s": 1.250, "noticed_unix_ms": 2250, "subject": "w2", )"
                R"("attempts_lost": 1, "outputs_lost": 3, "cpu_s_again": 2.100, )"
                R"("bytes_again": 123}], "recovery_dropped": 4, )"));
}

TEST(ViewJsonTest, SkippedRecordsAreNamedWithTheirPlaceAndLength) {
  JobView job = WordCount();
  EXPECT_THAT(JobJson(job), HasSubstr(R"("skipped_records": [], )"));
  job.skipped_records = {{"/in/a", 10423, 57}, {"/in/b", 0, 3}};
  EXPECT_THAT(JobJson(job),
              HasSubstr(R"("skipped_records": [{"file": "/in/a", "offset": 10423, "bytes": 57}, )"
                        R"({"file": "/in/b", "offset": 0, "bytes": 3}])"));
}

TEST(ViewJsonTest, ListsAreArrays) {
  EXPECT_EQ(JobsJson({}), "[]");
  EXPECT_THAT(JobsJson({WordCount(), WordCount()}), HasSubstr(R"(}, {"job": "job-3")"));
}

TEST(ViewJsonTest, AnAttemptThatRunsHasNoEnd) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), 17};
  attempt.task = TaskId{JobId(3), 0, 12};
  attempt.worker = WorkerId(2);
  attempt.worker_name = "red";
  attempt.worker_pid = 4711;
  attempt.started_ms = 15;
  attempt.status = "half way";
  EXPECT_THAT(AttemptsJson({attempt}),
              StartsWith(R"([{"attempt": "attempt-1-17", "task": "map-00012", "reason": "first", )"
                         R"("cause": "running", "worker": "worker-2", "worker_name": "red", )"
                         R"("worker_pid": 4711, "started_s": 0.015, "ended_s": null, )"
                         R"("message": null, "status": "half way", )"));
}

TEST(ViewJsonTest, TheLineageOfAMapNamesItsRangesAndItsWinner) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 0, 12};
  lineage.state = "done";
  lineage.split = {FileRange{{"/in/a", 100, 0}, 40, 60}};
  lineage.winner = AttemptId{Epoch(1), 17};
  lineage.digest = Digest{1, 2};
  EXPECT_EQ(LineageJson(lineage),
            R"({"job": "job-3", "task": "map-00012", "state": "done", )"
            R"("split": [{"file": "/in/a", "offset": 40, "length": 60}], )"
            R"("winner": "attempt-1-17", "digest": "00000000000000010000000000000002", )"
            R"("reused": null, "part_of": null, )"
            R"("attempts": [], "sources": [], "forgotten": null})");
  lineage.part_of = TaskId{JobId(2), 1, 12};
  EXPECT_THAT(LineageJson(lineage),
              HasSubstr(R"("part_of": {"job": "job-2", "task": "reduce-00012"})"));
}

TEST(ViewJsonTest, TheLineageOfAReduceNamesItsSources) {
  LineageView lineage;
  lineage.task = TaskId{JobId(3), 1, 2};
  lineage.kind = StageKind::kReduce;
  lineage.state = "running";
  lineage.read = {{4, SourceState::kLost, AttemptId{Epoch(1), 9}, WorkerId(2), "red", {}}};
  EXPECT_THAT(
      LineageJson(lineage),
      HasSubstr(R"("sources": [{"task": "map-00004", "state": "lost", "attempt": "attempt-1-9", )"
                R"("worker": "worker-2", "worker_name": "red", "digest": null}])"));
}

TEST(ViewJsonTest, AWorkerHasItsNamePidAndHeartbeat) {
  WorkerView worker;
  worker.worker = WorkerId(2);
  worker.name = "red";
  worker.host = "mill";
  worker.pid = 4711;
  worker.state = "alive";
  worker.slots = 2;
  worker.busy = 1;
  worker.heartbeat_age_ms = 250;
  EXPECT_EQ(
      WorkersJson({worker}),
      R"([{"worker": "worker-2", "name": "red", "host": "mill", "pid": 4711, )"
      R"("state": "alive", "slots": 2, "busy": 1, "attempts": 0, "heartbeat_age_s": 0.250}])");
}

}  // namespace
}  // namespace millrace
