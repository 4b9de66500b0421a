#include "mapreduce/emitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Keeps what arrives, in the order of arrival.
class RecordingSink : public EmitSink {
 public:
  void DrainShort(const ShortPair* pairs, int count) override {
    EXPECT_LE(count, Emitter::kShortBatch);
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(pairs[i].hash, HashShortKey(pairs[i].key));
      numbers.emplace_back(pairs[i].key.view(), pairs[i].value);
    }
  }
  void DrainLong(const LongPair* pairs, int count) override {
    EXPECT_LE(count, Emitter::kLongBatch);
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(pairs[i].hash, HashBytes(pairs[i].key()));
      numbers.emplace_back(pairs[i].key(), pairs[i].value);
      last_long = pairs[i].data;
    }
  }
  void EmitPair(std::string_view key, std::string_view value) override {
    strings.emplace_back(key, value);
  }

  std::vector<std::pair<std::string, int64_t>> numbers;
  std::vector<std::pair<std::string, std::string>> strings;
  const char* last_long = nullptr;  // where the bytes of the last long key were
};

TEST(EmitterTest, QueuesUntilFullOrFlushed) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kNumbers, &sink);
  for (int i = 0; i < Emitter::kShortBatch - 1; ++i) emitter.Emit("key", i);
  EXPECT_THAT(sink.numbers, IsEmpty());
  emitter.Emit("key", -1);
  EXPECT_EQ(sink.numbers.size(), static_cast<size_t>(Emitter::kShortBatch));
  emitter.Emit("last", 5);
  emitter.Flush();
  EXPECT_THAT(sink.numbers.back(), Pair("last", 5));
}

TEST(EmitterTest, LongKeysOutsideTheChunkAreCopied) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kNumbers, &sink);
  std::string key = "a key of more than fifteen bytes";
  const std::string original = key;
  emitter.Emit(key, 1);
  key.assign(key.size(), '?');
  emitter.Flush();
  EXPECT_THAT(sink.numbers, ElementsAre(Pair(original, 1)));
}

TEST(EmitterTest, LongKeysInTheChunkAreNotCopied) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kNumbers, &sink);
  const std::string chunk = "a key of more than fifteen bytes" + std::string(64, '\0');
  emitter.BeginChunk(std::string_view(chunk).substr(0, 32));
  emitter.Emit(std::string_view(chunk).substr(0, 32), 1);
  emitter.BeginChunk({});  // hands the queue over while the chunk is still there
  EXPECT_THAT(sink.numbers, ElementsAre(Pair("a key of more than fifteen bytes", 1)));
  EXPECT_EQ(sink.last_long, chunk.data());
}

TEST(EmitterTest, HugeKeysPass) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kNumbers, &sink);
  std::vector<std::string> keys;
  for (int i = 1; i <= 20; ++i) keys.push_back(std::string(i * 10000, static_cast<char>('a' + i)));
  for (const std::string& key : keys) emitter.Emit(key, 1);
  emitter.Flush();
  ASSERT_EQ(sink.numbers.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(sink.numbers[i].first, keys[i]);
}

TEST(EmitterTest, IntegersTravelAsTextWhereValuesAreStrings) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kStrings, &sink);
  emitter.Emit("n", INT64_MIN);
  emitter.Emit("s", "text");
  EXPECT_THAT(sink.strings, ElementsAre(Pair("n", "-9223372036854775808"), Pair("s", "text")));
}

TEST(EmitterTest, AStringForAnAggregateFailsTheAttempt) {
  RecordingSink sink;
  Emitter emitter(ValueForm::kNumbers, &sink);
  emitter.Emit("before", 1);
  emitter.Emit("key", "value");
  emitter.Emit("after", 2);
  emitter.Flush();
  EXPECT_EQ(emitter.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(emitter.status().message()), HasSubstr("Emit(key, int64_t)"));
  EXPECT_THAT(sink.numbers, IsEmpty());
}

RC_GTEST_PROP(ShortKeyProperty, PackingKeepsEveryByteAndReadsNoOther, ()) {
  const auto bytes = *rc::gen::container<std::vector<char>>(rc::gen::arbitrary<char>());
  const size_t size = std::min(bytes.size(), kShortKeyBytes);
  // Of exactly this size, so that a sanitizer sees every read outside.
  const std::vector<char> exact(bytes.begin(), bytes.begin() + size);
  const ShortKey careful = PackShortKey(std::string_view(exact.data(), size));
  RC_ASSERT(careful.view() == std::string_view(exact.data(), size));
  RC_ASSERT(!careful.empty_slot());
  std::vector<char> padded(exact);
  padded.resize(size + 16, '\x55');
  RC_ASSERT(PackShortKeyWithSlack(padded.data(), size) == careful);
}

TEST(ShortKeyTest, KeysThatDifferInZerosDiffer) {
  const std::string zero(1, '\0');
  EXPECT_FALSE(PackShortKey("a") == PackShortKey("a" + zero));
  EXPECT_FALSE(PackShortKey("") == PackShortKey(zero));
}

}  // namespace
}  // namespace millrace
