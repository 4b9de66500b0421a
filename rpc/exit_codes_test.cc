#include "rpc/exit_codes.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(ExitCodesTest, WhoeverGivesNoAnswerCannotBeReached) {
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("gone")), kExitUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("busy")), kExitUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("late")), kExitUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("refused")), kExitUnreachable);
}

TEST(ExitCodesTest, AnotherVersionHasACodeOfItsOwn) {
  EXPECT_EQ(ExitCodeOf(absl::UnimplementedError("new")), kExitVersionMismatch);
}

TEST(ExitCodesTest, WhateverElseWentWrongIsAFailure) {
  EXPECT_EQ(ExitCodeOf(absl::InternalError("broken")), kExitFailed);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("too long")), kExitFailed);
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), kExitSuccess);
}

// "  3  cannot reach ..." for each of them.
TEST(ExitCodesTest, TheHelpNamesEveryCode) {
  for (int code = kExitSuccess; code <= kExitVersionMismatch; ++code) {
    EXPECT_NE(std::string(kExitCodesHelp).find("\n  " + std::to_string(code) + "  "),
              std::string::npos)
        << code;
  }
}

}  // namespace
}  // namespace millrace
