#include "apps/bottles/ring_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Ann stands in the ring Ann, Bob, Cid, Dan.
constexpr uint64_t kAnn = 1, kBob = 2, kCid = 3, kDan = 4, kBobAgain = 22;
constexpr char kRefused[] = "Connection refused";

std::string Text(const Step& step) {
  struct Teller {
    std::string operator()(const Rest&) { return "rest"; }
    std::string operator()(const Meet& meet) { return "meet " + meet.buddy; }
    std::string operator()(const Hand& hand) {
      return "hand " + std::to_string(hand.verse) + " since " + std::to_string(hand.since);
    }
    std::string operator()(const Watch&) { return "watch"; }
    std::string operator()(const TellEnd&) { return "tell the end"; }
    std::string operator()(const AwaitEnd&) { return "await the end"; }
    std::string operator()(const Leave& leave) { return "leave" + leave.problem; }
  };
  return std::visit(Teller(), step);
}

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);

// Of one that has been there for long.
Card CardOf(uint64_t id, std::vector<std::string> successors) {
  return {id, std::move(successors), /*age=*/absl::Minutes(1), /*has_sung=*/false};
}

class RingStateTest : public testing::Test {
 protected:
  RingStateTest() { Make(/*skip_dead=*/true); }

  void Make(bool skip_dead) {
    RingState::Options options;
    options.id = kAnn;
    options.next = "bob";
    options.skip_dead = skip_dead;
    options.born = kNow - absl::Minutes(1);
    ann_.emplace(options);
  }

  std::string Next() { return Text(ann_->next_step()); }
  void MeetBob() { ann_->OnMet(CardOf(kBob, {"cid", "dan", "ann"}), kNow); }
  void BobSings(uint32_t verse) {
    ann_->OnHanded(verse, verse, CardOf(kBob, {"cid", "dan", "ann"}));
  }
  // Ann has sung `verse` + 1 and Bob `verse`; she answers for him.
  void LetBobSing(uint32_t verse) {
    ann_->Start(verse + 1, kNow);
    MeetBob();
    BobSings(verse);
    EXPECT_EQ(Next(), "watch");
  }
  // The host of whoever is next says that nobody listens.
  void NextIsRefused() {
    ann_->OnUnreached({/*nobody_listens=*/true, /*patience_over=*/false, kRefused});
  }
  void NextIsSilent(bool for_long) {
    ann_->OnUnreached({/*nobody_listens=*/false, for_long, "no answer"});
  }
  void BobDies() {
    ann_->OnLinkLost();
    NextIsRefused();
  }

  std::optional<RingState> ann_;
};

// --- A song without trouble ---

TEST_F(RingStateTest, WhoeverIsNotCalledRests) { EXPECT_EQ(Next(), "rest"); }

TEST_F(RingStateTest, AVerseIsHandedOnOnceTheNextOneIsMet) {
  ann_->Start(99, kNow);
  EXPECT_EQ(Next(), "meet bob");
  MeetBob();
  EXPECT_EQ(Next(), "hand 98 since 99");
  BobSings(98);
  EXPECT_EQ(Next(), "watch");
  EXPECT_TRUE(ann_->OnSing(95, 96, kNow));  // it has come round
  EXPECT_EQ(Next(), "hand 94 since 95");
}

TEST_F(RingStateTest, WhoSingsTheLastVerseTellsTheEndAndLeavesWhenItHasComeRound) {
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  EXPECT_EQ(Next(), "meet bob");
  MeetBob();
  EXPECT_EQ(Next(), "tell the end");
  ann_->OnEndTold();
  EXPECT_EQ(Next(), "watch");
  ann_->OnEndHeard();
  EXPECT_EQ(Next(), "leave");
}

TEST_F(RingStateTest, WhoHearsTheEndTellsItAndLeaves) {
  LetBobSing(5);
  ann_->OnEndHeard();
  EXPECT_EQ(Next(), "tell the end");
  ann_->OnEndHeard();  // again
  EXPECT_EQ(Next(), "tell the end");
  ann_->OnEndTold();
  EXPECT_EQ(Next(), "leave");
}

TEST_F(RingStateTest, ASongOfNoneOrOneBottleIsOverAtOnce) {
  for (uint32_t bottles : {0, 1}) {
    Make(/*skip_dead=*/false);
    ann_->Start(bottles, kNow);
    EXPECT_TRUE(ann_->is_over());
    EXPECT_EQ(Next(), "meet bob");
    MeetBob();
    EXPECT_EQ(Next(), "tell the end");
  }
}

TEST_F(RingStateTest, InARingOfOneAnnIsHerOwnNext) {
  ann_.emplace(RingState::Options{kAnn, "ann", /*skip_dead=*/false, kNow});
  ann_->Start(2, kNow);
  ann_->OnMet(ann_->card(kNow), kNow);
  EXPECT_EQ(Next(), "hand 1 since 2");
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  EXPECT_EQ(Next(), "tell the end");
  ann_->OnEndHeard();
  ann_->OnEndTold();
  EXPECT_EQ(Next(), "leave");
}

// --- Duplicates and stale answers ---

TEST_F(RingStateTest, AVerseThatComesTwiceIsSungOnce) {
  EXPECT_TRUE(ann_->OnSing(7, 8, kNow));
  EXPECT_FALSE(ann_->OnSing(7, 8, kNow));
  EXPECT_EQ(ann_->lowest(), 7u);
}

// Somebody goes round a dead buddy and does not know yet how far the song is.
TEST_F(RingStateTest, WhoIsFurtherThanTheCallerKnowsDoesNotSing) {
  EXPECT_TRUE(ann_->OnSing(6, 7, kNow));
  EXPECT_FALSE(ann_->OnSing(5, 7, kNow));  // Ann is about to hand on 5 herself
  EXPECT_TRUE(ann_->OnSing(5, 6, kNow));   // from one who knows that she has sung 6
}

TEST_F(RingStateTest, NobodySingsAfterTheEnd) {
  ann_->OnEndHeard();
  EXPECT_FALSE(ann_->OnSing(7, 8, kNow));
}

TEST_F(RingStateTest, AnAnswerThatComesLateDoesNotClearWhatIsDueNow) {
  ann_->Start(9, kNow);
  MeetBob();
  EXPECT_EQ(Next(), "hand 8 since 9");
  EXPECT_TRUE(ann_->OnSing(5, 6, kNow));  // the song came round before Bob's answer
  BobSings(8);
  EXPECT_EQ(Next(), "hand 4 since 5");
  ann_->OnHandLost(8);
  MeetBob();
  EXPECT_EQ(Next(), "hand 4 since 5");
}

TEST_F(RingStateTest, ALostAnswerIsAskedForAgain) {
  ann_->Start(9, kNow);
  MeetBob();
  ann_->OnHandLost(8);
  EXPECT_EQ(Next(), "meet bob");
  MeetBob();
  EXPECT_EQ(Next(), "hand 8 since 9");
}

// --- Buddies that are not there yet, or silent ---

TEST_F(RingStateTest, ABuddyThatWasNeverThereMayStartLater) {
  ann_->Start(9, kNow);
  NextIsRefused();
  NextIsRefused();
  EXPECT_EQ(Next(), "meet bob");
  EXPECT_THAT(ann_->TakeNews(), ElementsAre("waiting for buddy bob: Connection refused"));
}

TEST_F(RingStateTest, APatientBuddyGivesUpIntheEndAndNamesTheOther) {
  ann_->Start(9, kNow);
  ann_->OnUnreached({/*nobody_listens=*/true, /*patience_over=*/true, kRefused});
  EXPECT_THAT(Next(), AllOf(StartsWith("leavecannot reach buddy bob: Connection refused\n"),
                            HasSubstr("is the server running there")));
}

// It may be alive and singing: going round it could repeat a verse.
TEST_F(RingStateTest, ASilentBuddyIsNeverGoneRound) {
  ann_->Start(9, kNow);
  MeetBob();
  ann_->OnHandLost(8);
  NextIsSilent(/*for_long=*/false);
  EXPECT_EQ(Next(), "meet bob");
  NextIsSilent(/*for_long=*/true);
  EXPECT_THAT(Next(), StartsWith("leavecannot reach buddy bob: no answer"));
}

TEST_F(RingStateTest, ASilentBuddyThatHasTheSongIsWaitedForUntilPatienceIsOver) {
  LetBobSing(8);
  ann_->OnLinkLost();
  NextIsSilent(/*for_long=*/false);
  EXPECT_EQ(Next(), "meet bob");
  MeetBob();
  EXPECT_EQ(Next(), "watch");
  ann_->OnLinkLost();
  NextIsSilent(/*for_long=*/true);
  EXPECT_THAT(Next(), StartsWith("leavecannot reach buddy bob: no answer"));
}

// --- Dead buddies ---

TEST_F(RingStateTest, WithoutSkipDeadADeadBuddyIsReportedByName) {
  Make(/*skip_dead=*/false);
  LetBobSing(8);
  BobDies();
  EXPECT_THAT(Next(), AllOf(StartsWith("leavebuddy bob is dead: Connection refused"),
                            HasSubstr("--skip_dead")));
}

TEST_F(RingStateTest, AVerseThatWasNotHandedOnGoesToTheNextLivingOne) {
  ann_->Start(9, kNow);
  MeetBob();
  BobDies();
  EXPECT_EQ(Next(), "meet cid");
  EXPECT_THAT(ann_->TakeNews(),
              ElementsAre("buddy bob is dead: Connection refused; the song goes round it, to cid"));
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "hand 8 since 9");
}

// Bob has sung 8 for certain; whether he handed on 7 only Cid knows.
TEST_F(RingStateTest, WhenABuddyDiesAfterItsVerseTheOneAfterItGetsTheNextVerse) {
  LetBobSing(8);
  BobDies();
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "hand 7 since 8");
  EXPECT_THAT(ann_->TakeNews(), ElementsAre(HasSubstr("bob is dead")));
}

TEST_F(RingStateTest, WhenTheSongWasFurtherNothingIsToBeDone) {
  LetBobSing(8);
  BobDies();
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  ann_->OnHanded(7, /*lowest=*/7, CardOf(kCid, {"dan", "ann"}));
  EXPECT_EQ(Next(), "watch");
}

// Nobody knows whether Bob sang 8 before he died. It is not sung again.
TEST_F(RingStateTest, AVerseThatADeadBuddyMayHaveSungIsNotRepeated) {
  ann_->Start(9, kNow);
  MeetBob();
  ann_->OnHandLost(8);
  NextIsRefused();
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "hand 7 since 9");
  EXPECT_THAT(ann_->TakeNews(),
              ElementsAre(HasSubstr("bob is dead"), HasSubstr("verse 8 was with bob and may not")));
}

TEST_F(RingStateTest, TwoDeadBuddiesInARowAreGoneRound) {
  LetBobSing(8);
  EXPECT_TRUE(ann_->OnSing(5, 6, kNow));  // round once: all were there
  ann_->OnLinkLost();
  NextIsRefused();
  EXPECT_EQ(Next(), "meet cid");
  NextIsRefused();
  EXPECT_EQ(Next(), "meet dan");
  ann_->OnMet(CardOf(kDan, {"ann"}), kNow);
  EXPECT_EQ(Next(), "hand 4 since 5");
}

// Bob sang 8 and may have handed 7 to Cid, who may have sung it, and both are dead.
TEST_F(RingStateTest, WhatTwoDeadBuddiesMayHaveSungIsNotRepeated) {
  EXPECT_TRUE(ann_->OnSing(13, 14, kNow));
  MeetBob();
  EXPECT_TRUE(ann_->OnSing(9, 10, kNow));
  BobSings(8);
  BobDies();
  EXPECT_EQ(Next(), "meet cid");
  NextIsRefused();
  ann_->OnMet(CardOf(kDan, {"ann"}), kNow);
  EXPECT_EQ(Next(), "hand 6 since 8");
}

TEST_F(RingStateTest, WhoIsLeftAloneSingsOn) {
  LetBobSing(8);
  EXPECT_TRUE(ann_->OnSing(5, 6, kNow));
  BobDies();
  NextIsRefused();  // Cid
  NextIsRefused();  // Dan
  EXPECT_EQ(Next(), "meet ann");
  ann_->OnMet(ann_->card(kNow), kNow);
  EXPECT_EQ(Next(), "hand 4 since 5");
  EXPECT_TRUE(ann_->OnSing(4, 5, kNow));
}

TEST_F(RingStateTest, ABuddyThatWasStartedAgainHasLostItsPlace) {
  LetBobSing(8);
  ann_->OnLinkLost();
  ann_->OnMet(CardOf(kBobAgain, {"cid"}), kNow);
  EXPECT_THAT(ann_->TakeNews(), ElementsAre(HasSubstr("bob is dead: it was started again")));
  EXPECT_EQ(Next(), "meet cid");
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "hand 7 since 8");
}

TEST_F(RingStateTest, ABuddyThatWasStartedAgainBeforeItHadAVerseTakesPart) {
  ann_->Start(9, kNow);
  MeetBob();
  ann_->OnLinkLost();
  ann_->OnMet(CardOf(kBobAgain, {"cid"}), kNow);
  EXPECT_EQ(Next(), "hand 8 since 9");
}

// Bob and Cid died at once. Bob may have handed 7 to Cid, and Cid does not know, because it was
// started again.
TEST_F(RingStateTest, AVerseThatAnEarlierLifeMayHaveSungIsNotRepeated) {
  LetBobSing(8);
  BobDies();
  EXPECT_EQ(Next(), "meet cid");
  Card cid = CardOf(kCid, {"dan", "ann"});
  cid.age = absl::Seconds(1);
  ann_->OnMet(cid, kNow + absl::Seconds(1));
  EXPECT_THAT(Next(), AllOf(StartsWith("leavebuddy cid was started when the song was near it"),
                            HasSubstr("verse 7")));
}

TEST_F(RingStateTest, WhoHasSungInThisLifeHasForgottenNothingThatCounts) {
  LetBobSing(8);
  BobDies();
  Card cid = CardOf(kCid, {"dan", "ann"});
  cid.age = absl::Seconds(1);
  cid.has_sung = true;
  ann_->OnMet(cid, kNow + absl::Seconds(2));
  EXPECT_EQ(Next(), "hand 7 since 8");
}

// Nobody was told of 8 before.
TEST_F(RingStateTest, WhoStartsLateTakesPartWhenTheOneBeforeItDiedWithoutTheSong) {
  ann_->Start(9, kNow);
  MeetBob();
  BobDies();
  Card cid = CardOf(kCid, {"dan", "ann"});
  cid.age = absl::Seconds(1);
  ann_->OnMet(cid, kNow + absl::Seconds(2));
  EXPECT_EQ(Next(), "hand 8 since 9");
}

TEST_F(RingStateTest, ACardTellsTheAgeAndWhetherItsOwnerHasSung) {
  EXPECT_EQ(ann_->card(kNow).age, absl::Minutes(1));
  EXPECT_FALSE(ann_->card(kNow).has_sung);
  EXPECT_TRUE(ann_->OnSing(7, 8, kNow));
  EXPECT_TRUE(ann_->card(kNow).has_sung);
}

TEST_F(RingStateTest, WithoutKnowingWhoComesAfterADeadBuddyTheSongCannotGoOn) {
  ann_->Start(9, kNow);
  ann_->OnMet(CardOf(kBob, {}), kNow);
  BobDies();
  EXPECT_THAT(Next(), AllOf(StartsWith("leavebuddy bob is dead"), HasSubstr("is not known")));
}

TEST_F(RingStateTest, WhenTheLastVerseDiedWithABuddyTheSongIsOver) {
  ann_->Start(2, kNow);
  MeetBob();
  ann_->OnHandLost(1);
  NextIsRefused();
  EXPECT_TRUE(ann_->is_over());
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "tell the end");
}

// --- The end, with dead buddies ---

TEST_F(RingStateTest, TheEndGoesRoundDeadBuddiesWithoutAWord) {
  for (bool skip_dead : {false, true}) {
    Make(skip_dead);
    LetBobSing(5);
    ann_->OnEndHeard();
    BobDies();
    EXPECT_EQ(Next(), "meet cid");
    ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
    EXPECT_EQ(Next(), "tell the end");
    EXPECT_THAT(ann_->TakeNews(), IsEmpty());
  }
}

// Bob took the news and died before he told it.
TEST_F(RingStateTest, WhoBeganTheEndTellsTheOneAfterABuddyThatWent) {
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  MeetBob();
  ann_->OnEndTold();
  BobDies();
  EXPECT_EQ(Next(), "meet cid");
  ann_->OnMet(CardOf(kCid, {"dan", "ann"}), kNow);
  EXPECT_EQ(Next(), "tell the end");
}

// Bob has left with the answer to her still under way, and so has everybody else.
TEST_F(RingStateTest, WhoTellsTheEndToNobodyAnyMoreLeavesAtOnce) {
  ann_->OnEndHeard();
  MeetBob();
  ann_->OnLinkLost();
  NextIsRefused();
  EXPECT_EQ(Next(), "meet cid");
  NextIsRefused();
  EXPECT_EQ(Next(), "meet dan");
  NextIsRefused();
  EXPECT_EQ(Next(), "meet ann");
  NextIsRefused();
  EXPECT_EQ(Next(), "leave");
}

TEST_F(RingStateTest, TheNextOneIsToldOfTheEndWhenItStartsLate) {
  ann_->Start(0, kNow);
  NextIsRefused();
  EXPECT_EQ(Next(), "meet bob");
  MeetBob();
  EXPECT_EQ(Next(), "tell the end");
}

// All others have heard, told on and left before the news comes back to her.
TEST_F(RingStateTest, WhoBeganTheEndLeavesWhenItComesRoundThoughTheNextOneHasLeft) {
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  MeetBob();
  ann_->OnEndTold();
  BobDies();
  EXPECT_EQ(Next(), "meet cid");
  ann_->OnEndHeard();
  EXPECT_EQ(Next(), "leave");
}

// Two may think that they are the first to know.
TEST_F(RingStateTest, WhoBeganTheEndTellsItOnThoughItHasComeRound) {
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  MeetBob();
  ann_->OnEndHeard();
  EXPECT_EQ(Next(), "tell the end");
  ann_->OnEndTold();
  EXPECT_EQ(Next(), "leave");
}

TEST_F(RingStateTest, WhenNobodyIsLeftToBeToldTheNewsMayStillComeRound) {
  EXPECT_TRUE(ann_->OnSing(1, 2, kNow));
  ann_->OnMet(CardOf(kBob, {}), kNow);
  ann_->OnEndTold();
  BobDies();
  EXPECT_EQ(Next(), "await the end");
  ann_->OnEndAwaited();
  EXPECT_EQ(Next(), "leave");
}

// --- Who comes after whom ---

TEST_F(RingStateTest, TheRingEndsWhereAnAddressComesAgain) {
  ann_->OnMet(CardOf(kBob, {"cid", "ann", "bob", "cid"}), kNow);
  EXPECT_THAT(ann_->card(kNow).successors, ElementsAre("bob", "cid", "ann"));
}

TEST_F(RingStateTest, OnlySoManySuccessorsAreKept) {
  std::vector<std::string> many;
  many.reserve(100);
  for (int i = 0; i < 100; ++i) many.push_back("buddy-" + std::to_string(i));
  ann_->OnMet(CardOf(kBob, many), kNow);
  EXPECT_EQ(ann_->card(kNow).successors.size(), kMaxSuccessors + 1);
}

}  // namespace
}  // namespace millrace
