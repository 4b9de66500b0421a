// Named scenarios: what happens to a cluster when one thing breaks at one moment. Each ends with
// all checkers (checkers.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/faulty_file_system.h"
#include "storage/paths.h"
#include "tests/sim/checkers.h"
#include "tests/sim/cluster.h"

namespace millrace::sim {
namespace {

// Attempts take a second each, so that there is a middle to strike in.
ClusterOptions Options() {
  ClusterOptions options;
  options.user_code.shortest = 1 * kj::SECONDS;
  options.user_code.longest = 1 * kj::SECONDS;
  options.user_code.slow_chance = 0;
  return options;
}

Workload Words() {
  Workload workload;
  workload.files = {"a b c\na b\na\n", "d e f\na\nb\n", "c c c c\n"};
  workload.reducers = 2;
  workload.split_bytes = 6;
  return workload;
}

class ScenariosTest : public testing::Test {
 protected:
  ~ScenariosTest() noexcept override {}

  void SetUp() override {
    cluster_.StartMaster();
    for (const char* name : {"red", "blue", "green"}) cluster_.AddWorker(name);
    cluster_.RunFor(1 * kj::SECONDS);
  }

  void TearDown() override {
    cluster_.Heal();
    EXPECT_TRUE(cluster_.RunUntil([this]() { return cluster_.AllJobsDone(); }));
    cluster_.RunFor(60 * kj::SECONDS);
    EXPECT_EQ(Check(cluster_), "");
  }

  void RunUntilBusy(const std::string& worker) {
    ASSERT_TRUE(cluster_.RunUntil([&]() { return cluster_.RunningOn(worker) > 0; }));
  }

  void RunUntilReducing(const Job& job) {
    ASSERT_TRUE(cluster_.RunUntil([&]() { return DoneMaps(job) == MapsOf(job); }));
  }

  // The core has the job, and its journal does not get it.
  void AcceptOnAHangingDisk(const Job& job) {
    const MasterCore& core = cluster_.master()->master().core();
    ASSERT_TRUE(cluster_.RunUntil([&]() { return !core.Jobs().empty(); }, 60 * kj::SECONDS));
    cluster_.master()->disk().Hang();
    ASSERT_FALSE(job.id.is_set());
  }

  StageView Stage(const Job& job, size_t stage) {
    return cluster_.master()->master().core().Job(job.id)->stages[stage];
  }
  size_t Skipped(const Job& job) {
    if (!job.id.is_set()) return 0;
    return cluster_.master()->master().core().Job(job.id)->summary.skipped_records.size();
  }
  bool JournalSays(const Job& job, JobState state) {
    const std::vector<JobEdit>& history = cluster_.journal_disk().history;
    return std::any_of(history.begin(), history.end(), [&](const JobEdit& edit) {
      const auto* ended = std::get_if<JobEnded>(&edit);
      return ended != nullptr && ended->job == job.id && ended->state == state;
    });
  }
  bool JournalHasAJob() {
    const std::vector<JobEdit>& history = cluster_.journal_disk().history;
    return std::any_of(history.begin(), history.end(), [](const JobEdit& edit) {
      return std::holds_alternative<JobAccepted>(edit);
    });
  }
  uint32_t DoneMaps(const Job& job) { return job.id.is_set() ? Stage(job, 0).done : 0; }
  uint32_t MapsOf(const Job& job) { return job.id.is_set() ? Stage(job, 0).total : 1; }

  static uint64_t Attempts(const Job& job, Reason reason) {
    return job.ended->attempts_by_reason[static_cast<size_t>(reason)];
  }

  static uint64_t Ended(const Job& job, Cause cause) {
    return job.ended->attempts_by_cause[static_cast<size_t>(cause)];
  }

  Cluster cluster_{Options()};
};

TEST_F(ScenariosTest, AJobRunsInAHealthyCluster) {
  Job& job = cluster_.Submit(Words());
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(cluster_.OutputOf(job), ExpectedOutput(job.workload));
  EXPECT_EQ(Attempts(job, Reason::kWorkerLost), 0u);
}

TEST_F(ScenariosTest, AWorkerKilledInAMapCostsThatMapAndIsNoticedWithinASecond) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.Kill("red");
  cluster_.RunFor(1500 * kj::MILLISECONDS);
  EXPECT_EQ(cluster_.master()->master().core().Cluster().workers_lost, 1u);
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(Attempts(job, Reason::kWorkerLost), 1u);
}

TEST_F(ScenariosTest, AWorkerKilledInTheShuffleCostsTheMapsItHeldAndNoOthers) {
  Job& job = cluster_.Submit(Words());
  RunUntilReducing(job);
  const uint32_t maps = MapsOf(job);
  cluster_.Kill("red");
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_GT(Attempts(job, Reason::kOutputLost), 0u);
  EXPECT_LT(Attempts(job, Reason::kOutputLost), maps);
}

TEST_F(ScenariosTest, AKeptOutputOutlivesItsWorker) {
  Cluster::SubmitOptions options;
  options.keep_folder = std::string(kSharedFolder) + "/keep";
  Job& job = cluster_.Submit(Words(), options);
  RunUntilReducing(job);
  cluster_.Kill("red");
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(job.ended->workers_lost, 1u);
  EXPECT_EQ(Attempts(job, Reason::kOutputLost), 0u);
}

TEST_F(ScenariosTest, KeptOutputsGoWithACancelledJobThoughTheMasterWasKilled) {
  Cluster::SubmitOptions options;
  options.keep_folder = std::string(kSharedFolder) + "/keep";
  Job& job = cluster_.Submit(Words(), options);
  RunUntilReducing(job);
  job.may_be_cancelled = true;
  cluster_.client(job)->Cancel();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return JournalSays(job, JobState::kCancelled); }));
  ASSERT_FALSE(cluster_.shared_disk().List(options.keep_folder)->empty());
  cluster_.Kill("master");
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kCancelled);
}

// A job that leaves its map outputs, and a second one over the same input.
class ReuseScenariosTest : public ScenariosTest {
 protected:
  Job& RunFirst() {
    Cluster::SubmitOptions options;
    options.reuse = true;
    Job& job = cluster_.Submit(Words(), options);
    RunToEnd(job);
    return job;
  }
  Job& SubmitSecond(const Job& first) {
    Cluster::SubmitOptions options;
    options.reuse = true;
    options.input_of = &first;
    return cluster_.Submit(first.workload, options);
  }
  void RunToEnd(const Job& job) {
    ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
    ASSERT_EQ(job.ended->state, JobState::kSucceeded);
  }
  std::vector<RetainedView> Retained() { return cluster_.master()->master().core().Retained(); }
  static uint64_t Total(const Job& job) {
    uint64_t total = 0;
    for (uint64_t count : job.ended->attempts_by_reason) total += count;
    return total;
  }
  // On which worker an output lies.
  WorkerProcess* HolderOf(const RetainedView& output) {
    const MasterCore& core = cluster_.master()->master().core();
    for (const WorkerSnapshot& worker : core.Workers(CoreTime())) {
      if (worker.worker == output.worker) return cluster_.worker(worker.name);
    }
    return nullptr;
  }
};

TEST_F(ReuseScenariosTest, ASecondJobOverTheSameInputRunsNoMap) {
  Job& first = RunFirst();
  Job& second = SubmitSecond(first);
  RunToEnd(second);
  EXPECT_EQ(second.ended->map_outputs_reused, first.ended->stages[0].total);
  EXPECT_EQ(Total(second), 2u) << "its two reduces";
  EXPECT_EQ(cluster_.OutputOf(second), cluster_.OutputOf(first));
  EXPECT_EQ(second.ended->counters, first.ended->counters);
  EXPECT_EQ(second.ended->input_bytes, first.ended->input_bytes);
}

TEST_F(ReuseScenariosTest, OfAWorkerThatIsLostBetweenThemOnlyItsMapsRun) {
  Job& first = RunFirst();
  const auto on_red = [this](const RetainedView& output) {
    return HolderOf(output) == cluster_.worker("red");
  };
  const std::vector<RetainedView> all = Retained();
  const auto lost = static_cast<uint64_t>(std::count_if(all.begin(), all.end(), on_red));
  ASSERT_GT(lost, 0u);
  cluster_.Kill("red");
  cluster_.RunFor(5 * kj::SECONDS);
  Job& second = SubmitSecond(first);
  RunToEnd(second);
  EXPECT_EQ(second.ended->map_outputs_reused, all.size() - lost);
  EXPECT_EQ(Total(second), lost + 2);
}

TEST_F(ReuseScenariosTest, AnOutputThatWasDamagedBetweenThemIsMadeAgain) {
  Job& first = RunFirst();
  const RetainedView output = Retained().front();
  WorkerProcess* holder = HolderOf(output);
  const std::string path = MapOutputPath(holder->scratch_folder(), output.task, output.attempt);
  MemoryFileSystem& disk = cluster_.DiskOf(holder->host());
  ASSERT_TRUE(FlipBit(disk, path, (disk.Stat(path)->size - 1) * 8).ok());  // of the footer
  Job& second = SubmitSecond(first);
  RunToEnd(second);
  EXPECT_EQ(second.ended->map_outputs_reused, first.ended->stages[0].total);
  EXPECT_EQ(Attempts(second, Reason::kOutputLost), 1u + Ended(second, Cause::kFetchFailed));
  EXPECT_FALSE(disk.Stat(path).ok()) << "it goes, as nobody can use it";
}

TEST_F(ReuseScenariosTest, AMasterThatIsKilledInTheSecondJobGoesOnWithWhatItTook) {
  Job& first = RunFirst();
  Job& second = SubmitSecond(first);
  ASSERT_TRUE(cluster_.RunUntil([&]() { return DoneMaps(second) == MapsOf(second); }));
  cluster_.RunFor(500 * kj::MILLISECONDS);
  cluster_.Kill("master");
  cluster_.StartMaster();
  RunToEnd(second);
  EXPECT_EQ(second.ended->map_outputs_reused, first.ended->stages[0].total);
  EXPECT_EQ(Attempts(second, Reason::kOutputLost), 0u);
  EXPECT_EQ(Attempts(second, Reason::kFirst), 2u);
}

TEST_F(ReuseScenariosTest, AMasterThatIsKilledBetweenThemHasWorkersDropWhatTheyRetain) {
  Job& first = RunFirst();
  cluster_.Kill("master");
  cluster_.StartMaster();
  cluster_.RunFor(5 * kj::SECONDS);
  EXPECT_TRUE(Retained().empty());
  Job& second = SubmitSecond(first);
  RunToEnd(second);
  EXPECT_EQ(second.ended->map_outputs_reused, 0u);
}

TEST_F(ScenariosTest, BadRecordsAreSkippedAndTheRestIsCountedAlsoByANewMaster) {
  Workload words = Words();
  words.files[1] = "d e f\nbad a\nb\n";
  Cluster::SubmitOptions options;
  options.skip_bad_records = 1;
  Job& job = cluster_.Submit(words, options);
  ASSERT_TRUE(cluster_.RunUntil([&]() { return Skipped(job) == 1; }, 60 * kj::SECONDS));
  cluster_.Kill("master");
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(Ended(job, Cause::kUserCodeFailed), 2u);
}

TEST_F(ScenariosTest, MoreBadRecordsThanMayBeSkippedFailTheJob) {
  Workload words = Words();
  words.files[1] = "bad d\nbad a\nb\n";
  Cluster::SubmitOptions options;
  options.skip_bad_records = 1;
  Job& job = cluster_.Submit(words, options);
  job.may_fail = true;
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kFailed);
  EXPECT_THAT(job.ended->error, testing::HasSubstr("the limit of --skip_bad_records=1"));
}

// A partition outlives the lease, then heals. The master has given red's tasks away; red still
// believes in them and finishes. Exactly one of the two outputs may count.
TEST_F(ScenariosTest, AWorkerThatReturnsCannotCommitOverItsReplacement) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.network().Part("red", "master");
  cluster_.RunFor(60 * kj::SECONDS);
  cluster_.network().Heal();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(job.ended->workers_lost, 1u);
}

TEST_F(ScenariosTest, WhatAWorkerSaysTwiceCountsOnce) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.network().Duplicate("red", "master", cluster_.world().now() + 60 * kj::SECONDS);
  cluster_.network().ResetConnections("red", "master");
  const auto joins = [&]() { return cluster_.master()->master().core().Cluster().workers_joined; };
  const uint64_t before = joins();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return joins() >= before + 2; }, 10 * kj::SECONDS))
      << "it registers again, and its echo does";
  cluster_.RunFor(30 * kj::SECONDS);
  cluster_.network().Heal();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
}

TEST_F(ScenariosTest, AOneWayPartitionIsNoticedFromEitherSide) {
  for (const bool from_master : {false, true}) {
    Job& job = cluster_.Submit(Words());
    RunUntilBusy("blue");
    from_master ? cluster_.network().Cut("master", "blue")
                : cluster_.network().Cut("blue", "master");
    ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
    EXPECT_EQ(job.ended->state, JobState::kSucceeded);
    cluster_.network().Heal();
    cluster_.RunFor(30 * kj::SECONDS);
  }
}

TEST_F(ScenariosTest, WorkersThatCannotReachEachOtherLeaveReducesToTheThirdAndNobodyIsLost) {
  Job& job = cluster_.Submit(Words());
  RunUntilReducing(job);
  cluster_.network().Part("red", "blue");
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 30 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(job.ended->workers_lost, 0u);
}

TEST_F(ScenariosTest, AWorkerThatNoOtherReachesHasItsMapsMadeAgainElsewhere) {
  Job& job = cluster_.Submit(Words());
  RunUntilReducing(job);
  cluster_.network().Part("red", "blue");
  cluster_.network().Part("red", "green");
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 45 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(job.ended->workers_lost, 0u);
}

TEST_F(ScenariosTest, AMasterThatWasStoppedForTwoLeasesLosesNobody) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.master()->life().Stop();
  cluster_.RunFor(20 * kj::SECONDS);
  cluster_.master()->life().Continue();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(job.ended->workers_lost, 0u);
}

TEST_F(ScenariosTest, AMasterThatIsKilledAndRestartedRunsNoFinishedMapAgain) {
  Job& job = cluster_.Submit(Words());
  RunUntilReducing(job);
  cluster_.Kill("master");
  cluster_.RunFor(3 * kj::SECONDS);
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(Attempts(job, Reason::kOutputLost), 0u);
}

TEST_F(ScenariosTest, AMasterThatIsKilledAndRestartedAdoptsWhatRunsMeanwhile) {
  cluster_.user_code().shortest = cluster_.user_code().longest = 8 * kj::SECONDS;
  Job& job = cluster_.Submit(Words());
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.id.is_set(); }));
  RunUntilBusy("red");
  cluster_.RunFor(1 * kj::SECONDS);
  cluster_.Kill("master");
  cluster_.RunFor(3 * kj::SECONDS);
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 300 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(Attempts(job, Reason::kWorkerLost), 0u);
}

TEST_F(ScenariosTest, ASlowWorkerIsOvertakenByBackupsOnOthers) {
  cluster_.user_code().slow_workers = {"red"};  // 30 s for what takes others one
  Job& job = cluster_.Submit(Words());
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 25 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_GT(Attempts(job, Reason::kSpeculative), 0u);
  EXPECT_EQ(Ended(job, Cause::kSuperseded), Attempts(job, Reason::kSpeculative));
}

TEST_F(ScenariosTest, AnAttemptThatGetsNothingDoneIsTimedOutEvenWithoutAnotherWorker) {
  for (const char* name : {"blue", "green"}) cluster_.Kill(name);
  cluster_.RunFor(2 * kj::SECONDS);
  cluster_.user_code().stuck_chance = 1;
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.user_code().stuck_chance = 0;
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
  EXPECT_EQ(Ended(job, Cause::kTimedOut), 1u);
}

TEST_F(ScenariosTest, EverythingIsKilledAndWorkersComeBackFirst) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("green");
  for (const char* name : {"master", "red", "blue", "green"}) cluster_.Kill(name);
  for (const char* name : {"red", "blue", "green"}) cluster_.RestartWorker(name);
  cluster_.RunFor(30 * kj::SECONDS);
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
}

TEST_F(ScenariosTest, EverythingIsKilledAndTheMasterComesBackFirst) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("green");
  for (const char* name : {"master", "red", "blue", "green"}) cluster_.Kill(name);
  cluster_.StartMaster();
  cluster_.RunFor(60 * kj::SECONDS);
  EXPECT_FALSE(job.done()) << "no worker is no reason to fail";
  for (const char* name : {"red", "blue", "green"}) cluster_.RestartWorker(name);
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
}

TEST_F(ScenariosTest, ASubmitThatIsRepeatedGivesOneJob) {
  Job& job = cluster_.Submit(Words());
  cluster_.SubmitAgain(job);
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(cluster_.master()->master().core().Jobs().size(), 1u);
}

// The answer to the first submit waits for the disk; the second must not come before it.
TEST_F(ScenariosTest, ARepeatedSubmitHearsOfTheJobOnceTheJournalHasIt) {
  Job& job = cluster_.Submit(Words());
  AcceptOnAHangingDisk(job);
  cluster_.SubmitAgain(job);
  cluster_.RunFor(100 * kj::MILLISECONDS);
  EXPECT_FALSE(job.id.is_set());
}

// The caller has sent the call that makes the job, and the next master does not know it.
TEST_F(ScenariosTest, AMasterThatIsKilledBeforeItsJournalHasAJobTakesItFromTheNextCall) {
  Job& job = cluster_.Submit(Words());
  AcceptOnAHangingDisk(job);
  cluster_.Kill("master");
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
}

TEST_F(ScenariosTest, AMasterThatIsKilledBeforeItHasSaidThatItHasAJobSaysItWhenItIsBack) {
  Job& job = cluster_.Submit(Words());
  ASSERT_TRUE(cluster_.RunUntil([&]() { return JournalHasAJob(); }, 60 * kj::SECONDS));
  ASSERT_FALSE(job.id.is_set());
  cluster_.Kill("master");
  cluster_.StartMaster();
  EXPECT_THAT(cluster_.master()->master().core().Jobs(), testing::ElementsAre(JobId(1)));
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(job.id, JobId(1));
}

// A master that crashes before its journal has a job gives the number to another one; whoever
// worked on the first must not take the second for it.
TEST_F(ScenariosTest, AJobThatTheJournalNeverSawAndAnotherOfTheSameNumberAreNotMixedUp) {
  Workload copied = Words();
  copied.program = Program::kCopy;
  copied.reducers = 0;
  Job& first = cluster_.Submit(copied);
  AcceptOnAHangingDisk(first);
  RunUntilBusy("red");
  cluster_.RunFor(2 * kj::SECONDS);  // attempts end, and their executors stay warm
  ASSERT_FALSE(first.id.is_set());
  cluster_.Kill("master");
  cluster_.network().Part(first.client, "master");
  cluster_.StartMaster();
  Job& second = cluster_.Submit(Words());
  ASSERT_TRUE(cluster_.RunUntil([&]() { return second.done(); }, 120 * kj::SECONDS));
  EXPECT_EQ(second.id, JobId(1));
  EXPECT_EQ(second.ended->state, JobState::kSucceeded);
  EXPECT_EQ(cluster_.OutputOf(second), ExpectedOutput(second.workload));
}

TEST_F(ScenariosTest, AJournalThatBreaksStopsTheMasterAndNothingIsLost) {
  Job& job = cluster_.Submit(Words());
  RunUntilBusy("red");
  cluster_.journal_disk().broken = true;
  ASSERT_TRUE(cluster_.RunUntil([&]() { return cluster_.master() == nullptr; }));
  cluster_.journal_disk().broken = false;
  cluster_.StartMaster();
  ASSERT_TRUE(cluster_.RunUntil([&]() { return job.done(); }, 60 * kj::SECONDS));
  EXPECT_EQ(job.ended->state, JobState::kSucceeded);
}

TEST(DeterminismTest, TheSameSeedGivesTheSameTrace) {
  uint64_t hashes[2];
  for (uint64_t& hash : hashes) {
    Cluster cluster(Options());
    cluster.StartMaster();
    cluster.AddWorker("red");
    Job& job = cluster.Submit(Words());
    ASSERT_TRUE(cluster.RunUntil([&]() { return job.done(); }));
    hash = cluster.world().trace().hash();
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace millrace::sim
