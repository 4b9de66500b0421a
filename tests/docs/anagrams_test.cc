#include "tests/docs/anagrams.h"

#include <gmock/gmock.h>

#include "mapreduce/testing.h"

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(AnagramMapperTest, TheKeyIsTheLettersInOrder) {
  AnagramMapper mapper;
  EXPECT_THAT(millrace::RunMapper(mapper, "Tea, eat!"),
              ElementsAre(Pair("aet", "tea"), Pair("aet", "eat")));
}

TEST(AnagramMapperTest, WordsWithOtherLettersAreCounted) {
  AnagramMapper mapper;
  millrace::CounterSet counters;
  EXPECT_THAT(millrace::RunMapper(mapper, "caf\xc3\xa9 na\xc3\xafve", &counters), IsEmpty());
  EXPECT_EQ(counters.Get("anagrams", "skipped")->value(), 2);
}

TEST(AnagramReducerTest, WritesEachWordOnce) {
  AnagramReducer reducer(/*smallest_group=*/2);
  EXPECT_THAT(millrace::RunReducer(reducer, "aet", {"tea", "eat", "tea"}),
              ElementsAre(Pair("aet", "eat tea")));
}

TEST(AnagramReducerTest, OneWordIsNoAnagram) {
  AnagramReducer reducer(/*smallest_group=*/2);
  EXPECT_THAT(millrace::RunReducer(reducer, "aet", {"tea", "tea"}), IsEmpty());
}

}  // namespace
