#include "worker/engine/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(FailureTest, ABadSourceSaysWhich) {
  const absl::Status status = BadSource(41, absl::NotFoundError("/runs/41: no such file"));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(BadSourceOf(status), 41u);
  EXPECT_THAT(std::string(status.message()),
              ::testing::AllOf(::testing::HasSubstr("map task 41"),
                               ::testing::HasSubstr("/runs/41: no such file")));
}

TEST(FailureTest, OtherErrorsBlameNoSource) {
  EXPECT_FALSE(BadSourceOf(absl::OkStatus()).has_value());
  EXPECT_FALSE(BadSourceOf(absl::DataLossError("the device failed")).has_value());
}

}  // namespace
}  // namespace millrace
