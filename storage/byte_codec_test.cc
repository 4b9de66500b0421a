#include "storage/byte_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace millrace {
namespace {

std::string Varint(uint64_t value) {
  char bytes[kMaxVarintBytes];
  return std::string(bytes, static_cast<size_t>(PutVarint(bytes, value) - bytes));
}

// How many bytes of `bytes` are a varint, and which; 0 when they are none.
size_t Read(const std::string& bytes, uint64_t* value) {
  const char* const end = GetVarint(bytes.data(), bytes.data() + bytes.size(), value);
  return end == nullptr ? 0 : static_cast<size_t>(end - bytes.data());
}

bool IsVarint(const std::string& bytes) {
  uint64_t value = 0;
  return Read(bytes, &value) > 0;
}

TEST(VarintTest, SevenBitsTravelInAByteLowestFirst) {
  EXPECT_EQ(Varint(0), std::string(1, '\0'));
  EXPECT_EQ(Varint(127), "\x7f");
  EXPECT_EQ(Varint(128), "\x80\x01");
  EXPECT_EQ(Varint(300), "\xac\x02");
  EXPECT_EQ(Varint(UINT64_MAX), std::string(9, '\xff') + "\x01");
}

TEST(VarintTest, BytesThatAreCutAreRefused) {
  EXPECT_FALSE(IsVarint(""));
  for (const uint64_t value : {uint64_t{128}, uint64_t{1} << 40, UINT64_MAX}) {
    const std::string bytes = Varint(value);
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(IsVarint(bytes.substr(0, size)));
  }
}

TEST(VarintTest, NumbersOfMoreThan64BitsAreRefused) {
  EXPECT_TRUE(IsVarint(std::string(9, '\xff') + "\x01"));
  EXPECT_FALSE(IsVarint(std::string(9, '\xff') + "\x02"));
  EXPECT_FALSE(IsVarint(std::string(10, '\x80') + "\x01"));
  EXPECT_FALSE(IsVarint(std::string(100, '\xff')));
}

RC_GTEST_PROP(VarintProperty, IsReadAsItWasWrittenAndNoFurther, (uint64_t any, uint8_t shift)) {
  const uint64_t value = any >> (shift % 64);
  const std::string bytes = Varint(value);
  RC_ASSERT(bytes.size() <= kMaxVarintBytes);
  uint64_t read = ~value;
  RC_ASSERT(Read(bytes + "\xff", &read) == bytes.size());
  RC_ASSERT(read == value);
}

TEST(FixedTest, NumbersLieLowestByteFirst) {
  std::string bytes;
  PutFixed32(&bytes, 0x01020304);
  PutFixed64(&bytes, 0x1112131415161718);
  EXPECT_EQ(bytes, "\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11");
  EXPECT_EQ(GetFixed32(bytes.data()), 0x01020304u);
  EXPECT_EQ(GetFixed64(bytes.data() + 4), 0x1112131415161718u);
}

TEST(ZigZagTest, NumbersNearZeroBecomeSmall) {
  const int64_t numbers[] = {0, -1, 1, -2, 2};
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(ZigZag(numbers[i]), i);
}

TEST(ZigZagTest, EveryNumberComesBack) {
  for (const int64_t number : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(UnZigZag(ZigZag(number)), number);
  }
}

}  // namespace
}  // namespace millrace
