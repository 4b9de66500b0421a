#include "mapreduce/count_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(CountTextTest, OneThingHasNoPlural) {
  EXPECT_EQ(CountText(1, "worker"), "1 worker");
  EXPECT_EQ(CountText(2, "worker"), "2 workers");
  EXPECT_EQ(CountText(0, "worker"), "0 workers");
}

}  // namespace
}  // namespace millrace
