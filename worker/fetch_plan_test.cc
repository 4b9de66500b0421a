#include "worker/fetch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WorkerId kNear(1);  // on this host
constexpr WorkerId kFar(2);

MapSource Source(uint32_t map_index, uint64_t attempt, WorkerId worker, uint64_t content = 7) {
  return MapSource{map_index, AttemptId{Epoch(1), attempt}, worker, Digest{0, content}};
}

MapSource LostSource(uint32_t map_index) {
  return MapSource{map_index, AttemptId(), WorkerId(), {}};
}

const std::map<WorkerId, ShuffleAddress>& Addresses() {
  static const std::map<WorkerId, ShuffleAddress> addresses = {
      {kNear, ShuffleAddress{kNear, "near:1", "this host", "/near"}},
      {kFar, ShuffleAddress{kFar, "far:1", "another host", "/far"}}};
  return addresses;
}

FetchPlan PlanFor(uint32_t maps, ShuffleMode mode = ShuffleMode::kAuto) {
  FetchPlanOptions options;
  options.mode = mode;
  options.host_id = "this host";
  return FetchPlan(maps, options);
}

std::optional<ReduceSource> At(const MapSource& source) {
  ReduceSource at;
  at.map_index = source.map_index;
  at.attempt = source.attempt;
  return at;
}

void PublishTo(FetchPlan& plan, uint64_t version, const std::vector<MapSource>& sources) {
  plan.Publish(version, sources, Addresses());
}

TEST(FetchPlanTest, WaitsUntilTheMasterSaysWhereAllOutputsAre) {
  FetchPlan plan = PlanFor(2);
  EXPECT_THAT(plan.Next(), IsEmpty());
  PublishTo(plan, 1, {Source(0, 1, kFar)});
  EXPECT_THAT(plan.Next(), SizeIs(1));
  EXPECT_THAT(plan.Next(), IsEmpty()) << "an order is given once";
  plan.OnReady(Source(0, 1, kFar), At(Source(0, 1, kFar)), 100);
  EXPECT_FALSE(plan.ready());

  PublishTo(plan, 2, {Source(1, 2, kFar)});
  ASSERT_THAT(plan.Next(), SizeIs(1));
  plan.OnReady(Source(1, 2, kFar), std::nullopt, 0);  // an empty partition
  EXPECT_TRUE(plan.ready());
  EXPECT_EQ(plan.version(), 2u);
  EXPECT_EQ(plan.bytes(), 100u);
  EXPECT_THAT(plan.Sources(), SizeIs(1));
}

TEST(FetchPlanTest, KeptOutputsAreReadInPlaceWhateverBecameOfTheirMakers) {
  FetchPlanOptions options;
  options.mode = ShuffleMode::kNetwork;
  options.kept = true;
  FetchPlan plan(2, options);
  plan.Publish(1, {Source(0, 1, kFar), Source(1, 2, WorkerId(9))}, Addresses());
  const std::vector<FetchOrder> orders = plan.Next();
  ASSERT_THAT(orders, SizeIs(2));
  for (const FetchOrder& order : orders) EXPECT_EQ(order.how, FetchHow::kInPlace);

  plan.OnReady(orders[0].source, At(orders[0].source), 100);
  plan.OnTrouble(orders[1].source, "stale file handle");
  ASSERT_THAT(plan.Next(), SizeIs(1)) << "it is looked at again";
  plan.OnGone(orders[1].source, "not there");
  ASSERT_TRUE(plan.failure().has_value());
  EXPECT_EQ(plan.failure()->source.map_index, 1u);
}

TEST(FetchPlanTest, AJobWithoutMapsIsReadyAtOnce) { EXPECT_TRUE(PlanFor(0).ready()); }

TEST(FetchPlanTest, LooksAtFilesOfThisHostAndFetchesTheOthers) {
  FetchPlan plan = PlanFor(2);
  PublishTo(plan, 1, {Source(0, 1, kNear), Source(1, 2, kFar)});
  const std::vector<FetchOrder> orders = plan.Next();
  ASSERT_THAT(orders, SizeIs(2));
  EXPECT_EQ(orders[0].how, FetchHow::kInPlace);
  EXPECT_EQ(orders[1].how, FetchHow::kNetwork);
}

TEST(FetchPlanTest, FetchesEverythingWhenTheJobSaysSo) {
  FetchPlan plan = PlanFor(1, ShuffleMode::kNetwork);
  PublishTo(plan, 1, {Source(0, 1, kNear)});
  EXPECT_EQ(plan.Next()[0].how, FetchHow::kNetwork);
}

TEST(FetchPlanTest, FetchesWhatCannotBeReadInPlace) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 1, kNear)});
  plan.OnNotInPlace(plan.Next()[0].source);
  EXPECT_EQ(plan.Next()[0].how, FetchHow::kNetwork);
}

TEST(FetchPlanTest, FetchesFourAtATime) {
  FetchPlan plan = PlanFor(10);
  std::vector<MapSource> sources;
  for (uint32_t i = 0; i < 10; ++i) sources.push_back(Source(i, i + 1, kFar));
  PublishTo(plan, 1, sources);
  EXPECT_THAT(plan.Next(), SizeIs(4));
  plan.OnReady(sources[2], At(sources[2]), 1);
  const std::vector<FetchOrder> next = plan.Next();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].source.map_index, 4u);
}

TEST(FetchPlanTest, TriesAgainAfterTroubleAndGivesUpByName) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  for (uint32_t tries = 0; tries < 6; ++tries) {
    const std::vector<FetchOrder> orders = plan.Next();
    ASSERT_THAT(orders, SizeIs(1)) << tries;
    EXPECT_EQ(orders[0].tries, tries);
    plan.OnTrouble(orders[0].source, "no answer");
  }
  ASSERT_TRUE(plan.failure().has_value());
  EXPECT_EQ(plan.failure()->source.attempt, (AttemptId{Epoch(1), 5}));
  EXPECT_EQ(plan.failure()->message,
            "the output of map task 0 (attempt-1-5 on worker-2) cannot be read: no answer (tried 6 "
            "times)");
  EXPECT_THAT(plan.Next(), IsEmpty());
}

TEST(FetchPlanTest, AWorkerOutOfReachEndsTheAttemptAtOnceAndNothingIsSaidOfTheSource) {
  FetchPlan plan = PlanFor(2);
  PublishTo(plan, 1, {Source(0, 5, kFar), Source(1, 6, kFar)});
  plan.OnUnreachable(plan.Next()[0].source, "no connection");
  ASSERT_TRUE(plan.failure().has_value());
  EXPECT_TRUE(plan.failure()->unreachable);
  EXPECT_THAT(plan.failure()->message, HasSubstr("no connection"));
  EXPECT_THAT(plan.Next(), IsEmpty());
}

TEST(FetchPlanTest, AnOutputThatIsGoneEndsTheAttemptAtOnce) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  plan.OnGone(plan.Next()[0].source, "no such file");
  EXPECT_THAT(plan.failure()->message, HasSubstr("no such file"));
  EXPECT_FALSE(plan.failure()->unreachable);
}

TEST(FetchPlanTest, ANewSourceTakesThePlaceOfTheOneBeingFetched) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  const MapSource old = plan.Next()[0].source;
  PublishTo(plan, 2, {Source(0, 6, kNear)});
  EXPECT_FALSE(plan.IsCurrent(old));
  plan.OnGone(old, "its worker is lost");  // too late to matter
  EXPECT_FALSE(plan.failure().has_value());
  EXPECT_EQ(plan.Next()[0].source.attempt, (AttemptId{Epoch(1), 6}));
}

TEST(FetchPlanTest, ALostSourceTakesReadinessBackEvenIfItsDataIsHere) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  plan.OnReady(plan.Next()[0].source, At(Source(0, 5, kFar)), 10);
  PublishTo(plan, 2, {LostSource(0)});
  EXPECT_FALSE(plan.ready());

  PublishTo(plan, 3, {Source(0, 6, kFar)});
  EXPECT_TRUE(plan.ready()) << "what was fetched is the same as the new output";
  EXPECT_THAT(plan.Next(), IsEmpty());
  EXPECT_EQ(plan.Sources()[0].attempt, (AttemptId{Epoch(1), 6}));
}

TEST(FetchPlanTest, AReplacementWithOtherContentIsFetchedAnew) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar, /*content=*/1)});
  plan.OnReady(plan.Next()[0].source, At(Source(0, 5, kFar)), 10);
  PublishTo(plan, 2, {LostSource(0)});
  PublishTo(plan, 3, {Source(0, 6, kFar, /*content=*/2)});
  EXPECT_FALSE(plan.ready());
  EXPECT_THAT(plan.Next(), SizeIs(1));
}

TEST(FetchPlanTest, AFileInPlaceIsNotOursWhenItsWorkerIsLost) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kNear)});
  plan.OnReady(plan.Next()[0].source, At(Source(0, 5, kNear)), 10);
  PublishTo(plan, 2, {Source(0, 6, kFar)});
  EXPECT_FALSE(plan.ready());
  EXPECT_EQ(plan.Next()[0].how, FetchHow::kNetwork);
}

TEST(FetchPlanTest, NewsToldTwiceChangeNothing) {
  FetchPlan plan = PlanFor(1);
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  plan.OnReady(plan.Next()[0].source, At(Source(0, 5, kFar)), 10);
  plan.ForgetVersion();
  PublishTo(plan, 1, {Source(0, 5, kFar)});
  EXPECT_TRUE(plan.ready());
  EXPECT_EQ(plan.version(), 1u);
}

// Whatever is lost, moved, slow or not in place, every source is at hand in the end, exactly once,
// and never are more than four fetches under way.
RC_GTEST_PROP(FetchPlanProperty, EverySourceIsAtHandInTheEnd, ()) {
  const uint32_t maps = *rc::gen::inRange<uint32_t>(1, 12);
  FetchPlan plan = PlanFor(maps);
  uint64_t attempts = 0;
  std::vector<MapSource> sources;
  for (uint32_t i = 0; i < maps; ++i) sources.push_back(Source(i, ++attempts, kFar));
  PublishTo(plan, 1, sources);
  std::vector<FetchOrder> under_way;
  for (uint64_t step = 0; step < 200 && !plan.ready(); ++step) {
    for (FetchOrder& order : plan.Next()) under_way.push_back(std::move(order));
    size_t current = 0;
    for (const FetchOrder& order : under_way) {
      current += order.how == FetchHow::kNetwork && plan.IsCurrent(order.source) ? 1 : 0;
    }
    RC_ASSERT(current <= 4u);
    if (under_way.empty()) continue;
    const size_t at = *rc::gen::inRange<size_t>(0, under_way.size());
    const FetchOrder order = under_way[at];
    under_way.erase(under_way.begin() + at);
    const uint32_t map_index = order.source.map_index;
    const int what = step < 100 ? *rc::gen::inRange(0, 4) : 0;  // in the end all goes well
    if (what == 1) {
      const WorkerId worker = *rc::gen::arbitrary<bool>() ? kNear : kFar;
      PublishTo(plan, step + 2, {Source(map_index, ++attempts, worker)});
    } else if (what == 2 && order.tries < 2) {
      plan.OnTrouble(order.source, "slow");
    } else if (what == 3) {
      plan.OnNotInPlace(order.source);
    } else {
      plan.OnReady(order.source, At(order.source), 1);
    }
  }
  RC_ASSERT(plan.ready());
  std::set<uint32_t> seen;
  for (const ReduceSource& source : plan.Sources()) seen.insert(source.map_index);
  RC_ASSERT(seen.size() == maps);
  RC_ASSERT(plan.bytes() == maps);
}

}  // namespace
}  // namespace millrace
