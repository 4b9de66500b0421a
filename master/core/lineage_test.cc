// What is told of a task: while its job runs, when it has ended, and when it is folded.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::HasSubstr;

class LineageTest : public CoreTest {
 protected:
  TaskLineage Of(const TaskId& task) { return *core_->Lineage(task, 0, 1000); }

  // "map 0 lost attempt-1-1 red, ...".
  std::vector<std::string> Sources(const TaskId& reduce) {
    std::vector<std::string> lines;
    for (const SourceView& source : Of(reduce).read) {
      lines.push_back(std::string(Name(source.state)) + " " + ToString(source.attempt) + " " +
                      source.worker_name);
    }
    return lines;
  }

  // "first succeeded, ..." of every attempt.
  std::vector<std::string> Attempts(const TaskId& task) {
    std::vector<std::string> lines;
    for (const AttemptSnapshot& attempt : Of(task).attempts) {
      lines.push_back(std::string(Name(attempt.reason)) + " " + Name(attempt.cause));
    }
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_F(LineageTest, AMapHasItsWinnerAndTheAttemptsBeforeIt) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  EXPECT_EQ(Of(Map(0)).state, "running");
  On(Failed(kRed, A(1), Map(0), Cause::kUserCodeFailed, "boom"));
  On(Done(kRed, A(2), Map(0)));
  EXPECT_EQ(Of(Map(0)).state, "done");
  EXPECT_EQ(Of(Map(0)).winner, A(2));
  EXPECT_EQ(Of(Map(0)).digest, DigestOfTask(Map(0)));
  EXPECT_EQ(Attempts(Map(0)), (Lines{"first user_code_failed", "user_failure succeeded"}));
  EXPECT_EQ(Of(Map(0)).attempts[0].message, "boom");
  EXPECT_EQ(Of(Map(0)).forgotten, "");
}

TEST_F(LineageTest, AReduceShowsHowEachOfItsSourcesStands) {
  RestartWithoutLeases();
  Submit(2, 1);
  On(Joined(kRed, 1));
  EXPECT_EQ(Sources(Reduce(0)), (Lines{"being_made attempt-1-1 red", "not_made attempt-0-0 "}));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Done(kBlue, A(2), Map(1)));  // and the reduce starts
  EXPECT_EQ(Sources(Reduce(0)), (Lines{"available attempt-1-1 red", "available attempt-1-2 blue"}));
  On(WorkerDisconnected{kBlue});
  EXPECT_EQ(Sources(Reduce(0))[1], "out_of_reach attempt-1-2 blue");
  On(WorkerDraining{kRed});
  On(WorkerLeft{kBlue});
  EXPECT_EQ(Sources(Reduce(0))[1], "lost attempt-1-2 blue");
  On(Joined(kGreen, 1));
  EXPECT_THAT(Sources(Reduce(0))[1], testing::MatchesRegex("being_made_again attempt-1-. green"));
}

TEST_F(LineageTest, AKeptSourceIsAvailableWhateverBecameOfItsMaker) {
  On(Keeping(1, 1));
  On(Joined(kRed, 1));
  On(Joined(kBlue, 1));
  On(Done(kRed, A(1), Map(0)));
  On(WorkerLeft{kRed});
  EXPECT_EQ(Sources(Reduce(0)), (Lines{"available attempt-1-1 red"}));
}

TEST_F(LineageTest, SourcesComeInPages) {
  Submit(5, 1);
  const TaskLineage page = *core_->Lineage(Reduce(0), 3, 10);
  EXPECT_EQ(page.sources, 5u);
  ASSERT_EQ(page.read.size(), 2u);
  EXPECT_EQ(page.read[0].map_index, 3u);
  EXPECT_EQ(core_->Lineage(Reduce(0), 9, 10)->read.size(), 0u);
}

TEST_F(LineageTest, OfAJobThatHasEndedTheAttemptsAreKnownAndWhatTheyRead) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Ready(kRed, A(2)));
  On(Done(kRed, A(2), Reduce(0)));
  On(JobPublished{kJob, absl::OkStatus()});
  EXPECT_EQ(Of(Reduce(0)).state, "ended");
  EXPECT_EQ(Of(Reduce(0)).winner, A(2));
  EXPECT_EQ(Sources(Reduce(0)), (Lines{"released attempt-1-1 red"}));
  EXPECT_EQ(Attempts(Map(0)), (Lines{"first succeeded"}));
  EXPECT_EQ(Of(Map(0)).forgotten,
            "job-1 has ended: splits and digests of its tasks were forgotten then (those of the "
            "parts of its output are in /out/wordcount/_SUCCESS)");
}

TEST_F(LineageTest, AJobThatDidNotSucceedHasNoManifestToLookInto) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(CancelRequested{kJob, ""});
  EXPECT_EQ(Of(Map(0)).forgotten,
            "job-1 has ended: splits and digests of its tasks were forgotten then");
}

TEST_F(LineageTest, OfAFoldedJobNothingIsKnownButThatIsSaid) {
  Submit(1, 1);
  On(Joined(kRed, 1));
  On(CancelRequested{kJob, ""});
  journal_ = {JobEdit(core_->Folded(kJob))};
  Restart(2);
  EXPECT_EQ(Of(Map(0)).state, "unknown");
  EXPECT_THAT(Of(Map(0)).forgotten, HasSubstr("`millrace job job-1` shows what is left"));
  EXPECT_EQ(Attempts(Map(0)), Lines());
  EXPECT_EQ(Sources(Reduce(0)), Lines());
}

TEST_F(LineageTest, WhatDoesNotExistIsAnsweredWithWhatDoes) {
  Submit(16, 1);
  EXPECT_EQ(core_->Lineage(Map(0, JobId(7)), 0, 1).status().message(),
            "there is no job-7, or no longer");
  EXPECT_EQ(core_->Lineage(Map(16), 0, 1).status().message(),
            "job-1 has no map-00016; it has map-00000 to map-00015 and reduce-00000");
  Submit(0, 0, "empty");
  EXPECT_EQ(core_->Lineage(Map(0, kOther), 0, 1).status().message(),
            "job-2 has no map-00000; it has no tasks");
}

}  // namespace
}  // namespace millrace
