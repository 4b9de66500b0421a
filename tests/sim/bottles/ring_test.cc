// Whole songs on a simulated network, with everything that can go wrong on the way. After each one
// a judge looks whether every verse was sung once, in order, by the right buddy.
#include "tests/sim/bottles/ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/bottles/ring_state.h"
#include "tests/sim/random.h"
#include "tests/sim/station.h"

namespace millrace::sim {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

SimRing::Options SkippingTheDead(size_t buddies = 3) {
  SimRing::Options options;
  options.buddies = buddies;
  options.skip_dead = true;
  return options;
}

std::function<bool()> Sung(SimRing& ring, size_t verses) {
  return [&ring, verses]() { return ring.song().size() >= verses; };
}

// --- Without trouble ---

TEST(BottlesRingTest, EveryVerseIsSungOnceInOrderByTheRightBuddy) {
  for (size_t buddies : {1, 2, 3, 7}) {
    for (uint32_t bottles : {0, 1, 2, 99}) {
      SimRing::Options options;
      options.buddies = buddies;
      SimRing ring(options);
      ring.StartAll(bottles);
      const kj::TimePoint began = ring.world().now();
      EXPECT_TRUE(ring.RunToEnd()) << buddies << " buddies, " << bottles << " bottles";
      EXPECT_LT(ring.world().now() - began, 3 * kj::SECONDS);  // nobody waits for what cannot come
      EXPECT_EQ(ring.song().size(), std::max(bottles, 1u));    // none: the ending alone
      EXPECT_EQ(ring.WhatIsWrong(), "") << buddies << " buddies, " << bottles << " bottles";
    }
  }
}

TEST(BottlesRingTest, BuddiesMayBeStartedInAnyOrderSecondsApart) {
  std::vector<size_t> order = {0, 1, 2};
  do {
    for (size_t starter : order) {
      SimRing ring({});
      for (size_t buddy : order) {
        ring.Start(buddy, buddy == starter ? std::optional<uint32_t>(20) : std::nullopt);
        ring.world().RunFor(5 * kj::SECONDS);
      }
      EXPECT_TRUE(ring.RunToEnd());
      EXPECT_EQ(ring.WhatIsWrong(), "");
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(BottlesRingTest, NoConnectionIsMadeBeforeItIsNeeded) {
  SimRing ring({});
  for (size_t buddy : {0, 1, 2}) ring.Start(buddy);
  ring.world().RunFor(1 * kj::HOURS);
  EXPECT_EQ(ring.network().connections(), 0u);
}

// The next buddy is not even there.
TEST(BottlesRingTest, ACallIsAnsweredBeforeTheNextBuddyIsCalled) {
  SimRing ring({});
  ring.Start(0);
  auto request = ring.buddy(0).server().singRequest();
  request.setVerse(98);
  request.setSince(99);
  auto answer = request.send();
  EXPECT_TRUE(answer.poll(ring.world().scope()));
  EXPECT_EQ(ring.song().size(), 1u);
  EXPECT_EQ(ring.network().connections(), 0u);
  ring.world().RunFor(1 * kj::SECONDS);
  EXPECT_GT(ring.network().connections(), 0u);
}

// --- Messages ---

TEST(BottlesRingTest, LostMessagesAreWaitedFor) {
  SimRing ring({});
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 20)));
  ring.network().Cut(SimRing::Host(0), SimRing::Host(1));
  ring.world().RunFor(30 * kj::SECONDS);
  const size_t sung = ring.song().size();
  EXPECT_LE(sung, 23u);  // the song stands still
  ring.network().Heal();
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.song().size(), 99u);
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

TEST(BottlesRingTest, ResetConnectionsCostNoVerse) {
  SimRing ring({});
  ring.StartAll(99);
  for (size_t verses = 5; verses < 95; verses += 3) {
    EXPECT_TRUE(ring.RunUntil(Sung(ring, verses)));
    for (size_t i : {0, 1, 2}) {
      ring.network().ResetConnections(SimRing::Host(i), SimRing::Host((i + 1) % 3));
    }
  }
  EXPECT_GT(ring.network().resets(), 60u);
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.song().size(), 99u);
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

TEST(BottlesRingTest, MessagesThatComeTwiceAreSungOnce) {
  SimRing ring({});
  for (size_t i : {0, 1, 2}) {
    ring.network().Duplicate(SimRing::Host(i), SimRing::Host((i + 1) % 3),
                             ring.world().now() + 1 * kj::HOURS);
  }
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 50)));
  uint64_t guests = 0;
  for (size_t i : {0, 1, 2}) guests += ring.buddy(i).guests();
  EXPECT_EQ(guests, 2 * ring.network().connections());  // each came twice
  ring.network().Heal();
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

TEST(BottlesRingTest, ABuddyThatIsCutOffFromAllIsWaitedForEvenWithSkipDead) {
  SimRing ring(SkippingTheDead());
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 20)));
  ring.network().Isolate(SimRing::Host(1));
  ring.world().RunFor(40 * kj::SECONDS);
  EXPECT_LE(ring.song().size(), 23u);
  ring.network().Heal();
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.song().size(), 99u);
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

// A host without power cannot be told from one that is cut off, whose buddy may be singing.
TEST(BottlesRingTest, AHostThatStaysSilentEndsTheSongAndIsNamed) {
  SimRing ring(SkippingTheDead());
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 20)));
  ring.network().SetPower(SimRing::Host(1), /*on=*/false);
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(0).has_left(); }));
  EXPECT_THAT(ring.buddy(0).problem(), StartsWith("cannot reach buddy buddy-1:7000"));
  EXPECT_LE(ring.song().size(), 23u);
}

// --- Dead buddies ---

TEST(BottlesRingTest, WithoutSkipDeadADeadBuddyIsNamedByTheOneBeforeIt) {
  SimRing ring({});
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 20)));
  ring.Kill(1);
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_THAT(ring.buddy(0).problem(), StartsWith("buddy buddy-1:7000 is dead: "));
  EXPECT_THAT(ring.buddy(2).problem(), StartsWith("buddy buddy-0:7000 is dead: "));  // it has left
  EXPECT_LE(ring.song().size(), 22u);
}

TEST(BottlesRingTest, WithSkipDeadTheSongGoesRoundADeadBuddy) {
  for (size_t buddies : {2, 3, 7}) {
    for (size_t victim = 0; victim < buddies; ++victim) {
      SimRing ring(SkippingTheDead(buddies));
      ring.StartAll(99);
      EXPECT_TRUE(ring.RunUntil(Sung(ring, 40)));
      ring.Kill(victim);
      EXPECT_TRUE(ring.RunToEnd());
      EXPECT_EQ(ring.dead(), 1u);
      EXPECT_EQ(ring.WhatIsWrong(), "") << victim << " of " << buddies;
      EXPECT_THAT(ring.news(), Contains(HasSubstr(SimRing::Host(victim) + ":7000 is dead")));
    }
  }
}

// At every single thing that the buddy does around its verse.
TEST(BottlesRingTest, WhereverABuddyDiesNoVerseIsRepeated) {
  size_t lost = 0;
  for (uint64_t steps = 0; steps < 40; ++steps) {
    SimRing ring(SkippingTheDead());
    ring.StartAll(30);
    EXPECT_TRUE(ring.RunUntil(Sung(ring, 10)));
    ring.KillAfter(1, steps);
    EXPECT_TRUE(ring.RunToEnd());
    EXPECT_EQ(ring.WhatIsWrong(), "") << "killed after " << steps << " steps";
    lost += 30 - ring.song().size();
    if (ring.dead() == 0) break;  // it was done before
  }
  EXPECT_LE(lost, 10u);  // only where it had heard of a verse and not answered
}

TEST(BottlesRingTest, TwoDeadNeighboursAreGoneRound) {
  SimRing ring(SkippingTheDead(/*buddies=*/5));
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 40)));
  ring.Kill(1);
  ring.Kill(2);
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

TEST(BottlesRingTest, TheLastLivingBuddySingsAlone) {
  SimRing ring(SkippingTheDead(/*buddies=*/4));
  ring.StartAll(99);
  for (size_t victim : {0, 1, 2}) {
    EXPECT_TRUE(ring.RunUntil(Sung(ring, 20 + 20 * victim)));
    ring.Kill(victim);
  }
  EXPECT_TRUE(ring.RunToEnd());
  EXPECT_EQ(ring.dead(), 3u);
  EXPECT_EQ(ring.WhatIsWrong(), "");
  EXPECT_EQ(ring.song().back().buddy, 3u);
}

TEST(BottlesRingTest, ABuddyThatIsStartedAgainIsGoneRound) {
  SimRing ring(SkippingTheDead());
  ring.StartAll(99);
  EXPECT_TRUE(ring.RunUntil(Sung(ring, 40)));
  ring.Kill(1);
  ring.Start(1);
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(0).has_left(); }));
  EXPECT_THAT(ring.news(), Contains(HasSubstr("buddy-1:7000 is dead")));
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(2).has_left(); }));
  EXPECT_EQ(ring.WhatIsWrong(), "");
}

// Buddy 3 knows of buddy 1 only from buddy 0, and buddy 1 knows no more that it has sung.
TEST(BottlesRingTest, WhatABuddySangInAnEarlierLifeIsNotSungAgainWhenTheOneBeforeItDiesToo) {
  SimRing ring(SkippingTheDead(/*buddies=*/4));
  ring.StartAll(99);
  EXPECT_TRUE(
      ring.RunUntil([&]() { return ring.song().size() > 40 && ring.song().back().buddy == 1; }));
  ring.Kill(0);
  ring.Kill(1);
  ring.Start(1);
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(3).has_left(); }));
  EXPECT_THAT(ring.buddy(3).problem(),
              StartsWith("buddy buddy-1:7000 was started when the song was near it"));
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(2).has_left(); }));
  for (size_t i = 1; i < ring.song().size(); ++i) {
    EXPECT_LT(ring.song()[i].verse, ring.song()[i - 1].verse);
  }
}

TEST(BottlesRingTest, ANextOneThatIsNoBuddyIsNamedAtOnce) {
  SimRing::Options options;
  options.buddies = 2;
  SimRing ring(options);
  Station other(ring.world(), ring.network(), SimRing::Host(0));
  other.Serve(7000, [](const PeerInfo&) { return capnp::Capability::Client(nullptr); });
  ring.Start(1, /*bottles=*/99);
  const kj::TimePoint began = ring.world().now();
  EXPECT_TRUE(ring.RunUntil([&]() { return ring.buddy(1).has_left(); }));
  EXPECT_LT(ring.world().now() - began, 1 * kj::SECONDS);
  EXPECT_THAT(ring.buddy(1).problem(), AllOf(StartsWith("buddy buddy-0:7000 does not take part: "),
                                             EndsWith("; check --next")));
}

// Of so many a buddy knows only those that come next.
TEST(BottlesRingTest, ARingMayBeLargerThanWhatABuddyKnowsOfIt) {
  const size_t buddies = 2 * kMaxSuccessors + 8;
  for (bool one_dies : {false, true}) {
    SimRing ring(SkippingTheDead(buddies));
    ring.StartAll(199);
    EXPECT_TRUE(ring.RunUntil(Sung(ring, 100)));
    if (one_dies) ring.Kill(7);
    EXPECT_TRUE(ring.RunToEnd());
    EXPECT_EQ(ring.song().size(), 199u);
    EXPECT_EQ(ring.WhatIsWrong(), "");
  }
}

// --- Swarm ---

// Breaks something at random, now and again, as long as the song goes on.
void Trouble(SimRing& ring, size_t buddies, Random& random) {
  const std::string from = SimRing::Host(random.Below(buddies));
  const std::string to = SimRing::Host(random.Below(buddies));
  const kj::TimePoint until = ring.world().now() + random.Between(1, 3000) * kj::MILLISECONDS;
  switch (random.Below(6)) {
    case 0: ring.network().ResetConnections(from, to); break;
    case 1: ring.network().Cut(from, to); break;
    case 2: ring.network().Part(from, to); break;
    case 3: ring.network().Isolate(from); break;
    case 4: ring.network().Duplicate(from, to, until); break;
    case 5: ring.network().Clog(from, to, random.Between(1, 2000) * kj::MILLISECONDS, until); break;
  }
  ring.world().RunFor(random.Between(1, 15'000) * kj::MILLISECONDS);
  if (random.Chance(0.5)) ring.network().Heal();
}

// What struck in all songs together.
struct Struck {
  uint64_t resets = 0;
  size_t deaths = 0;
};

void SingInTrouble(uint64_t seed, bool with_deaths, Struck& struck) {
  Random random(seed);
  const size_t buddies = random.Between(1, 5);
  SimRing::Options options = SkippingTheDead(buddies);
  options.seed = seed;
  options.skip_dead = with_deaths;
  options.patience = 10 * kj::MINUTES;
  options.beat = random.Below(500) * kj::MILLISECONDS;
  SimRing ring(options);
  ring.StartAll(99);
  // Twice round, so that everybody knows who comes after whom.
  ASSERT_TRUE(ring.RunUntil(Sung(ring, 2 * buddies + 1)));
  size_t deaths = 0;
  for (int i = 0; i < 8; ++i) {
    Trouble(ring, buddies, random);
    if (!with_deaths || deaths + 1 >= buddies || !random.Chance(0.3)) continue;
    ring.KillAfter(random.Below(buddies), random.Below(30));
    ++deaths;
  }
  ring.network().Heal();
  ASSERT_TRUE(ring.RunToEnd()) << "seed " << seed;
  ASSERT_EQ(ring.WhatIsWrong(), "") << "seed " << seed;
  struck.resets += ring.network().resets();
  struck.deaths += ring.dead();
}

TEST(BottlesRingTest, NoTroubleOfTheNetworkCostsOrRepeatsAVerse) {
  Struck struck;
  for (uint64_t seed = 1; seed <= 50; ++seed) SingInTrouble(seed, /*with_deaths=*/false, struck);
  EXPECT_GT(struck.resets, 50u);
  EXPECT_EQ(struck.deaths, 0u);
}

TEST(BottlesRingTest, NoTroubleAndNoDeathRepeatsAVerse) {
  Struck struck;
  for (uint64_t seed = 1; seed <= 100; ++seed) SingInTrouble(seed, /*with_deaths=*/true, struck);
  EXPECT_GT(struck.resets, 100u);
  EXPECT_GT(struck.deaths, 30u);
}

}  // namespace
}  // namespace millrace::sim
