#include "apps/grep/grep_mapper.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "mapreduce/testing.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TextPairs Grep(const std::string& pattern, std::string_view text, bool invert = false) {
  GrepMapper mapper(*LineMatcher::Make({pattern, /*ignore_case=*/false}), invert);
  return RunMapper(mapper, text);
}

TEST(GrepMapperTest, NamesEachLineByFileAndNumber) {
  EXPECT_THAT(Grep("b", "a\nb\r\n\nbb\tb\nc\nb"),
              ElementsAre(Pair("/test/input:2", "b"), Pair("/test/input:4", "bb\tb"),
                          Pair("/test/input:6", "b")));
}

TEST(GrepMapperTest, NothingFoundIsNothingEmitted) { EXPECT_THAT(Grep("x", "a\nb\n"), IsEmpty()); }

TEST(GrepMapperTest, InvertedEmitsTheOthers) {
  EXPECT_THAT(Grep("b", "a\nb\n\nc", /*invert=*/true),
              ElementsAre(Pair("/test/input:1", "a"), Pair("/test/input:3", ""),
                          Pair("/test/input:4", "c")));
  EXPECT_THAT(Grep("", "a\nb\n", /*invert=*/true), IsEmpty());
}

TEST(GrepMapperTest, NumbersGoOnFromTheFirstLineOfTheChunk) {
  class Seven : public LineNumberSource {
   public:
    uint64_t FirstLine() override { return 7; }
  } seven;
  class Collector : public EmitSink {
   public:
    void DrainShort(const ShortPair*, int) override {}
    void DrainLong(const LongPair*, int) override {}
    void EmitPair(std::string_view key, std::string_view) override { keys.emplace_back(key); }
    std::vector<std::string> keys;
  } collector;
  Emitter emitter(ValueForm::kStrings, &collector);
  CounterSet counters;
  InputCursor cursor;
  GrepMapper mapper(*LineMatcher::Make({"b", /*ignore_case=*/false}), /*invert=*/false);
  mapper.Attach(&emitter, &counters);
  mapper.Map(MapInput("a\nb\nb\n", {"/f", /*offset=*/100}, &cursor, &seven));
  EXPECT_THAT(collector.keys, ElementsAre("/f:8", "/f:9"));
}

TEST(GrepMapperTest, ALineThatTakesTooLongFailsTheAttempt) {
  try {
    Grep("(x+x+)+y", "a\n" + std::string(60, 'x') + " y\n");
    FAIL() << "should have thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("too much on this line: match limit exceeded"));
  }
}

}  // namespace
}  // namespace millrace
