// A master with real sockets and a real state folder, in this process.
#include "master/master_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/state_folder.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

struct Ended {
  int exit_code = -1;
  std::string complaint;  // on standard error
};

class MasterProcessTest : public ::testing::Test {
 protected:
  MasterProcessTest() : folder_(absl::StrCat(::testing::TempDir(), "/master-", getpid())) {
    EXPECT_TRUE(fs_.CreateFolders(folder_).ok());
    options_.listen = "127.0.0.1:0";
    options_.on_ready = [](const std::string&) { return StopSoon(); };
  }
  ~MasterProcessTest() override { fs_.RemoveTree(folder_).IgnoreError(); }

  static absl::Status StopSoon() {
    kill(getpid(), SIGTERM);
    return absl::OkStatus();
  }

  Ended RunToEnd() {
    ::testing::internal::CaptureStderr();
    Ended run;
    run.exit_code = RunMaster(options_);
    run.complaint = ::testing::internal::GetCapturedStderr();
    return run;
  }

  PosixFileSystem fs_;
  const std::string folder_;
  MasterOptions options_;
};

TEST_F(MasterProcessTest, SigtermStopsItWithSuccess) { EXPECT_EQ(RunToEnd().exit_code, 0); }

TEST_F(MasterProcessTest, SigintDoesToo) {
  options_.on_ready = [](const std::string&) {
    kill(getpid(), SIGINT);
    return absl::OkStatus();
  };
  EXPECT_EQ(RunToEnd().exit_code, 0);
}

TEST_F(MasterProcessTest, TheEndOfTheLifelineStopsIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  options_.lifeline_fd = ends[0];
  options_.on_ready = [&ends](const std::string&) {
    close(ends[1]);
    return absl::OkStatus();
  };
  EXPECT_EQ(RunToEnd().exit_code, 0);
}

TEST_F(MasterProcessTest, TheReadyFileIsWrittenLastAndGoneAtTheEnd) {
  options_.ready_file = folder_ + "/ready";
  ASSERT_TRUE(WriteFileAtomically(fs_, options_.ready_file, "{\"pid\": 1}\n").ok());
  options_.on_ready = [this](const std::string&) {
    EXPECT_FALSE(fs_.Stat(options_.ready_file).ok()) << "what is started here may still fail";
    return StopSoon();
  };
  EXPECT_EQ(RunToEnd().exit_code, 0);
  EXPECT_FALSE(fs_.Stat(options_.ready_file).ok());
}

TEST_F(MasterProcessTest, PlacesThatCannotBeUsedAreNamedBeforeAnythingIsDone) {
  ASSERT_TRUE(WriteFileAtomically(fs_, folder_ + "/file", "").ok());
  options_.on_ready = [](const std::string&) { return absl::InternalError("too late"); };
  options_.state_dir = folder_ + "/file/state";
  const Ended without_state = RunToEnd();
  EXPECT_EQ(without_state.exit_code, 2);
  EXPECT_THAT(without_state.complaint, HasSubstr("--state_dir: " + folder_ + "/file: "));

  options_.state_dir = folder_ + "/state";
  options_.ready_file = folder_ + "/nowhere/ready";
  const Ended without_ready_file = RunToEnd();
  EXPECT_EQ(without_ready_file.exit_code, 2);
  EXPECT_THAT(without_ready_file.complaint, HasSubstr("--ready_file: " + folder_ + "/nowhere: "));
  EXPECT_FALSE(fs_.Stat(options_.state_dir).ok());
}

TEST_F(MasterProcessTest, AnAddressInUseIsNamed) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(socket_fd, generic, length), 0);
  ASSERT_EQ(listen(socket_fd, 1), 0);
  ASSERT_EQ(getsockname(socket_fd, generic, &length), 0);

  options_.listen = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  const Ended run = RunToEnd();
  close(socket_fd);
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.complaint, HasSubstr(options_.listen + ": the address is already in use"));
}

TEST_F(MasterProcessTest, ListeningBeyondLoopbackNeedsAKey) {
  options_.listen = "0.0.0.0:0";
  const Ended run = RunToEnd();
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.complaint, HasSubstr("--cluster_key_file"));
  options_.insecure = true;
  EXPECT_EQ(RunToEnd().exit_code, 0);
}

TEST_F(MasterProcessTest, ASecondMasterOnOneStateFolderNamesTheFirst) {
  options_.state_dir = folder_ + "/state";
  const auto first = StateFolder::Open(fs_, options_.state_dir);
  ASSERT_TRUE(first.ok());
  const Ended run = RunToEnd();
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.complaint, HasSubstr(absl::StrCat("process ", getpid())));
}

TEST_F(MasterProcessTest, AMasterStartsAgainOnItsState) {
  options_.state_dir = folder_ + "/state";
  EXPECT_EQ(RunToEnd().exit_code, 0);
  EXPECT_EQ(RunToEnd().exit_code, 0);
}

TEST_F(MasterProcessTest, AWrongAddressIsExplained) {
  options_.listen = "here";
  EXPECT_EQ(RunToEnd().exit_code, 2);
}

TEST_F(MasterProcessTest, WhenOnReadyFailsSoDoesTheMaster) {
  options_.on_ready = [](const std::string&) { return absl::InternalError("no workers"); };
  const Ended run = RunToEnd();
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.complaint, HasSubstr("no workers"));
}

}  // namespace
}  // namespace millrace
