#include "rpc/view_json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
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
  EXPECT_THAT(AttemptsJson({attempt}),
              StartsWith(R"([{"attempt": "attempt-1-17", "task": "map-00012", "reason": "first", )"
                         R"("cause": "running", "worker": "worker-2", "worker_name": "red", )"
                         R"("worker_pid": 4711, "started_s": 0.015, "ended_s": null, )"));
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
