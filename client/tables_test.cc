#include "client/tables.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TablesTest, AnEmptyListStillSaysWhatItWouldHold) {
  EXPECT_EQ(JobsTable({}), "JOB  NAME  STATE  MAP  REDUCE  TIME  OUTPUT\n");
}

TEST(TablesTest, JobsAreAlignedUnderTheirHeader) {
  JobView job;
  job.job = JobId(12);
  job.name = "wordcount";
  job.stages = {{StageKind::kMap, 16, 12, 4}};
  job.wall_ms = 1500;
  job.output_folder = "/out";
  EXPECT_EQ(JobsTable({job}),
            "JOB     NAME       STATE    MAP    REDUCE  TIME    OUTPUT\n"
            "job-12  wordcount  RUNNING  12/16  -       1.50 s  /out\n");
}

TEST(TablesTest, ARunningAttemptHasNoTimeYetAndOnlyTheFirstLineOfAMessageIsShown) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), 2};
  attempt.task = TaskId{JobId(1), 0, 7};
  attempt.worker_name = "w1";
  attempt.worker_pid = 99;
  attempt.message = "one\ntwo";
  EXPECT_EQ(AttemptsTable({attempt}),
            "TASK       ATTEMPT      WORKER  PID  REASON  CAUSE    STARTED  TIME  MESSAGE\n"
            "map-00007  attempt-1-2  w1      99   first   running  0.00 s   -     one\n");
}

TEST(TablesTest, ARunningAttemptMaySayWhereItIs) {
  AttemptView attempt;
  attempt.attempt = AttemptId{Epoch(1), 2};
  attempt.task = TaskId{JobId(1), 0, 7};
  attempt.worker_name = "w1";
  attempt.worker_pid = 99;
  attempt.status = "half way";
  EXPECT_EQ(AttemptsTable({attempt}),
            "TASK       ATTEMPT      WORKER  PID  REASON  CAUSE    STARTED  TIME  MESSAGE\n"
            "map-00007  attempt-1-2  w1      99   first   running  0.00 s   -     half way\n");
}

TEST(TablesTest, WorkersSayWhenTheyWereHeard) {
  WorkerView worker;
  worker.worker = WorkerId(1);
  worker.name = "w1";
  worker.host = "red";
  worker.pid = 99;
  worker.state = "alive";
  worker.slots = 2;
  worker.busy = 1;
  worker.attempts = 5;
  worker.heartbeat_age_ms = 300;
  EXPECT_EQ(WorkersTable({worker}),
            "WORKER    NAME  HOST  PID  STATE  SLOTS  BUSY  ATTEMPTS  HEARD\n"
            "worker-1  w1    red   99   alive  2      1     5         0.30 s ago\n");
}

TEST(TablesTest, OfAWorkerThatIsNotBackSinceTheMasterStartedOnlyTheNameIsKnown) {
  WorkerView worker;
  worker.worker = WorkerId(1);
  worker.name = "w1";
  worker.state = "suspect";
  EXPECT_EQ(WorkersTable({worker}),
            "WORKER    NAME  HOST  PID  STATE    SLOTS  BUSY  ATTEMPTS  HEARD\n"
            "worker-1  w1    -     -    suspect  0      0     0         -\n");
}

}  // namespace
}  // namespace millrace
