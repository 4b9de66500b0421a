#include "mapreduce/status_macros.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace millrace {
namespace {

absl::Status Checked(const absl::Status& status, int* evaluated) {
  ++*evaluated;
  return status;
}

absl::Status ReturnIfError(const absl::Status& status, int* evaluated, bool* went_on) {
  if (*went_on) MILLRACE_RETURN_IF_ERROR(absl::InternalError("not in a condition of its own"));
  MILLRACE_RETURN_IF_ERROR(Checked(status, evaluated));
  *went_on = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string> AssignOrReturn(absl::StatusOr<std::unique_ptr<std::string>> text) {
  std::unique_ptr<std::string> taken;
  MILLRACE_ASSIGN_OR_RETURN(taken, std::move(text));
  MILLRACE_ASSIGN_OR_RETURN(const std::string twice, absl::StatusOr<std::string>(*taken + *taken));
  return twice;
}

TEST(ReturnIfErrorTest, GoesOnWhenAllIsWellAndEvaluatesOnce) {
  int evaluated = 0;
  bool went_on = false;
  EXPECT_TRUE(ReturnIfError(absl::OkStatus(), &evaluated, &went_on).ok());
  EXPECT_TRUE(went_on);
  EXPECT_EQ(evaluated, 1);
}

TEST(ReturnIfErrorTest, ReturnsTheErrorAsItIs) {
  int evaluated = 0;
  bool went_on = false;
  EXPECT_EQ(ReturnIfError(absl::DataLossError("x"), &evaluated, &went_on),
            absl::DataLossError("x"));
  EXPECT_FALSE(went_on);
  EXPECT_EQ(evaluated, 1);
}

TEST(AssignOrReturnTest, MovesTheValueOut) {
  EXPECT_EQ(*AssignOrReturn(std::make_unique<std::string>("ab")), "abab");
}

TEST(AssignOrReturnTest, ReturnsTheErrorAsItIs) {
  EXPECT_EQ(AssignOrReturn(absl::NotFoundError("x")).status(), absl::NotFoundError("x"));
}

}  // namespace
}  // namespace millrace
