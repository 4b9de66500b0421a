#include "mapreduce/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class WordMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachWord([this](std::string_view word) {
      if (word == "bad") return Fail("a bad word");
      GetCounter("words", "seen")->Increment();
      Emit(word, 1);
    });
  }
  void Finish() override { Emit("the end", "!"); }
};

class Longest : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string longest;
    for (; !input.done(); input.NextValue()) {
      if (input.value().size() > longest.size()) longest = input.value();
    }
    if (longest.empty()) return Fail("only empty values");
    Emit(std::string_view(longest));
  }
};

TEST(RunMapperTest, ReturnsPairsInTheOrderOfEmit) {
  WordMapper mapper;
  CounterSet counters;
  EXPECT_THAT(RunMapper(mapper, "to be", &counters),
              ElementsAre(Pair("to", "1"), Pair("be", "1"), Pair("the end", "!")));
  EXPECT_EQ(counters.Get("words", "seen")->value(), 2);
}

TEST(RunMapperTest, ThrowsWhatTheMapperFailsWith) {
  WordMapper mapper;
  EXPECT_THROW(RunMapper(mapper, "a bad one"), std::runtime_error);
}

TEST(RunReducerTest, ReturnsWhatWasWritten) {
  Longest reducer;
  EXPECT_THAT(RunReducer(reducer, "key", {"a", "ccc", "bb"}), ElementsAre(Pair("key", "ccc")));
}

TEST(RunReducerTest, ThrowsWhatTheReducerFailsWith) {
  Longest reducer;
  EXPECT_THROW(RunReducer(reducer, "key", {""}), std::runtime_error);
}

}  // namespace
}  // namespace millrace
