#include "apps/secret_strings/word_balancer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <set>
#include <vector>

namespace millrace {
namespace {

constexpr size_t kRed = 0, kBlue = 1, kGreen = 2;

// Everything that can be given out now.
std::vector<Assignment> GiveOut(WordBalancer* balancer) {
  std::vector<Assignment> given;
  while (std::optional<Assignment> next = balancer->Next()) given.push_back(*next);
  return given;
}

using Given = std::vector<Assignment>;

TEST(WordBalancerTest, NobodyGetsAWordBeforeItHasJoined) {
  WordBalancer balancer(2, 5, 1);
  EXPECT_EQ(GiveOut(&balancer), Given{});
  balancer.Joined(kBlue);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 0}}));
}

TEST(WordBalancerTest, WordsGoRoundInOrder) {
  WordBalancer balancer(3, 5, 2);
  for (size_t server : {kRed, kBlue, kGreen}) balancer.Joined(server);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}, {kBlue, 1}, {kGreen, 2}, {kRed, 3}, {kBlue, 4}}));
}

TEST(WordBalancerTest, NobodyHasMoreThanTheMost) {
  WordBalancer balancer(1, 5, 2);
  balancer.Joined(kRed);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}, {kRed, 1}}));
  balancer.Answered(kRed, 0);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 2}}));
}

TEST(WordBalancerTest, WhoAnswersFasterGetsMore) {
  WordBalancer balancer(2, 100, 2);
  balancer.Joined(kRed);
  balancer.Joined(kBlue);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}, {kBlue, 1}, {kRed, 2}, {kBlue, 3}}));
  balancer.Answered(kBlue, 1);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 4}}));
  balancer.Answered(kBlue, 3);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 5}}));
  EXPECT_EQ(balancer.answered_by(kRed), 0u);
  EXPECT_EQ(balancer.answered_by(kBlue), 2u);
}

TEST(WordBalancerTest, WordsOfALostServerGoToTheOthersFirst) {
  WordBalancer balancer(2, 10, 2);
  balancer.Joined(kRed);
  balancer.Joined(kBlue);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}, {kBlue, 1}, {kRed, 2}, {kBlue, 3}}));
  EXPECT_EQ(balancer.Lost(kRed), 2u);
  EXPECT_EQ(GiveOut(&balancer), Given{});  // blue has enough
  balancer.Answered(kBlue, 1);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 0}}));
  balancer.Answered(kBlue, 3);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 2}}));
  balancer.Answered(kBlue, 0);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 4}}));
}

TEST(WordBalancerTest, WhatALostServerHasAnsweredIsNotAskedAgain) {
  WordBalancer balancer(2, 2, 2);
  balancer.Joined(kRed);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}, {kRed, 1}}));
  balancer.Answered(kRed, 1);
  EXPECT_EQ(balancer.Lost(kRed), 1u);
  balancer.Joined(kBlue);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kBlue, 0}}));
  balancer.Answered(kBlue, 0);
  EXPECT_TRUE(balancer.done());
  EXPECT_EQ(GiveOut(&balancer), Given{});
}

TEST(WordBalancerTest, AServerThatComesBackGetsWordsAgain) {
  WordBalancer balancer(1, 3, 1);
  balancer.Joined(kRed);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}}));
  balancer.Lost(kRed);
  EXPECT_EQ(GiveOut(&balancer), Given{});
  balancer.Joined(kRed);
  EXPECT_EQ(GiveOut(&balancer), (Given{{kRed, 0}}));
}

TEST(WordBalancerTest, AnEmptyListIsDone) { EXPECT_TRUE(WordBalancer(1, 0, 1).done()); }

TEST(WordBalancerDeathTest, AnAnswerToAWordThatTheServerDoesNotHaveIsABug) {
  WordBalancer balancer(2, 2, 1);
  balancer.Joined(kRed);
  GiveOut(&balancer);
  EXPECT_DEATH(balancer.Answered(kBlue, 0), "which it does not have");
}

// Servers come, answer and go by chance; a checker of its own keeps the books.
RC_GTEST_PROP(WordBalancerProperty, EveryWordIsAnsweredOnceAndNobodyHasTooMany, ()) {
  const size_t servers = *rc::gen::inRange<size_t>(1, 5);
  const size_t words = *rc::gen::inRange<size_t>(0, 40);
  const size_t most = *rc::gen::inRange<size_t>(1, 4);
  WordBalancer balancer(servers, words, most);
  std::vector<std::set<size_t>> has(servers);
  std::set<size_t> answered;
  std::set<size_t> had;
  const auto give_out = [&]() {
    for (const Assignment& given : GiveOut(&balancer)) {
      for (const std::set<size_t>& other : has) RC_ASSERT(other.count(given.word) == 0);
      RC_ASSERT(answered.count(given.word) == 0);
      has[given.server].insert(given.word);
      had.insert(given.word);
      RC_ASSERT(has[given.server].size() <= most);
    }
  };
  const auto answer_one = [&](size_t server) {
    if (has[server].empty()) return;
    const size_t word = *has[server].rbegin();
    has[server].erase(word);
    answered.insert(word);
    balancer.Answered(server, word);
  };
  for (int step = 0; step < 100; ++step) {
    const size_t server = *rc::gen::inRange<size_t>(0, servers);
    switch (*rc::gen::inRange(0, 4)) {
      case 0: balancer.Joined(server); break;
      case 1:
        RC_ASSERT(balancer.Lost(server) == has[server].size());
        has[server].clear();
        break;
      default: answer_one(server); break;
    }
    give_out();
  }
  // Without faults the rest follows.
  balancer.Joined(0);
  for (size_t rounds = 0; !balancer.done(); ++rounds) {
    RC_ASSERT(rounds <= words);
    give_out();
    for (size_t server = 0; server < servers; ++server) answer_one(server);
  }
  RC_ASSERT(answered.size() == words);
}

}  // namespace
}  // namespace millrace
