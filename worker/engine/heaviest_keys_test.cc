#include "worker/engine/heaviest_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HeaviestKeysTest, TheHeaviestAreKeptInTheirOrder) {
  HeaviestKeys keys;
  keys.Add("a", 1, 10);
  keys.Add("b", 5, 50);
  keys.Add("c", 2, 20);
  keys.Add("d", 9, 90);
  keys.Add("e", 1, 5);
  EXPECT_THAT(std::move(keys).Take(),
              ElementsAre(HeavyKey{"d", false, 9, 99}, HeavyKey{"b", false, 5, 55},
                          HeavyKey{"c", false, 2, 22}));
}

TEST(HeaviestKeysTest, WhereAllAreLightNoneIsHeavy) {
  HeaviestKeys keys;
  for (int i = 100; i < 300; ++i) keys.Add(std::to_string(i), 1, 7);
  EXPECT_THAT(std::move(keys).Take(), IsEmpty());
}

TEST(HeaviestKeysTest, ALongKeyIsCut) {
  HeaviestKeys keys;
  keys.Add(std::string(100, 'x'), 2, 0);
  EXPECT_THAT(std::move(keys).Take(), ElementsAre(HeavyKey{std::string(64, 'x'), true, 2, 200}));
}

}  // namespace
}  // namespace millrace
