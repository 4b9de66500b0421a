#include "rpc/json_writer.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace millrace {
namespace {

std::string Quoted(std::string_view text) {
  JsonWriter json;
  json.String(text);
  return std::move(json).Take();
}

TEST(JsonWriterTest, SeparatesValuesAndNestsThem) {
  JsonWriter json;
  json.OpenObject().Key("a").Number(1).Key("b").OpenArray().String("x").Null();
  json.OpenObject().CloseObject().CloseArray().Key("c").SignedNumber(-2).CloseObject();
  EXPECT_EQ(std::move(json).Take(), R"({"a": 1, "b": ["x", null, {}], "c": -2})");
}

TEST(JsonWriterTest, EscapesQuotesBackslashesAndControlBytes) {
  EXPECT_EQ(Quoted("say \"hi\"\\"), R"("say \"hi\"\\")");
  EXPECT_EQ(Quoted("a\tb\nc\rd"), R"("a\tb\nc\rd")");
  EXPECT_EQ(Quoted(std::string_view("\0\x1b\x7f", 3)), R"("\u0000\u001b\u007f")");
}

TEST(JsonWriterTest, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(Quoted("größe €\xF0\x9F\x8D\xBA"), "\"größe €\xF0\x9F\x8D\xBA\"");
  EXPECT_EQ(Quoted("a\xFF-b"), "\"a\xEF\xBF\xBD-b\"");
  EXPECT_EQ(Quoted("\xC3"), "\"\xEF\xBF\xBD\"");                          // cut short
  EXPECT_EQ(Quoted("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");          // overlong
  EXPECT_EQ(Quoted("\xED\xA0\x80").find('\xED'), std::string::npos);      // surrogate
  EXPECT_EQ(Quoted("\xF4\x90\x80\x80").find('\xF4'), std::string::npos);  // too large
}

TEST(JsonWriterTest, SecondsHaveThreeDecimals) {
  JsonWriter json;
  json.OpenArray().Seconds(1900).Seconds(7).CloseArray();
  EXPECT_EQ(std::move(json).Take(), "[1.900, 0.007]");
}

TEST(JsonWriterTest, EmptyThingsAreWrittenAsSuch) {
  JsonWriter json;
  json.OpenArray().OpenObject().CloseObject().OpenArray().CloseArray().String("").CloseArray();
  EXPECT_EQ(std::move(json).Take(), R"([{}, [], ""])");
}

TEST(JsonWriterTest, NumbersReachFromEndToEnd) {
  JsonWriter json;
  json.OpenArray().Number(UINT64_MAX).SignedNumber(INT64_MIN).Number(0).CloseArray();
  EXPECT_EQ(std::move(json).Take(), "[18446744073709551615, -9223372036854775808, 0]");
}

TEST(JsonWriterTest, KeysAreQuotedLikeStrings) {
  JsonWriter json;
  json.OpenObject().Key("a \"b\"").Null().CloseObject();
  EXPECT_EQ(std::move(json).Take(), R"({"a \"b\"": null})");
}

TEST(JsonWriterTest, EveryLengthOfUtf8HasItsBounds) {
  for (const char* valid : {"\x7e", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                            "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(Quoted(valid), "\"" + std::string(valid) + "\"");
  }
  for (const char* invalid : {"\x80", "\xC1\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
                              "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"}) {
    EXPECT_EQ(Quoted(invalid).find(invalid[0]), std::string::npos);
  }
}

TEST(IsUtf8Test, EveryByteCounts) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("na\xc3\xafve"));
  EXPECT_FALSE(IsUtf8("na\xc3"));
  EXPECT_FALSE(IsUtf8("\xafve"));
}

}  // namespace
}  // namespace millrace
