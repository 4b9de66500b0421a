#include "client/service_flags.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

DECLARE_string(cluster_key_file);
DECLARE_bool(insecure);
DECLARE_string(ready_file);

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServiceFlagsTest : public testing::Test {
 protected:
  // What is wrong with the address; "" when nothing is.
  static std::string Problem(const std::string& address, PortZero port_zero = PortZero::kAllowed) {
    const absl::Status status = ReadServiceOptions("server", address, port_zero).status();
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  gflags::FlagSaver saver_;
};

TEST_F(ServiceFlagsTest, AMissingAddressIsNamedByItsFlag) {
  EXPECT_EQ(Problem(""), "--server is missing: give it as --server=HOST:PORT");
}

TEST_F(ServiceFlagsTest, AnAddressThatCannotBeReadIsNamedByItsFlag) {
  EXPECT_THAT(Problem("nonsense"), StartsWith("--server: \"nonsense\" is no address"));
  EXPECT_THAT(Problem("10.0.0.1:70000"), StartsWith("--server: "));
}

TEST_F(ServiceFlagsTest, AnyFreePortIsForServersOnly) {
  EXPECT_EQ(Problem("127.0.0.1:0"), "");
  EXPECT_THAT(Problem("127.0.0.1:0", PortZero::kRefused), HasSubstr("nobody can dial"));
}

TEST_F(ServiceFlagsTest, OnThisMachineNoKeyIsNeeded) {
  const auto options = ReadServiceOptions("listen", "127.0.0.1:7000");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_FALSE(options->key.is_set());
}

TEST_F(ServiceFlagsTest, BeyondThisMachineAKeyIsNeededOrTheWordInsecure) {
  EXPECT_THAT(Problem("10.0.0.1:7000"), HasSubstr("give --cluster_key_file=FILE, or --insecure"));
  FLAGS_insecure = true;
  EXPECT_EQ(Problem("10.0.0.1:7000"), "");
}

TEST_F(ServiceFlagsTest, TheKeyIsReadFromItsFile) {
  const std::string path = absl::StrCat(testing::TempDir(), "service_flags_test-", getpid());
  std::ofstream(path) << "a key of sixteen bytes or more\n";
  chmod(path.c_str(), 0600);
  FLAGS_cluster_key_file = path;
  const auto options = ReadServiceOptions("listen", "10.0.0.1:7000");
  unlink(path.c_str());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->key.bytes(), "a key of sixteen bytes or more");
}

TEST_F(ServiceFlagsTest, AKeyFileThatIsNotThereIsAnError) {
  FLAGS_cluster_key_file = "/no/such/file";
  EXPECT_FALSE(ReadServiceOptions("listen", "127.0.0.1:7000").ok());
}

TEST_F(ServiceFlagsTest, TheReadyFileLiesWhereThePersonStands) {
  EXPECT_EQ(ReadyFilePath(), "");
  FLAGS_ready_file = "ready";
  setenv("BUILD_WORKING_DIRECTORY", "/somewhere", /*overwrite=*/1);
  EXPECT_EQ(ReadyFilePath(), "/somewhere/ready");
  FLAGS_ready_file = "/else/where";
  EXPECT_EQ(ReadyFilePath(), "/else/where");
  unsetenv("BUILD_WORKING_DIRECTORY");
}

}  // namespace
}  // namespace millrace
