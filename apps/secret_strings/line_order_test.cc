#include "apps/secret_strings/line_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using Lines = std::vector<std::string>;

TEST(LineOrderTest, ALineWaitsForThoseBeforeIt) {
  LineOrder<std::string> order;
  EXPECT_EQ(order.Add(2, "c"), Lines{});
  EXPECT_EQ(order.Add(0, "a"), (Lines{"a"}));
  EXPECT_EQ(order.Add(1, "b"), (Lines{"b", "c"}));
  EXPECT_EQ(order.Add(3, "d"), (Lines{"d"}));
}

TEST(LineOrderTest, WhateverTheOrderEveryLineComesOutOnceInOrder) {
  Lines sorted = {"a", "b", "c", "d", "e"};
  std::vector<size_t> numbers(sorted.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  do {
    LineOrder<std::string> order;
    Lines all;
    for (size_t number : numbers) {
      for (std::string& line : order.Add(number, sorted[number])) all.push_back(std::move(line));
    }
    EXPECT_EQ(all, sorted);
  } while (std::next_permutation(numbers.begin(), numbers.end()));
}

}  // namespace
}  // namespace millrace
