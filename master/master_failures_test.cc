// A whole master with workers that fail, fall silent, come back late or say things twice.
#include <kj/debug.h>

#include "master/master_fixture.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MasterFailuresTest : public MasterFixture {};

TEST_F(MasterFailuresTest, AReportSentTwiceIsAcceptedOnce) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  const AttemptOutcome outcome = red.Success(red.mail().launched[0]);
  EXPECT_EQ(red.Report(outcome), OutcomeReply::kAccepted);
  EXPECT_EQ(red.Report(outcome), OutcomeReply::kAccepted);
  EXPECT_EQ(View(job).stages[0].done, 1u);
}

TEST_F(MasterFailuresTest, AnAttemptThatNobodyLaunchedIsStale) {
  FakeWorker& red = AddWorker("red");
  Submit(WordCount("/out"));
  AttemptSpec invented = red.mail().launched[0];
  invented.attempt.sequence += 1000;
  EXPECT_EQ(red.Report(red.Success(invented)), OutcomeReply::kStale);
}

TEST_F(MasterFailuresTest, AReportOverAnEarlierSessionIsStale) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  WorkerSessionId earlier = red.session();
  earlier.epoch = Epoch(7);
  EXPECT_EQ(red.Report(earlier, red.Success(red.mail().launched[0])), OutcomeReply::kStale);
  EXPECT_EQ(View(job).stages[0].done, 0u);
}

TEST_F(MasterFailuresTest, AWorkerThatCannotBeReachedWhereItSaysIsRefusedWithBothAddresses) {
  std::string dialled;
  check_shuffle_ = [&dialled](const std::string& address) -> kj::Promise<void> {
    dialled = address;
    return KJ_EXCEPTION(DISCONNECTED, "connection refused");
  };
  KillAndRestart(Epoch(2));
  FakeWorker& red = AddWorker("red");
  EXPECT_EQ(dialled, "host-of-red:7071");
  EXPECT_THAT(red.refusal(), AllOf(HasSubstr("connected from red:1"), HasSubstr(dialled),
                                   HasSubstr("connection refused"), HasSubstr("--advertise")));
  Submit(WordCount("/out"));
  EXPECT_THAT(red.mail().launched, IsEmpty());
}

TEST_F(MasterFailuresTest, TheWorkOfALostWorkerRunsElsewhere) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  ASSERT_THAT(red.mail().launched, SizeIs(1));
  FakeWorker& blue = AddWorker("blue");
  EXPECT_THAT(blue.mail().launched, IsEmpty());

  red.Disconnect();
  Pass(2 * kj::SECONDS);
  ASSERT_THAT(blue.mail().launched, SizeIs(1));
  EXPECT_EQ(blue.mail().launched[0].reason, Reason::kWorkerLost);
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
  EXPECT_EQ(View(job).workers_lost, 1u);
}

// It has finished a map that a reduce still needs.
TEST_F(MasterFailuresTest, AMapOutputThatIsLostIsMadeAgain) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  red.Report(red.Success(red.mail().launched[0]));
  FakeWorker& blue = AddWorker("blue");
  red.Disconnect();
  Pass(2 * kj::SECONDS);
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded) << View(job).error;
  const auto lost = static_cast<size_t>(Reason::kOutputLost);
  EXPECT_EQ(View(job).attempts_by_reason[lost], 1u);
  EXPECT_THAT(blue.mail().launched, SizeIs(3));  // both maps, and the reduce
}

TEST_F(MasterFailuresTest, AWorkerThatIsSilentForItsLeaseIsLost) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  Submit(WordCount("/out"));
  FakeWorker& idle = red.mail().launched.empty() ? red : blue;
  ASSERT_THAT(idle.mail().launched, IsEmpty());
  for (int i = 0; i < 12; ++i) {
    Pass(1 * kj::SECONDS);
    idle.Heartbeat();
  }
  EXPECT_THAT(idle.mail().launched, SizeIs(1));
}

TEST_F(MasterFailuresTest, AWorkerThatReturnsFromTheDeadCannotReport) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  const AttemptSpec attempt = red.mail().launched[0];
  Pass(12 * kj::SECONDS);  // silent for longer than its lease
  red.Join(*master_);
  EXPECT_EQ(red.Report(red.Success(attempt)), OutcomeReply::kStale);
  EXPECT_EQ(View(job).state, JobState::kRunning);
}

TEST_F(MasterFailuresTest, AWorkerThatReturnsIsToldToEndWhatWasCancelledMeanwhile) {
  FakeWorker& red = AddWorker("red");
  const JobId job = Submit(WordCount("/out")).job;
  const AttemptSpec attempt = red.mail().launched[0];
  Pass(12 * kj::SECONDS);  // silent for longer than its lease
  EXPECT_THAT(master_->views().Workers(), ElementsAre(Field(&WorkerView::state, "lost")));
  Cancel(job);
  EXPECT_THAT(red.mail().cancelled, IsEmpty()) << "it cannot be reached";

  red.Join(*master_);
  EXPECT_THAT(red.mail().cancelled, ElementsAre(attempt.attempt));
  Submit(WordCount("/next"));
  EXPECT_THAT(red.mail().launched, SizeIs(2)) << "its only slot is free again";
}

TEST_F(MasterFailuresTest, AMasterThatStoodStillBlamesNobody) {
  FakeWorker& red = AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  const JobId job = Submit(WordCount("/out", /*maps=*/2)).job;
  Freeze(60 * kj::SECONDS);
  EXPECT_TRUE(red.Heartbeat());
  EXPECT_TRUE(blue.Heartbeat());
  Pass(5 * kj::SECONDS);
  EXPECT_EQ(View(job).workers_lost, 0u);
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
}

TEST_F(MasterFailuresTest, AWorkerThatDoesNotAnswerCallsIsCutOff) {
  FakeWorker& red = AddWorker("red");
  Submit(WordCount("/out", /*maps=*/2));
  red.set_frozen(true);
  red.Send(red.Success(red.mail().launched[0]));  // gets another launch for it
  Settle();
  for (int i = 0; i < 9; ++i) {
    Pass(1 * kj::SECONDS);
    red.Heartbeat();
  }
  EXPECT_EQ(master_->views().Workers()[0].state, "alive");
  Pass(1500 * kj::MILLISECONDS);
  EXPECT_EQ(master_->views().Workers()[0].state, "suspect");
}

TEST_F(MasterFailuresTest, AWorkerThatReconnectsReplacesItsEarlierConnection) {
  FakeWorker& red = AddWorker("red");
  const WorkerSessionId first = red.session();
  red.Join(*master_);
  EXPECT_EQ(red.session().worker, first.worker);
  EXPECT_TRUE(red.Heartbeat());
  Pass(3 * kj::SECONDS);
  EXPECT_TRUE(red.Heartbeat());
  ASSERT_THAT(master_->views().Workers(), SizeIs(1));
  EXPECT_EQ(master_->views().Workers()[0].state, "alive");
}

TEST_F(MasterFailuresTest, ADrainingWorkerGetsNothingNew) {
  FakeWorker& red = AddWorker("red");
  red.Drain();
  const JobId job = Submit(WordCount("/out")).job;
  EXPECT_THAT(red.mail().launched, IsEmpty());
  FakeWorker& blue = AddWorker("blue");
  EXPECT_THAT(blue.mail().launched, SizeIs(1));
  WorkAll();
  EXPECT_EQ(View(job).state, JobState::kSucceeded);
}

// A worker that joined after the submit was never asked before.
TEST_F(MasterFailuresTest, AWorkerThatCannotRunTheJobFailsItsAttemptsWithItsOwnWords) {
  const JobId job = Submit(WordCount("/out")).job;
  workers_.push_back(std::make_unique<FakeWorker>(wait_scope_, timer_, fs_, "red", 1));
  FakeWorker& red = *workers_.back();
  red.set_objection("/out is not the folder that the master sees");
  red.Join(*master_);
  Pass(100 * kj::MILLISECONDS);
  EXPECT_THAT(red.mail().launched, IsEmpty());
  EXPECT_EQ(View(job).attempts_by_cause[static_cast<size_t>(Cause::kWorkerUnfit)], 1u);
}

TEST_F(MasterFailuresTest, AJournalThatFailsStopsTheMaster) {
  AddWorker("red");
  ASSERT_TRUE(journal_.Close().ok());  // every later call fails
  auto submission = Begin(WordCount("/out"));
  auto committed = Commit(WordCount("/out"));
  EXPECT_FALSE(committed.poll(wait_scope_));  // never promised, so never owed
  EXPECT_THAT(failure_, HasSubstr("journal"));
}

TEST_F(MasterFailuresTest, DestroyingTheMasterInTheMiddleEndsEverything) {
  AddWorker("red");
  const JobId job = Submit(WordCount("/out", /*maps=*/3)).job;
  auto request = Jobs().watchRequest();
  request.setJob(job.value());
  request.setKnownVersion(View(job).version);
  request.setWaitMs(60'000);
  auto watched = request.send();
  EXPECT_FALSE(watched.poll(wait_scope_));
  running_ = nullptr;
  master_ = nullptr;
  EXPECT_TRUE(watched.poll(wait_scope_));
  EXPECT_ANY_THROW(watched.wait(wait_scope_));
}

}  // namespace
}  // namespace millrace
