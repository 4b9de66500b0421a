#include "storage/posix_file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "storage/file_system_contract.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::string NewFolder() {
  std::string name = ::testing::TempDir() + "posix-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

FileSystemUnderTest MakePosix() {
  return {nullptr, std::make_unique<PosixFileSystem>(), NewFolder()};
}

INSTANTIATE_TEST_SUITE_P(Posix, FileSystemContract, ::testing::Values(MakePosix));

class PosixFileSystemTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  const std::string folder_ = NewFolder();
  PosixFileSystem fs_;
};

TEST_F(PosixFileSystemTest, AFifoIsRefusedInsteadOfWaitingForAWriter) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  ExpectError(fs_.OpenForReading(Path("fifo")).status(), kWrongKind, Path("fifo"));
  EXPECT_EQ(fs_.Stat(Path("fifo"))->kind, FileKind::kOther);
}

TEST_F(PosixFileSystemTest, ADeviceIsRefused) {
  ExpectError(fs_.OpenForReading("/dev/null").status(), kWrongKind, "/dev/null");
}

TEST_F(PosixFileSystemTest, ASocketIsRefused) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Addresses of sockets are short; the test's folder may have a long name.
  const std::string path = "/tmp/millrace-socket-" + std::to_string(getpid());
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ExpectError(fs_.OpenForReading(path).status(), kWrongKind, path);
  unlink(path.c_str());
  close(fd);
}

TEST_F(PosixFileSystemTest, NoSpaceNamesPathAndBytesNeededAndFree) {
  auto file = fs_.OpenForWriting("/dev/full");
  ASSERT_TRUE(file.ok()) << file.status();
  absl::Status status = (*file)->Append("12345");
  ExpectError(status, absl::StatusCode::kResourceExhausted, "/dev/full");
  EXPECT_THAT(std::string(status.message()),
              ::testing::ContainsRegex("no space left: needs 5 bytes, [0-9]+ are free"));
}

TEST_F(PosixFileSystemTest, StatFollowsLinksAndRemoveTreeDoesNot) {
  ASSERT_TRUE(fs_.CreateFolders(Path("outside")).ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, Path("outside/f"), "precious").ok());
  ASSERT_TRUE(fs_.CreateFolders(Path("tree")).ok());
  ASSERT_EQ(symlink(Path("outside").c_str(), Path("tree/link").c_str()), 0);
  EXPECT_EQ(fs_.Stat(Path("tree/link"))->kind, FileKind::kFolder);

  EXPECT_TRUE(fs_.RemoveTree(Path("tree")).ok());
  EXPECT_TRUE(fs_.Stat(Path("outside/f")).ok());
}

TEST_F(PosixFileSystemTest, RemoveTreeRefusesALinkToAFolder) {
  ASSERT_TRUE(fs_.CreateFolders(Path("outside/x")).ok());
  ASSERT_EQ(symlink(Path("outside").c_str(), Path("link").c_str()), 0);
  ExpectError(fs_.RemoveTree(Path("link")), kWrongKind, Path("link"));
  EXPECT_TRUE(fs_.Stat(Path("outside/x")).ok());
}

TEST_F(PosixFileSystemTest, RealPathResolvesLinks) {
  ASSERT_TRUE(fs_.CreateFolders(Path("real")).ok());
  ASSERT_EQ(symlink("real", Path("link").c_str()), 0);
  EXPECT_EQ(fs_.RealPath(Path("link")).value(), fs_.RealPath(Path("real")).value());
}

TEST_F(PosixFileSystemTest, ALoopOfLinksIsNamed) {
  ASSERT_EQ(symlink("loop", Path("loop").c_str()), 0);
  absl::Status status = fs_.Stat(Path("loop")).status();
  ExpectError(status, kWrongKind, Path("loop"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("loop of symbolic links"));
}

TEST_F(PosixFileSystemTest, DescriptorsAreClosedOnExec) {
  auto written = fs_.OpenForWriting(Path("f"));
  auto read = fs_.OpenForReading(Path("f"));
  int checked = 0;
  for (int fd = 3; fd < 64; ++fd) {
    char target[4096];
    const ssize_t n =
        readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof(target));
    if (n < 0 || std::string_view(target, n) != fs_.RealPath(Path("f")).value()) continue;
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

TEST_F(PosixFileSystemTest, TooManyOpenFilesSaysWhichLimitToRaise) {
  absl::Status status = PosixError("/f", "cannot open", EMFILE);
  ExpectError(status, absl::StatusCode::kResourceExhausted, "/f");
  EXPECT_THAT(std::string(status.message()), HasSubstr("ulimit -n"));
}

TEST_F(PosixFileSystemTest, EveryErrorHasItsCode) {
  auto code = [](int error) { return PosixError("/f", "cannot", error).code(); };
  EXPECT_EQ(code(ENOENT), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(ESTALE), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(EEXIST), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(code(EACCES), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(EROFS), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(EDQUOT), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(ENOTDIR), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(EXDEV), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(ENAMETOOLONG), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(ETIMEDOUT), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(EIO), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(ENOTTY), absl::StatusCode::kInternal);
}

TEST_F(PosixFileSystemTest, AVeryDeepTreeIsLeftToAPerson) {
  std::string deep = Path("deep");
  for (int i = 0; i < 140; ++i) deep += "/d";
  ASSERT_TRUE(fs_.CreateFolders(deep).ok());
  absl::Status status = fs_.RemoveTree(Path("deep"));
  EXPECT_EQ(status.code(), kWrongKind);
  EXPECT_THAT(std::string(status.message()), HasSubstr("remove it by hand"));
}

TEST_F(PosixFileSystemTest, WhatCannotBeRemovedKeepsNothingElse) {
  for (const char* name : {"a", "b", "c", "d"}) {
    std::string deep = Path(std::string("tree/deep-") + name);
    for (int i = 0; i < 140; ++i) deep += "/d";
    ASSERT_TRUE(fs_.CreateFolders(deep).ok());
    ASSERT_TRUE(WriteFileAtomically(fs_, Path(std::string("tree/") + name), "content").ok());
  }
  EXPECT_EQ(fs_.RemoveTree(Path("tree")).code(), kWrongKind);
  EXPECT_THAT(*fs_.List(Path("tree")),
              ::testing::ElementsAre("deep-a", "deep-b", "deep-c", "deep-d"));
}

}  // namespace
}  // namespace millrace
