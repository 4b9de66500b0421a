// Map outputs that outlive their job, as the core sees them.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::vector<Digest> Prints(uint32_t maps, uint64_t kind = 7) {
  std::vector<Digest> prints;
  for (uint32_t i = 0; i < maps; ++i) prints.push_back(Digest{kind, i});
  return prints;
}

JobSubmitted Reusing(const std::string& name, std::vector<Digest> prints) {
  JobSubmitted submitted = Submitted(name, static_cast<uint32_t>(prints.size()), 1);
  submitted.fingerprints = std::move(prints);
  return submitted;
}

class ReuseRulesTest : public CoreTest {
 protected:
  // Red and blue have a slot each, so that they share the maps of the first job.
  void SetUp() override {
    On(Joined(kRed, 1));
    On(Joined(kBlue, 1));
  }

  // Runs everything that `job` launches until it is published; `actions` is the answer so far.
  Actions RunToEnd(JobId job, const Actions& begun) {
    std::vector<LaunchAttempt> waiting = Only<LaunchAttempt>(begun);
    Actions all = begun;
    while (!waiting.empty()) {
      const LaunchAttempt next = waiting.front();
      waiting.erase(waiting.begin());
      Actions actions;
      if (next.task.stage > 0) {
        actions = On(Ready(next.worker, next.attempt, job));
        all.insert(all.end(), actions.begin(), actions.end());
      }
      AttemptReported done = Done(next.worker, next.attempt, next.task);
      done.outcome.stats.output_bytes = 100;
      if (profiled_) done.outcome.counters["millrace.profile/read.cpu_us"] = 5;
      actions = On(done);
      all.insert(all.end(), actions.begin(), actions.end());
      for (const LaunchAttempt& more : Only<LaunchAttempt>(actions)) waiting.push_back(more);
    }
    const Actions ended = On(JobPublished{job, absl::OkStatus()});
    all.insert(all.end(), ended.begin(), ended.end());
    return all;
  }

  // The first job: two maps, the first on red and the second on blue.
  Actions RunFirst() { return RunToEnd(kJob, On(Reusing("first", Prints(2)))); }

  static std::vector<TaskId> Launched(const Actions& actions) {
    std::vector<TaskId> tasks;
    for (const LaunchAttempt& launch : Only<LaunchAttempt>(actions)) tasks.push_back(launch.task);
    return tasks;
  }
  std::pair<TaskId, AttemptId> Name(uint32_t index) { return {Map(index), A(index + 1)}; }

  bool profiled_ = false;
};

TEST_F(ReuseRulesTest, WorkersRetainTheMapOutputsOfAJobThatSucceedsBeforeTheyReleaseIt) {
  const Actions actions = RunFirst();
  ASSERT_EQ(StateOf(), JobState::kSucceeded);
  EXPECT_EQ(Only<RetainOutputs>(actions),
            (std::vector<RetainOutputs>{{kRed, {Name(0)}}, {kBlue, {Name(1)}}}));
  EXPECT_LT(std::find_if(actions.begin(), actions.end(), Is<RetainOutputs>),
            std::find_if(actions.begin(), actions.end(), Is<ReleaseJob>));
}

TEST_F(ReuseRulesTest, AJobWithTheSameFingerprintsRunsNoMap) {
  RunFirst();
  const Actions begun = On(Reusing("second", Prints(2)));
  EXPECT_THAT(Launched(begun), ElementsAre(Reduce(0, kOther)));
  RunToEnd(kOther, begun);
  EXPECT_EQ(StateOf(kOther), JobState::kSucceeded);
  EXPECT_EQ(Job(kOther).summary.attempts(), 1u);
  EXPECT_EQ(Job(kOther).summary.map_outputs_reused, 2u);
}

TEST_F(ReuseRulesTest, WhatWasReusedCountsAsIfItHadRun) {
  RunFirst();
  RunToEnd(kOther, On(Reusing("second", Prints(2))));
  EXPECT_EQ(Job(kOther).summary.counters, Job().summary.counters);
  EXPECT_EQ(Job(kOther).summary.stats.input_bytes, Job().summary.stats.input_bytes);
}

TEST_F(ReuseRulesTest, WhatReusedMapsCostInTheirOwnRunIsNotInTheProfile) {
  profiled_ = true;
  RunFirst();
  EXPECT_EQ(Job().summary.counters.at("millrace.profile/read.cpu_us"), 3 * 5);
  RunToEnd(kOther, On(Reusing("second", Prints(2))));
  EXPECT_EQ(Job(kOther).summary.counters.at("millrace.profile/read.cpu_us"), 5);
}

TEST_F(ReuseRulesTest, ReducesAreToldForWhichTaskASourceWasMade) {
  RunFirst();
  On(Reusing("second", {Digest{9, 9}, Digest{7, 1}}));
  const std::vector<MapSource> sources = core_->Sources(kOther, 0, core_->SourceVersion(kOther));
  ASSERT_THAT(sources, SizeIs(1));
  EXPECT_EQ(sources[0].map_index, 1u);
  EXPECT_EQ(sources[0].made_for, Map(1));
  EXPECT_EQ(sources[0].attempt, A(2));
  EXPECT_EQ(sources[0].worker, kBlue);
}

TEST_F(ReuseRulesTest, OnlyMapsWithAnotherFingerprintRun) {
  RunFirst();
  const Actions begun = On(Reusing("second", {Digest{7, 1}, Digest{8, 0}}));
  EXPECT_THAT(Launched(begun), ElementsAre(Map(1, kOther)));
}

TEST_F(ReuseRulesTest, WithoutFingerprintsNothingIsTakenAndNothingLeft) {
  RunFirst();
  const Actions begun = On(Submitted("second", 2, 1));
  EXPECT_THAT(Launched(begun), ElementsAre(Map(0, kOther), Map(1, kOther)));
  EXPECT_THAT(Only<RetainOutputs>(RunToEnd(kOther, begun)), IsEmpty());
}

TEST_F(ReuseRulesTest, JobsWhoseMapsDependOnMoreThanTheirInputReuseNothing) {
  RunFirst();
  JobSubmitted skipping = Reusing("skipping", Prints(2));
  skipping.plan.skip_bad_records = 1;
  EXPECT_THAT(Launched(On(skipping)), Contains(Map(0, kOther)));
  On(CancelRequested{kOther, ""});
  JobSubmitted keeping = Reusing("keeping", Prints(2));
  keeping.plan.keeps_outputs = true;
  EXPECT_THAT(Launched(On(keeping)), Contains(Map(0, JobId(3))));
}

TEST_F(ReuseRulesTest, AFailedJobLeavesNothing) {
  On(Reusing("first", Prints(2)));
  On(Done(kRed, A(1), Map(0)));
  EXPECT_THAT(Only<RetainOutputs>(On(CancelRequested{kJob, ""})), IsEmpty());
  EXPECT_THAT(Launched(On(Reusing("second", Prints(2)))),
              ElementsAre(Map(0, kOther), Map(1, kOther)));
}

TEST_F(ReuseRulesTest, OfALostWorkerOnlyItsMapsRunAgain) {
  RunFirst();
  On(WorkerLeft{kBlue});
  EXPECT_THAT(Launched(On(Reusing("second", Prints(2)))), ElementsAre(Map(1, kOther)));
}

TEST_F(ReuseRulesTest, NothingIsTakenFromAWorkerThatIsAwayOrAboutToLeave) {
  RunFirst();
  On(WorkerDraining{kRed});
  On(WorkerDisconnected{kBlue});
  On(Reusing("second", Prints(2)));
  EXPECT_EQ(Job(kOther).summary.map_outputs_reused, 0u);
}

TEST_F(ReuseRulesTest, ADamagedOutputIsMadeAgainAndNotOfferedAnyMore) {
  RunFirst();
  On(Reusing("second", Prints(2)));  // its reduce is A(4), on red
  const Actions actions = On(FetchFailed(kRed, A(4), Reduce(0, kOther), 1, A(2)));
  EXPECT_THAT(Only<LaunchAttempt>(actions),
              ElementsAre(LaunchAttempt{kRed, A(5), Map(1, kOther), Reason::kOutputLost}));
  EXPECT_THAT(Only<DropOutputs>(actions), ElementsAre(DropOutputs{kBlue, {Name(1)}}));
  On(Reusing("third", Prints(2)));
  EXPECT_EQ(Job(JobId(3)).summary.map_outputs_reused, 1u);
}

TEST_F(ReuseRulesTest, TheOutputThatWasMadeAgainIsRetainedInstead) {
  RunFirst();
  On(Reusing("second", Prints(2)));
  const Actions begun = On(FetchFailed(kRed, A(4), Reduce(0, kOther), 1, A(2)));
  const Actions actions = RunToEnd(kOther, begun);
  EXPECT_THAT(Only<RetainOutputs>(actions),
              ElementsAre(RetainOutputs{kRed, {{Map(1, kOther), A(5)}}}));
  On(Reusing("third", Prints(2)));
  EXPECT_EQ(Job(JobId(3)).summary.map_outputs_reused, 2u);
}

TEST_F(ReuseRulesTest, AnOutputInUseIsDroppedOnlyWhenItsJobHasEnded) {
  options_.reuse_bytes_max = 200;
  Restart(1);
  SetUp();
  RunFirst();
  On(Reusing("second", Prints(2)));  // uses both, its reduce is A(4)
  On(Reusing("third", Prints(2, 8)));
  On(CancelRequested{JobId(3), ""});
  EXPECT_THAT(core_->Retained(), SizeIs(2));
  const Actions ended = On(CancelRequested{kOther, ""});
  EXPECT_THAT(Only<DropOutputs>(ended), IsEmpty()) << "they fit";
  const Actions fourth = RunToEnd(JobId(4), On(Reusing("fourth", Prints(2, 8))));
  std::vector<std::pair<TaskId, AttemptId>> dropped;
  for (const DropOutputs& drop : Only<DropOutputs>(fourth)) {
    dropped.insert(dropped.end(), drop.outputs.begin(), drop.outputs.end());
  }
  EXPECT_THAT(dropped, testing::UnorderedElementsAre(Name(0), Name(1)));
}

TEST_F(ReuseRulesTest, WhatAJobTookIsTheNewestAgainWhenItSucceeds) {
  options_.reuse_bytes_max = 400;
  Restart(1);
  SetUp();
  RunFirst();
  RunToEnd(kOther, On(Reusing("other", Prints(2, 8))));
  RunToEnd(JobId(3), On(Reusing("third", Prints(2))));  // takes those of the first
  EXPECT_THAT(core_->Retained(), SizeIs(4));
  RunToEnd(JobId(4), On(Reusing("fourth", Prints(2, 9))));
  On(Reusing("fifth", Prints(2)));
  EXPECT_EQ(Job(JobId(5)).summary.map_outputs_reused, 2u);
  On(Reusing("sixth", Prints(2, 8)));
  EXPECT_EQ(Job(JobId(6)).summary.map_outputs_reused, 0u);
}

TEST_F(ReuseRulesTest, AWorkerThatComesBackKeepsWhatIsKnownAndDropsTheRest) {
  RunFirst();
  On(WorkerDisconnected{kRed});
  WorkerJoined back = Joined(kRed, 1);
  back.outputs = {HeldAttempt{Map(0), A(1)}, HeldAttempt{Map(5, JobId(77)), A(99)}};
  back.jobs = {kJob};
  EXPECT_EQ(On(back),
            (Actions{RetainOutputs{kRed, {Name(0)}},
                     DropOutputs{kRed, {{Map(5, JobId(77)), A(99)}}}, ReleaseJob{kRed, kJob}}));
}

TEST_F(ReuseRulesTest, WhatAWorkerDoesNotBringBackIsNotOffered) {
  RunFirst();
  On(WorkerDisconnected{kRed});
  On(Joined(kRed, 1));
  EXPECT_THAT(Launched(On(Reusing("second", Prints(2)))), ElementsAre(Map(0, kOther)));
}

TEST_F(ReuseRulesTest, ANewMasterKnowsNothingOfWhatIsRetained) {
  RunFirst();
  Restart(2);
  WorkerJoined back = Joined(kRed, 1);
  back.outputs = {HeldAttempt{Map(0), A(1)}};
  EXPECT_EQ(On(back), (Actions{DropOutputs{kRed, {Name(0)}}}));
  On(Reusing("second", Prints(2)));
  EXPECT_EQ(Job(kOther).summary.map_outputs_reused, 0u);
}

TEST_F(ReuseRulesTest, AJobThatReusedOutputsGoesOnUnderANewMaster) {
  RunFirst();
  On(Reusing("second", Prints(2)));
  Restart(2);
  WorkerJoined red = Joined(kRed, 1);
  red.outputs = {HeldAttempt{Map(0), A(1)}};
  EXPECT_EQ(On(red), (Actions{RetainOutputs{kRed, {Name(0)}}}));
  WorkerJoined blue = Joined(kBlue, 1);
  blue.outputs = {HeldAttempt{Map(1), A(2)}};
  const Actions begun = On(blue);
  EXPECT_THAT(Launched(begun), ElementsAre(Reduce(0, kOther)));
  RunToEnd(kOther, begun);
  EXPECT_EQ(StateOf(kOther), JobState::kSucceeded);
  On(Reusing("third", Prints(2)));
  EXPECT_EQ(Job(JobId(3)).summary.map_outputs_reused, 2u);
}

TEST_F(ReuseRulesTest, AfterARestartTheMapOfAnOutputThatDoesNotComeBackRunsAgain) {
  RunFirst();
  On(Reusing("second", Prints(2)));
  Restart(2);
  WorkerJoined red = Joined(kRed, 1);
  red.outputs = {HeldAttempt{Map(0), A(1)}};
  On(red);
  EXPECT_THAT(Launched(On(Joined(kBlue, 1))), ElementsAre(Map(1, kOther)));
}

TEST_F(ReuseRulesTest, TheSameStateComesOutOfTheJournal) {
  RunFirst();
  On(Reusing("second", Prints(2)));
  On(FetchFailed(kRed, A(4), Reduce(0, kOther), 1, A(2)));
  const std::string live = core_->DurableState();
  MasterCore replayed(options_);
  for (const JobEdit& edit : journal_) replayed.Apply(edit);
  EXPECT_EQ(replayed.DurableState(), live);
}

TEST_F(ReuseRulesTest, LineageNamesTheMapWhoseOutputWasTaken) {
  RunFirst();
  const Actions begun = On(Reusing("second", Prints(2)));
  EXPECT_EQ(core_->Lineage(Map(1, kOther), 0, 10)->made_for, Map(1));
  EXPECT_EQ(core_->Lineage(Map(1, kOther), 0, 10)->winner, A(2));
  RunToEnd(kOther, begun);
  EXPECT_EQ(core_->Lineage(Map(1, kOther), 0, 10)->made_for, Map(1));
  EXPECT_EQ(core_->Lineage(Map(1, kOther), 0, 10)->winner, A(2));
  EXPECT_EQ(core_->Lineage(Reduce(0, kOther), 0, 10)->read[1].attempt, A(2));
  EXPECT_FALSE(core_->Lineage(Map(1), 0, 10)->made_for.job.is_set());
}

}  // namespace
}  // namespace millrace
