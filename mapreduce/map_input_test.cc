#include "mapreduce/map_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A chunk with nothing readable behind it, so that a sanitizer sees every read outside.
class Chunk {
 public:
  explicit Chunk(const std::string& text, const RecordShape& shape = RecordShape())
      : bytes_(text.begin(), text.end()),
        input_(std::string_view(bytes_.data(), bytes_.size()), {"/in/file", /*offset=*/1000, shape},
               &cursor_) {}

  std::vector<std::string> Words() { return Collect(&MapInput::ForEachWord<Collector>); }
  std::vector<std::string> Lines() { return Collect(&MapInput::ForEachLine<Collector>); }
  std::vector<std::string> Records() { return Collect(&MapInput::ForEachRecord<Collector>); }
  std::vector<std::pair<std::string, std::string>> Pairs() {
    std::vector<std::pair<std::string, std::string>> pairs;
    input_.ForEachPair(
        [&](std::string_view key, std::string_view value) { pairs.emplace_back(key, value); });
    return pairs;
  }

  const MapInput& input() const { return input_; }
  const InputCursor& cursor() const { return cursor_; }

 private:
  struct Collector {
    std::vector<std::string>* found;
    void operator()(std::string_view piece) const { found->emplace_back(piece); }
  };

  std::vector<std::string> Collect(void (MapInput::*walk)(Collector&&) const) {
    std::vector<std::string> found;
    (input_.*walk)(Collector{&found});
    return found;
  }

  std::vector<char> bytes_;
  InputCursor cursor_;
  MapInput input_;
};

TEST(MapInputTest, WordsAreWhatLiesBetweenWhiteSpace) {
  EXPECT_THAT(Chunk(" to\tbe\nor\r\nnot\vto\fbe ").Words(),
              ElementsAre("to", "be", "or", "not", "to", "be"));
  EXPECT_THAT(Chunk("").Words(), IsEmpty());
  EXPECT_THAT(Chunk(" \n ").Words(), IsEmpty());
}

TEST(MapInputTest, AnyOtherByteBelongsToAWord) {
  const std::string odd("a\0b\x1f\x7f\x80\xff", 7);
  EXPECT_THAT(Chunk(odd + " x").Words(), ElementsAre(odd, "x"));
}

TEST(MapInputTest, LinesLoseTheirEnds) {
  EXPECT_THAT(Chunk("one\ntwo\r\n\n\r\nlast").Lines(), ElementsAre("one", "two", "", "", "last"));
  EXPECT_THAT(Chunk("one\n").Lines(), ElementsAre("one"));
  EXPECT_THAT(Chunk("").Lines(), IsEmpty());
  EXPECT_THAT(Chunk("a\rb\n").Lines(), ElementsAre("a\rb"));
}

TEST(MapInputTest, ARecordIsALineOrTheWholeFile) {
  EXPECT_THAT(Chunk("a\nb\n").Records(), ElementsAre("a", "b"));
  EXPECT_THAT(Chunk("a\nb\n", {InputFormat::kWholeFile}).Records(), ElementsAre("a\nb\n"));
}

TEST(MapInputTest, NulSeparatedRecordsKeepTheirLineEnds) {
  const std::string text("one\r\n\0\0two", 10);
  EXPECT_THAT(Chunk(text, {InputFormat::kNulSeparated}).Records(),
              ElementsAre("one\r\n", "", "two"));
}

TEST(MapInputTest, RecordsOfAFixedSizeAreCutWhereverTheyLie) {
  EXPECT_THAT(Chunk("ab\ncd\n", {InputFormat::kFixedSize, 3}).Records(),
              ElementsAre("ab\n", "cd\n"));
}

TEST(MapInputTest, APairIsARecordDividedAtItsFirstTab) {
  EXPECT_THAT(Chunk("a\tb\tc\nno tab\n\tx\n").Pairs(),
              ElementsAre(Pair("a", "b\tc"), Pair("no tab", ""), Pair("", "x")));
}

TEST(MapInputTest, PairsOfAKeyValueFileHoldAnyBytes) {
  const std::string text("\2\0\0\0\1\0\0\0a\tb\0\0\0\0\0\0\0\0", 19);
  EXPECT_THAT(Chunk(text, {InputFormat::kKeyValue}).Pairs(),
              ElementsAre(Pair("a\t", "b"), Pair("", "")));
  EXPECT_THAT(Chunk(text, {InputFormat::kKeyValue}).Records(), ElementsAre("b", ""));
}

TEST(MapInputTest, TheCursorFollowsTheWalk) {
  Chunk chunk("first\nsecond\n");
  std::vector<uint64_t> offsets;
  chunk.input().ForEachLine([&](std::string_view line) {
    EXPECT_EQ(chunk.cursor().record, line.data());
    offsets.push_back(chunk.input().OffsetOf(line));
  });
  EXPECT_THAT(offsets, ElementsAre(1000u, 1006u));
}

TEST(MapInputTest, TheCursorIsAtMostABlockBehindAWord) {
  Chunk chunk(std::string(300, 'a') + " " + std::string(100, 'b'));
  chunk.input().ForEachWord([&](std::string_view word) {
    const char* const end = word.data() + word.size();
    EXPECT_LE(end - chunk.cursor().record, static_cast<ptrdiff_t>(kMaskBytes));
  });
}

std::vector<std::string> SlowWords(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::string(" \t\n\v\f\r").find(c) == std::string::npos) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  return words;
}

RC_GTEST_PROP(MapInputProperty, WordsEqualAByteLoop, ()) {
  const std::string text = *rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{4, rc::gen::element('a', 'b', '\0', '\xff')},
                                    {1, rc::gen::element(' ', '\t', '\n', '\v', '\f', '\r')}}));
  // Long enough for several blocks.
  const std::string longer = text + text + text + text;
  RC_ASSERT(Chunk(longer).Words() == SlowWords(longer));
}

RC_GTEST_PROP(MapInputProperty, CountByteCounts, ()) {
  const std::string text = *rc::gen::container<std::string>(rc::gen::element('a', '\n'));
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += text;
  RC_ASSERT(CountByte(longer, '\n') ==
            static_cast<size_t>(std::count(longer.begin(), longer.end(), '\n')));
}

}  // namespace
}  // namespace millrace
