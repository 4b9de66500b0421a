#include "mapreduce/record_shape.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(RecordShapeTest, TheFirstRecordEndsWithItsTerminator) {
  EXPECT_EQ(FirstRecordBytes({InputFormat::kLines}, "one\ntwo\n"), 4u);
  EXPECT_EQ(FirstRecordBytes({InputFormat::kLines}, "the last"), 8u);
  EXPECT_EQ(FirstRecordBytes({InputFormat::kNulSeparated}, std::string("a\n\0b\0", 5)), 3u);
  EXPECT_EQ(FirstRecordBytes({InputFormat::kFixedSize, 2}, "aabb"), 2u);
  EXPECT_EQ(FirstRecordBytes({InputFormat::kWholeFile}, "one\ntwo\n"), 8u);
  EXPECT_EQ(FirstRecordBytes({InputFormat::kKeyValue}, std::string("\1\0\0\0\0\0\0\0k++", 11)), 9u);
}

TEST(RecordShapeTest, CountsRecords) {
  EXPECT_EQ(CountRecords({InputFormat::kLines}, "one\n\ntwo"), 3u);
  EXPECT_EQ(CountRecords({InputFormat::kLines}, "one\n"), 1u);
  EXPECT_EQ(CountRecords({InputFormat::kNulSeparated}, std::string("a\0b\0", 4)), 2u);
  EXPECT_EQ(CountRecords({InputFormat::kFixedSize, 2}, "aabb"), 2u);
  EXPECT_EQ(CountRecords({InputFormat::kWholeFile}, "one\ntwo\n"), 1u);
  EXPECT_EQ(CountRecords({InputFormat::kKeyValue}, std::string(16, '\0')), 2u);
  EXPECT_EQ(CountRecords({InputFormat::kLines}, ""), 0u);
}

}  // namespace
}  // namespace millrace
