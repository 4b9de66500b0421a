// Workers that see the master and not each other.
#include "master/core/core_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ReachTest : public CoreTest {
 protected:
  // Map 0 has run on red, map 1 on blue; the reduce, attempt 3, fetches on red.
  void FetchOnRed() {
    RestartWithoutLeases();
    Submit(2, 1);
    On(Joined(kRed, 1));
    On(Joined(kBlue, 1));
    On(Done(kRed, A(1), Map(0)));
    EXPECT_THAT(Launches(On(Done(kBlue, A(2), Map(1)))),
                ElementsAre(LaunchAttempt{kRed, A(3), Reduce(0)}));
  }

  static std::vector<LaunchAttempt> Launches(const Actions& actions) {
    return Only<LaunchAttempt>(actions);
  }
};

TEST_F(ReachTest, AReduceGoesToAThirdWorkerAndNoMapRunsAgain) {
  FetchOnRed();
  On(Joined(kGreen, 1));
  EXPECT_THAT(Launches(On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)))),
              ElementsAre(LaunchAttempt{kGreen, A(4), Reduce(0), Reason::kOutputLost}));
  EXPECT_EQ(Job().stages[0].done, 2);
}

TEST_F(ReachTest, WithoutAThirdWorkerAllOutputsOfTheOtherAreMadeAgainAtHome) {
  FetchOnRed();
  EXPECT_THAT(Launches(On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)))),
              ElementsAre(LaunchAttempt{kRed, A(4), Map(1), Reason::kOutputLost}));
  EXPECT_THAT(Launches(On(Done(kRed, A(4), Map(1)))),
              ElementsAre(LaunchAttempt{kRed, A(5), Reduce(0), Reason::kOutputLost}));
}

TEST_F(ReachTest, AWorkerThatNobodyReachesIsGivenUpWhenTheSecondCannotEither) {
  FetchOnRed();
  On(Joined(kGreen, 1));
  On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)));
  const std::vector<LaunchAttempt> launches =
      Launches(On(CannotReach(kGreen, A(4), Reduce(0), 1, A(2))));
  ASSERT_EQ(launches.size(), 1u);
  EXPECT_EQ(launches[0].task, Map(1));
  EXPECT_NE(launches[0].worker, kBlue);
}

// Hundreds of others could try, each for seconds.
TEST_F(ReachTest, TheSecondReaderThatCannotReachAHolderSpeaksAgainstTheHolder) {
  FetchOnRed();
  for (uint64_t i = 3; i < 30; ++i) On(Joined(WorkerId(i), 1));
  On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)));
  EXPECT_EQ(Job().stages[0].done, 2);
  const std::vector<LaunchAttempt> launches =
      Launches(On(CannotReach(kGreen, A(4), Reduce(0), 1, A(2))));
  ASSERT_EQ(launches.size(), 1u);
  EXPECT_EQ(launches[0].task, Map(1));
}

// A map that runs again is the next, and must not hold up those that never ran.
TEST_F(ReachTest, WorkersThatAreApartGoOnWithMapsOfAnotherJob) {
  FetchOnRed();
  On(Joined(kGreen, 0));
  On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)));  // attempt 4 fetches on green
  Submit(6, 1, "other");
  On(Done(kRed, A(5), Map(0, kOther)));
  On(Done(kBlue, A(6), Map(1, kOther)));
  On(OutputMissed{kRed, Map(0, kOther), A(5)});
  EXPECT_THAT(Launches(On(Done(kRed, A(7), Map(2, kOther)))), SizeIs(1));
}

TEST_F(ReachTest, AKeptOutputWhoseMakerIsForgottenIsNobodysToReach) {
  RestartWithoutLeases();
  On(Keeping(1, 1));
  On(Joined(kRed, 1));
  On(Done(kRed, A(1), Map(0)));
  On(Joined(kBlue, 1));
  On(WorkerLeft{kRed});
  for (uint64_t i = 10; i < 1011; ++i) {  // more than a thousand are not remembered
    On(Joined(WorkerId(i), 0));
    On(WorkerLeft{WorkerId(i)});
  }
  On(CannotReach(kBlue, A(3), Reduce(0), 0, A(1)));
  EXPECT_EQ(Ended(Cause::kFetchFailed), 1u);
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(ReachTest, AThirdWorkerThatIsAwayForAMomentIsWaitedFor) {
  FetchOnRed();
  On(Joined(kGreen, 1));
  On(WorkerDisconnected{kGreen});
  EXPECT_THAT(Launches(On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)))), IsEmpty());
  EXPECT_EQ(Job().stages[0].done, 2);
  EXPECT_THAT(Launches(On(Joined(kGreen, 1))),
              ElementsAre(LaunchAttempt{kGreen, A(4), Reduce(0), Reason::kOutputLost}));
}

TEST_F(ReachTest, AnOutputThatIsGoneIsMadeAgainAtOnceAlthoughAThirdWorkerIsThere) {
  FetchOnRed();
  On(Joined(kGreen, 1));
  On(FetchFailed(kRed, A(3), Reduce(0), 1, A(2)));
  EXPECT_EQ(Job().stages[0].done, 1);
}

TEST_F(ReachTest, ACutIsForgottenAfterAWhile) {
  FetchOnRed();
  On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)));
  On(Done(kRed, A(4), Map(1)));
  Pass(absl::Minutes(1));
  // Red has failed it, so blue comes first again.
  EXPECT_THAT(Launches(On(Failed(kRed, A(5), Reduce(0), Cause::kUserCodeFailed))),
              ElementsAre(LaunchAttempt{kBlue, A(6), Reduce(0), Reason::kUserFailure}));
}

TEST_F(ReachTest, TheLedgerSaysWhoCannotFetchFromWhom) {
  FetchOnRed();
  On(Joined(kGreen, 1));
  On(CannotReach(kRed, A(3), Reduce(0), 1, A(2)));
  ASSERT_EQ(Job().summary.recovery.size(), 1u);
  const RecoveryEntry entry = Job().summary.recovery[0];
  EXPECT_EQ(entry.what, LossKind::kPeerUnreachable);
  EXPECT_EQ(entry.subject, "red cannot fetch from blue; blue healthy");
  EXPECT_EQ(entry.attempts_lost, 1u);
  EXPECT_EQ(entry.outputs_lost, 0u);
}

}  // namespace
}  // namespace millrace
