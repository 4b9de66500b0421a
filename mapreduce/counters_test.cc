#include "mapreduce/counters.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(CounterSetTest, ACounterIsMadeOnFirstUseAndFoundAgain) {
  CounterSet counters;
  Counter* const odd = counters.Get("words", "odd");
  EXPECT_EQ(odd->value(), 0);
  odd->Increment();
  odd->Increment(5);
  odd->Increment(-2);
  EXPECT_EQ(counters.Get("words", "odd"), odd);
  EXPECT_EQ(counters.all().at("words/odd").value(), 4);
  EXPECT_NE(counters.Get("lines", "odd"), odd);
}

TEST(CounterSetTest, CountersStayWhereTheyAreWhenOthersCome) {
  CounterSet counters;
  Counter* const first = counters.Get("group", "first");
  for (int i = 0; i < 900; ++i) counters.Get("group", std::to_string(i));
  EXPECT_EQ(counters.Get("group", "first"), first);
}

TEST(CounterSetTest, SharesOneCounterBeyondTheLimit) {
  CounterSet counters;
  for (size_t i = 0; i < CounterSet::kMaxCounters + 5; ++i) {
    counters.Get("many", std::to_string(i))->Increment();
  }
  EXPECT_EQ(counters.all().at("millrace/overflow").value(), 5);
  counters.Get("many", "0")->Increment();
  EXPECT_EQ(counters.Get("many", "0")->value(), 2);
}

TEST(CounterSetTest, ClearForgetsAll) {
  CounterSet counters;
  counters.Get("a", "b")->Increment();
  counters.Clear();
  EXPECT_TRUE(counters.all().empty());
  EXPECT_EQ(counters.Get("a", "b")->value(), 0);
}

TEST(CounterSetTest, GroupsOfMillraceItselfAreRefused) {
  CounterSet counters;
  counters.Get("millraces", "wheels")->Increment();
  EXPECT_EQ(counters.refused(), "");
  counters.Get("millrace.profile", "read")->Increment();
  counters.Get("millrace", "overflow")->Increment();
  EXPECT_EQ(counters.refused(), "millrace.profile/read");
  EXPECT_EQ(counters.all().size(), 1u);
}

}  // namespace
}  // namespace millrace
