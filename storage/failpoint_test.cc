// How failpoints are read, counted and hit.
#include "storage/failpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "storage/failpoint_setting.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// From here on this process needs permissions, even if it is root's.
void DropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  syscall(SYS_capset, &header, none);
}

std::string ErrorOf(std::string_view text) {
  return std::string(ParseFailpoints(text).status().message());
}

TEST(ParseFailpointsTest, NothingArmsNothing) { EXPECT_TRUE(ParseFailpoints("")->empty()); }

TEST(ParseFailpointsTest, ReadsPlaceWorkerActionAndCount) {
  const auto settings = *ParseFailpoints("map.launched@w2:kill:3:once,worker.heartbeat:delay=1.5s");
  ASSERT_EQ(settings.size(), 2u);
  EXPECT_EQ(settings[0].place, Failpoint::kMapLaunched);
  EXPECT_EQ(settings[0].worker, "w2");
  EXPECT_EQ(settings[0].action, FailpointAction::kKill);
  EXPECT_EQ(settings[0].nth, 3u);
  EXPECT_TRUE(settings[0].once);
  EXPECT_FALSE(settings[0].and_later);
  EXPECT_EQ(settings[1].delay, absl::Milliseconds(1500));
  EXPECT_TRUE(settings[1].and_later) << "a delay is there every time";
}

TEST(ParseFailpointsTest, AnUnknownNameIsAnsweredWithTheNearest) {
  EXPECT_THAT(ErrorOf("map.runing:kill"), HasSubstr("did you mean map.running?"));
  EXPECT_THAT(ErrorOf("nonsense:kill"), HasSubstr("--list_failpoints lists them"));
}

TEST(ParseFailpointsTest, WhatIsMalformedIsNamedWithTheSetting) {
  EXPECT_THAT(ErrorOf("map.running"), HasSubstr("'map.running': the action is missing"));
  EXPECT_THAT(ErrorOf("map.running:explode"), HasSubstr("one of kill, pause, fail, delay="));
  EXPECT_THAT(ErrorOf("map.running:delay=soon"), HasSubstr("delay=DURATION"));
  EXPECT_THAT(ErrorOf("map.running:kill:0"), HasSubstr("N is a number from 1 on"));
  EXPECT_THAT(ErrorOf("map.launched:fail"), HasSubstr("has nobody to fail to"));
  EXPECT_THAT(ErrorOf("publish.begin@w1:kill"), HasSubstr("in the master"));
}

TEST(ParseFailpointsTest, TheListNamesEveryPlace) {
  for (const FailpointInfo& info : kFailpoints) {
    EXPECT_THAT(ListOfFailpoints(), HasSubstr("\n" + std::string(info.name) + " "));
  }
}

class FailpointTest : public ::testing::Test {
 protected:
  ~FailpointTest() override {
    SetFailpointWorker("");
    EXPECT_TRUE(ArmFailpoints("", "").ok());
    unlink(log_.c_str());
    unlink((log_ + ".map.running").c_str());
  }

  void Arm(std::string_view settings) { ASSERT_TRUE(ArmFailpoints(settings, log_).ok()); }

  // Which of the first `times` passes fail.
  static std::vector<int> Failures(int times) {
    std::vector<int> failures;
    for (int i = 1; i <= times; ++i) {
      if (!CheckFailpoint(Failpoint::kMapRunning).ok()) failures.push_back(i);
    }
    return failures;
  }

  std::string Log() const {
    std::stringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }

  const std::string log_ = ::testing::TempDir() + "failpoints-" + std::to_string(getpid());
};

TEST_F(FailpointTest, WithoutASettingEveryPlaceIsPassed) {
  Arm("");
  EXPECT_THAT(Failures(3), ElementsAre());
  Arm("reduce.running:fail:1+");
  EXPECT_THAT(Failures(3), ElementsAre());
}

TEST_F(FailpointTest, ActsAtTheNthTimeOnly) {
  Arm("map.running:fail:3");
  EXPECT_THAT(Failures(5), ElementsAre(3));
}

TEST_F(FailpointTest, APlusMeansEveryLaterTimeToo) {
  Arm("map.running:fail:3+");
  EXPECT_THAT(Failures(5), ElementsAre(3, 4, 5));
}

TEST_F(FailpointTest, AWorkersNameLimitsItToThatWorker) {
  Arm("map.running@red:fail:2");
  SetFailpointWorker("blue");
  EXPECT_THAT(Failures(5), ElementsAre());
  SetFailpointWorker("red");
  EXPECT_THAT(Failures(5), ElementsAre(2)) << "what blue did does not count";
}

TEST_F(FailpointTest, OnceIsOnceForAllWhoShareTheLog) {
  Arm("map.running:fail:1+:once");
  EXPECT_THAT(Failures(5), ElementsAre(1));
  Arm("map.running:fail:1+:once");  // as a process that starts later would
  EXPECT_THAT(Failures(5), ElementsAre());
}

TEST_F(FailpointTest, OnceNeedsALogAndALogAnAbsolutePath) {
  EXPECT_THAT(std::string(ArmFailpoints("map.running:fail:once", "").message()),
              HasSubstr("needs MILLRACE_FAILPOINT_LOG"));
  EXPECT_THAT(std::string(ArmFailpoints("map.running:fail", "log").message()),
              HasSubstr("absolute path"));
}

TEST_F(FailpointTest, TwoOnceOfOnePlaceAndWorkerAreRefused) {
  EXPECT_THAT(
      std::string(
          ArmFailpoints("map.running@red:fail:once,map.running@red:kill:2:once", log_).message()),
      HasSubstr("map.running@red has two settings with 'once'"));
  Arm("map.running:fail:once,map.running@red:fail:once,map.running:delay=1ns");
}

TEST_F(FailpointTest, ALogNeedsAFolderThatIsThereAndWritable) {
  EXPECT_THAT(std::string(ArmFailpoints("", log_ + "/hits").message()),
              HasSubstr("cannot make files in " + log_ + "/: No such file or directory; name a"));
  ASSERT_EQ(mkdir(log_.c_str(), 0555), 0);
  const pid_t child = fork();
  if (child == 0) {
    DropCapabilities();
    const absl::Status refused = ArmFailpoints("", log_ + "/hits");
    _exit(absl::StrContains(refused.message(), "Permission denied") ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  rmdir(log_.c_str());
}

TEST_F(FailpointTest, ALogThatCannotBeAppendedToIsRefused) {
  ASSERT_EQ(mkdir(log_.c_str(), 0755), 0);
  EXPECT_THAT(std::string(ArmFailpoints("", log_).message()),
              HasSubstr("=" + log_ + ": cannot append to it: Is a directory; name a file"));
  rmdir(log_.c_str());
}

TEST_F(FailpointTest, AClaimThatCannotBeMadeIsSaidAndThePlaceDoesNotAct) {
  ASSERT_EQ(mkdir(log_.c_str(), 0755), 0);
  ASSERT_TRUE(ArmFailpoints("map.running:fail:1+:once", log_ + "/hits").ok());
  rmdir(log_.c_str());
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(Failures(1), ElementsAre());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("failpoint map.running does not act in PID [0-9]+: cannot claim 'once' "
                           "with .*/hits.map.running: No such file or directory\n"));
}

TEST_F(FailpointTest, AClaimThatAnotherProcessHasIsNoError) {
  Arm("map.running:fail:once");
  std::ofstream(log_ + ".map.running").flush();
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(Failures(1), ElementsAre());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(FailpointTest, AHitThatCannotBeLoggedIsSaidAndThePlaceActs) {
  Arm("map.running:fail");
  ASSERT_EQ(mkdir(log_.c_str(), 0755), 0);  // now a folder is at the log's path
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(Failures(1), ElementsAre(1));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr(": cannot append to " + log_ + ": Is a directory\n"));
  rmdir(log_.c_str());
}

TEST_F(FailpointTest, AHitIsLoggedWithWorkerAndAttempt) {
  Arm("worker.report_sent:delay=1ns");
  SetFailpointWorker("red");
  PassFailpoint(Failpoint::kReportSent, []() {
    return FailpointDetail(TaskId{JobId(1), 0, 3}, AttemptId{Epoch(1), 5});
  });
  EXPECT_THAT(Log(), MatchesRegex("worker.report_sent\t[0-9]+\tdelay\t"
                                  "task=map-00003 attempt=attempt-1-5 worker=red\n"));
}

TEST_F(FailpointTest, PauseStopsTheProcessUntilItIsContinued) {
  const pid_t child = fork();
  if (child == 0) {
    if (!ArmFailpoints("map.running:pause", "").ok()) _exit(1);
    PassFailpoint(Failpoint::kMapRunning);
    _exit(7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  EXPECT_TRUE(WIFSTOPPED(status));
  kill(child, SIGCONT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(FailpointDeathTest, KillSaysSoAndKills) {
  EXPECT_EXIT(
      {
        if (ArmFailpoints("map.running:kill", "").ok()) PassFailpoint(Failpoint::kMapRunning);
      },
      ::testing::KilledBySignal(SIGKILL), "failpoint map.running hit in PID [0-9]+: kill");
}

}  // namespace
}  // namespace millrace
