#include "storage/skipped_records.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(SkippedRecordsTest, EachRecordIsALineOfPlaceAndLength) {
  EXPECT_EQ(SkippedRecordsText({}), "");
  EXPECT_EQ(SkippedRecordsText({{"/in/a", 0, 7}, {"/in/caf\xc3\xa9 b", 10423, 57}}),
            "/in/a:0\t7\n/in/caf\xc3\xa9 b:10423\t57\n");
}

TEST(SkippedRecordsTest, AFileNameCannotBreakALine) {
  EXPECT_EQ(SkippedRecordsText({{"/in/a\nb\t\\", 1, 2}}), "/in/a\\nb\\t\\\\:1\t2\n");
}

}  // namespace
}  // namespace millrace
