// What an errno means for a caller, and what it says to a person.
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusCode CodeOf(int error) { return PosixError("/f", "open", error).code(); }

TEST(PosixErrorTest, EveryErrorOfTheContractHasItsCode) {
  for (int error : {ENOENT, ESTALE}) EXPECT_EQ(CodeOf(error), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(EEXIST), absl::StatusCode::kAlreadyExists);
  for (int error : {EACCES, EPERM, EROFS}) {
    EXPECT_EQ(CodeOf(error), absl::StatusCode::kPermissionDenied);
  }
  for (int error : {ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM}) {
    EXPECT_EQ(CodeOf(error), absl::StatusCode::kResourceExhausted);
  }
  for (int error : {EISDIR, ENOTDIR, ENOTEMPTY, ELOOP, EXDEV, EBUSY, ETXTBSY}) {
    EXPECT_EQ(CodeOf(error), absl::StatusCode::kFailedPrecondition);
  }
  for (int error : {EINVAL, EFBIG, ENAMETOOLONG}) {
    EXPECT_EQ(CodeOf(error), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(CodeOf(ETIMEDOUT), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(EIO), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(ENOTTY), absl::StatusCode::kInternal);
}

TEST(PosixErrorTest, ThePathComesFirstThenWhatFailedAndWhy) {
  EXPECT_EQ(PosixError("/in/a", "cannot open", ENOENT).message(),
            "/in/a: cannot open: No such file or directory");
}

TEST(PosixErrorTest, SaysWhatToDoWhereSomethingCanBeDone) {
  for (int error : {EACCES, EROFS, ENOSPC, EDQUOT, EMFILE, EXDEV, ELOOP, EIO}) {
    EXPECT_THAT(std::string(PosixError("/f", "open", error).message()), HasSubstr("; "));
  }
  const std::string full(PosixError("/out/part", "write", ENOSPC).message());
  EXPECT_THAT(full, StartsWith("/out/part: write: No space left on device; "));
  EXPECT_THAT(full, HasSubstr("df -i"));
}

}  // namespace
}  // namespace millrace
