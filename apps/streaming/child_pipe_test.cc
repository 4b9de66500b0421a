// Real programs of /bin: what goes in and comes out, and how they end.
#include "apps/streaming/child_pipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

namespace millrace {
namespace {

using ::testing::HasSubstr;

class ChildPipeTest : public ::testing::Test {
 protected:
  std::unique_ptr<ChildPipe> Shell(const std::string& script) {
    auto child = ChildPipe::Start(
        {"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, "/"},
        [this](std::string_view block) { output_ += block; },
        [this](std::string_view block) { error_ += block; });
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }

  std::string output_;
  std::string error_;
};

TEST_F(ChildPipeTest, GivesInputAndTakesBothOutputs) {
  auto child = Shell("tr a-z A-Z; echo oops >&2; pwd");
  child->Write("ab");
  child->Write("c\n");
  EXPECT_TRUE(child->Finish().ok());
  EXPECT_EQ(output_, "ABC\n/\n");
  EXPECT_EQ(error_, "oops\n");
}

TEST_F(ChildPipeTest, NeitherSideWaitsInVain) {
  // Far more than the pipes hold, all of which comes back on both outputs.
  auto child = Shell("tee /dev/stderr");
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) child->Write(block);
  EXPECT_TRUE(child->Finish().ok());
  EXPECT_EQ(output_.size(), 8u << 20);
  EXPECT_EQ(error_.size(), 8u << 20);
}

TEST_F(ChildPipeTest, AProgramMayReadNoFurther) {
  auto child = Shell("head -n 1; exec cat <&- 2>&-");
  child->Write("first\n");
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) child->Write(block);
  EXPECT_TRUE(child->input_closed());
  EXPECT_EQ(child->Finish().exit_code, 1);
  EXPECT_THAT(output_, HasSubstr("first\n"));
}

TEST_F(ChildPipeTest, SaysHowItEnded) {
  EXPECT_EQ(Shell("exit 3")->Finish().Describe(), "exited with 3");
  const ChildEnd end = Shell("kill -SEGV $$")->Finish();
  EXPECT_EQ(end.Describe(), "was killed by SIGSEGV");
  EXPECT_FALSE(end.ok());
}

TEST_F(ChildPipeTest, AProgramThatWritesWithoutAReaderDiesLikeAnywhere) {
  EXPECT_EQ(Shell("yes | head -n 1; kill -PIPE $$")->Finish().Describe(), "was killed by SIGPIPE");
}

TEST_F(ChildPipeTest, ProcessesLeftBehindAreNotWaitedFor) {
  auto child = Shell("sleep 1000 & echo $!");
  EXPECT_TRUE(child->Finish().ok());
  kill(std::stoi(output_), SIGKILL);
}

TEST_F(ChildPipeTest, OneThatIsNotFinishedIsKilled) {
  auto child = Shell("echo $$; exec sleep 1000");
  while (output_.empty()) child->ReadAvailable();
  const pid_t pid = std::stoi(output_);
  child.reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ChildPipeTest, AProgramThatCannotBeStartedIsNamed) {
  const auto start = [](const std::string& program) {
    return ChildPipe::Start({program, {"x"}, {}, "/"}, nullptr, nullptr).status();
  };
  EXPECT_THAT(std::string(start("/no/such").message()),
              HasSubstr("cannot start /no/such: No such"));
  EXPECT_TRUE(absl::IsPermissionDenied(start("/etc/passwd")));
}

}  // namespace
}  // namespace millrace
