#include "worker/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "worker/child_exit.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

// A pipe whose both ends close themselves.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(0, pipe2(ends_, O_CLOEXEC)); }
  ~Pipe() {
    CloseWriter();
    close(ends_[0]);
  }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // Everything up to the end of file: every copy of the writing end must have been closed.
  std::string ReadAll() {
    CloseWriter();
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = read(ends_[0], buffer, sizeof(buffer))) > 0;) all.append(buffer, n);
    return all;
  }
  std::string ReadLine() {
    std::string line;
    for (char c; read(ends_[0], &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

 private:
  int ends_[2];
};

ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.path = "/bin/sh";
  options.argv = {"sh", "-c", script};
  options.environment = {"PATH=/usr/bin:/bin"};
  return options;
}

std::string WriteProgram(const std::string& name, const std::string& content, mode_t mode) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << content;
  EXPECT_EQ(0, chmod(path.c_str(), mode));
  return path;
}

absl::Status StartStatus(const std::string& path) {
  ChildOptions options;
  options.path = path;
  options.argv = {path};
  return ChildProcess::Start(options).status();
}

std::string EndOf(const std::string& script) {
  auto child = ChildProcess::Start(Shell(script));
  EXPECT_TRUE(child.ok()) << child.status();
  return (*child)->Wait().Describe();
}

TEST(ChildProcessTest, SaysHowItEnded) {
  EXPECT_EQ(EndOf("exit 0"), "exited with 0");
  EXPECT_EQ(EndOf("exit 3"), "exited with 3");
  EXPECT_EQ(EndOf("kill -SEGV $$"), "killed by SIGSEGV");
  EXPECT_EQ(EndOf("kill -KILL $$"), "killed by SIGKILL");
}

TEST(ChildProcessTest, SeesItsEnvironmentFolderAndDescriptorsAndNothingElse) {
  Pipe output;
  ChildOptions options = Shell("echo $NAME; pwd; cat; ls /proc/self/fd | wc -l");
  options.environment.push_back("NAME=value");
  options.working_folder = "/usr";
  options.fds = {{output.writer(), STDOUT_FILENO}, {output.writer(), STDERR_FILENO}};
  const int leaked = open("/dev/null", O_RDONLY);  // not close-on-exec: a library's, say
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  // 0, 1, 2 and the one with which ls reads the folder.
  EXPECT_EQ(output.ReadAll(), "value\n/usr\n4\n");
  close(leaked);
}

TEST(ChildProcessTest, DescriptorsMayTradePlaces) {
  Pipe first;
  Pipe second;
  ChildOptions options = Shell("echo 1 >&8; echo 2 >&9");
  ASSERT_EQ(9, fcntl(first.writer(), F_DUPFD_CLOEXEC, 9)) << "descriptor 9 is taken";
  ASSERT_EQ(8, dup3(second.writer(), 8, O_CLOEXEC));
  options.fds = {{9, 8}, {8, 9}};
  auto child = ChildProcess::Start(options);
  close(8);
  close(9);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(first.ReadAll(), "1\n");
  EXPECT_EQ(second.ReadAll(), "2\n");
}

// Of this process, for as long as the object lives.
class LimitedOpenFiles {
 public:
  explicit LimitedOpenFiles(rlim_t soft) {
    EXPECT_EQ(0, getrlimit(RLIMIT_NOFILE, &before_));
    const rlimit limit{soft, before_.rlim_max};
    EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
  }
  ~LimitedOpenFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST(ChildProcessTest, StartsWithFewDescriptorsAllowed) {
  Pipe output;
  ChildOptions options = Shell("echo 1 >&4");
  options.fds = {{output.writer(), 4}};
  const int lowest_free = dup(0);
  close(lowest_free);
  LimitedOpenFiles limit(lowest_free + 8);
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(output.ReadAll(), "1\n");
}

TEST(ChildProcessTest, WhenAllDescriptorsAreTakenTheLimitIsNamed) {
  const int lowest_free = dup(0);
  close(lowest_free);
  absl::Status status;
  {
    const LimitedOpenFiles limit(lowest_free);
    status = StartStatus("/bin/true");
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("are allowed): raise its limit with ulimit"));
}

TEST(ChildProcessTest, StartsWithDefaultSignals) {
  signal(SIGUSR1, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  EXPECT_EQ(EndOf("kill -USR1 $$; exit 0"), "killed by SIGUSR1");
  sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  signal(SIGUSR1, SIG_DFL);
}

TEST(ChildProcessTest, ItsChildrenDieWithIt) {
  Pipe output;
  ChildOptions options = Shell("sleep 1000 & echo started; wait");
  options.fds = {{output.writer(), STDOUT_FILENO}};
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(output.ReadLine(), "started");
  child->reset();
  EXPECT_EQ(output.ReadAll(), "") << "this line is reached only when sleep has closed its output";
}

TEST(ChildProcessTest, WhatItLeavesBehindIsKilledWhenItEnds) {
  Pipe output;
  ChildOptions options = Shell("sleep 1000 & exit 4");
  options.fds = {{output.writer(), STDOUT_FILENO}};
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ((*child)->Wait().Describe(), "exited with 4");
  EXPECT_EQ(output.ReadAll(), "");
}

TEST(ChildProcessTest, ItsEndArrivesAsAPromise) {
  auto io = kj::setupAsyncIo();
  auto slow = ChildProcess::Start(Shell("read line; exit 5"));
  auto killed = ChildProcess::Start(Shell("sleep 1000"));
  ASSERT_TRUE(slow.ok() && killed.ok());
  ChildExit slow_exit(io.unixEventPort, **slow);
  ChildExit killed_exit(io.unixEventPort, **killed);
  kj::Promise<ExitStatus> killed_end = killed_exit.Wait();
  EXPECT_EQ(slow_exit.Wait().wait(io.waitScope).Describe(), "exited with 5");
  EXPECT_FALSE(killed_end.poll(io.waitScope));
  (*killed)->KillGroup(SIGTERM);
  EXPECT_EQ(killed_end.wait(io.waitScope).Describe(), "killed by SIGTERM");
}

TEST(ChildProcessTest, NamesAMissingProgram) {
  const absl::Status status = StartStatus("/no/such/job");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "/no/such/job does not exist on this host");
}

TEST(ChildProcessTest, NamesAMissingLoader) {
  const absl::Status status = StartStatus(WriteProgram("script", "#!/no/such/loader\n", 0755));
  EXPECT_THAT(std::string(status.message()), HasSubstr("needs a loader or interpreter"));
}

TEST(ChildProcessTest, NamesAFileThatMayNotBeExecuted) {
  const absl::Status status = StartStatus(WriteProgram("no_exec", "#!/bin/sh\n", 0644));
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("(mode 0644): allow it with chmod +x"));
}

TEST(ChildProcessTest, NamesAProgramOfAnotherMachine) {
  // The header of a 64-bit ARM program.
  std::string header(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  header.resize(16, '\0');
  header += std::string("\x02\x00\xb7\x00", 4);
  header.resize(128, '\0');
  const absl::Status status = StartStatus(WriteProgram("arm", header, 0755));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("it is for ARM 64"));
}

TEST(ChildProcessTest, NamesAFileThatIsNoProgram) {
  const absl::Status status = StartStatus(WriteProgram("text", "just text", 0755));
  EXPECT_THAT(std::string(status.message()), HasSubstr("it is no Linux program"));
}

TEST(ChildProcessTest, NamesAProgramThatIsBeingWritten) {
  const std::string path = WriteProgram("busy", "#!/bin/sh\n", 0755);
  const int writer = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const absl::Status status = StartStatus(path);
  close(writer);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is being written by another process"));
}

TEST(ChildProcessTest, NamesAMissingWorkingFolder) {
  ChildOptions options = Shell("exit 0");
  options.working_folder = "/no/such/folder";
  const absl::Status status = ChildProcess::Start(options).status();
  EXPECT_EQ(status.message(), "cannot start /bin/sh in /no/such/folder: no such folder");
}

}  // namespace
}  // namespace millrace
