#include "rpc/worker_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

std::string Objection(std::string_view name) {
  const absl::Status status = CheckWorkerName(name);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
  return std::string(status.message());
}

TEST(WorkerNameTest, AnythingVisibleIsFine) {
  for (const char* name : {"r", "red", "rack-2/red_3:4711", "~!@#$%^&*()"}) {
    EXPECT_TRUE(CheckWorkerName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckWorkerName(std::string(100, 'r')).ok());
}

TEST(WorkerNameTest, TheRuleIsSaidWithWhatIsWrong) {
  EXPECT_THAT(Objection(""), StartsWith("a worker's name has 1 to 100 visible ASCII characters"));
  EXPECT_THAT(Objection(""), EndsWith("it is empty"));
  EXPECT_THAT(Objection(std::string(101, 'r')), EndsWith("it has 101"));
  EXPECT_THAT(Objection("red\tblue"), EndsWith("\"red\\tblue\" has another at place 4"));
  EXPECT_THAT(Objection("red\n"), EndsWith("\"red\\n\" has another at place 4"));
  EXPECT_THAT(Objection(" "), EndsWith("place 1"));
  EXPECT_THAT(Objection("r\xc3\xb6t"), EndsWith("place 2"));
  EXPECT_THAT(Objection(std::string("r\0d", 3)), EndsWith("place 2"));
  EXPECT_THAT(Objection("\x1b[2J"), EndsWith("place 1"));
}

TEST(WorkerNameTest, ADefaultNameIsValidWhateverTheHostIsCalled) {
  EXPECT_EQ(DefaultWorkerName("red.example", 4711), "red.example-4711");
  for (const std::string& host : {std::string(), std::string("a\tb"), std::string(300, 'h')}) {
    EXPECT_TRUE(CheckWorkerName(DefaultWorkerName(host, 4'194'304)).ok()) << host;
  }
}

}  // namespace
}  // namespace millrace
