// What only a whole process has (signals, sockets of the loopback interface, an exit code). Each
// test is one process that serves and dials itself, on the stack as in main.
#include "rpc/service_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/acceptor.h"
#include "rpc/exit_codes.h"
#include "rpc/worker.capnp.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Answerer final : public capnp_worker::Worker::Server {
 public:
  kj::Promise<void> ping(PingContext context) override { return kj::READY_NOW; }
  kj::Promise<void> launch(LaunchContext context) override {
    return KJ_EXCEPTION(FAILED, "no work today");
  }
};

capnp::Capability::Client WelcomeAll(const PeerInfo& peer) { return kj::heap<Answerer>(); }

capnp_worker::Worker::Client WorkerAt(Connection& connection) {
  return connection.Peer().castAs<capnp_worker::Worker>();
}

// The real address.
std::string Serve(ServiceProcess& process) {
  const absl::StatusOr<std::string> real = process.Serve("127.0.0.1:0", WelcomeAll, "");
  EXPECT_TRUE(real.ok()) << real.status();
  return real.ok() ? *real : "";
}

struct End {
  int exit_code;
  std::string said;  // on standard error
};

End RunToEnd(ServiceProcess& process, kj::Promise<void> work) {
  testing::internal::CaptureStderr();
  const int exit_code = process.Run(kj::mv(work));
  return {exit_code, testing::internal::GetCapturedStderr()};
}

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A server of the same process to which nobody holds the key.
kj::Own<Acceptor> LockedServer(ServiceProcess& process) {
  auto address = process.network().parseAddress("127.0.0.1").wait(process.io().waitScope);
  ConnectionOptions options;
  options.key = ClusterKey::FromBytes("a key that nobody holds");
  return kj::heap<Acceptor>(process.timer(), address->listen(), options,
                            std::vector<Role>{Role::kClient},
                            [](const PeerInfo&, kj::Own<kj::AsyncIoStream>) { FAIL(); });
}

TEST(ServiceProcessTest, ServesUntilTheWorkIsDone) {
  ServiceProcess process("bell", ConnectionOptions());
  const std::string address = Serve(process);
  EXPECT_THAT(address, MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  bool answered = false;
  auto work = process.Dial(address).then([&](kj::Own<Connection> connection) {
    auto ping = WorkerAt(*connection).pingRequest().send().ignoreResult();
    return ping.then([&]() { answered = true; }).attach(kj::mv(connection));
  });
  const End end = RunToEnd(process, kj::mv(work));
  EXPECT_EQ(end.exit_code, kExitSuccess);
  EXPECT_EQ(end.said, "");
  EXPECT_TRUE(answered);
}

TEST(ServiceProcessTest, SigtermAndSigintAreOrderlyEnds) {
  ServiceProcess process("bell", ConnectionOptions());
  Serve(process);
  for (int signal : {SIGTERM, SIGINT}) {
    kill(getpid(), signal);
    EXPECT_EQ(process.RunUntilStopped(), kExitSuccess);
  }
}

TEST(ServiceProcessTest, TheReadyFileTellsTheRealAddressAndGoesAtTheEnd) {
  const std::string path =
      absl::StrCat(testing::TempDir(), "service_process_test-", getpid(), "-ready");
  {
    ServiceProcess process("bell", ConnectionOptions());
    const absl::StatusOr<std::string> address = process.Serve("127.0.0.1:0", WelcomeAll, path);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(Contents(path),
              absl::StrCat("{\"pid\": ", getpid(), ", \"listen\": \"", *address, "\"}\n"));
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(ServiceProcessTest, AnAddressInUseIsAnErrorThatNamesIt) {
  ServiceProcess process("bell", ConnectionOptions());
  auto other = process.network().parseAddress("127.0.0.1").wait(process.io().waitScope)->listen();
  const std::string address = absl::StrCat("127.0.0.1:", other->getPort());
  const absl::Status status = process.Serve(address, WelcomeAll, "").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot listen on " + address));
}

TEST(ServiceProcessTest, AnUnreachableAddressIsNamedWithTheReasonAndWhatToCheck) {
  ServiceProcess process("bell", ConnectionOptions());
  const End end = RunToEnd(process, process.Dial("127.0.0.1:1").ignoreResult());
  EXPECT_EQ(end.exit_code, kExitUnreachable);
  EXPECT_THAT(end.said, AllOf(StartsWith("bell: cannot connect to 127.0.0.1:1: Connection refused"),
                              HasSubstr("\n  - is the server running there"),
                              HasSubstr("\n  - 127.0.0.1 is this machine itself")));
}

TEST(ServiceProcessTest, AServerThatRefusesUsCountsAsUnreachable) {
  ServiceProcess process("bell", ConnectionOptions());
  auto server = LockedServer(process);
  auto accepting = server->Run().eagerlyEvaluate(nullptr);
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  const End end = RunToEnd(process, process.Dial(address).ignoreResult());
  EXPECT_EQ(end.exit_code, kExitUnreachable);
  EXPECT_THAT(end.said, HasSubstr("cluster key refused by " + address));
}

TEST(ServiceProcessTest, ACallThatFailsIsAFailureOfTheService) {
  ServiceProcess process("bell", ConnectionOptions());
  auto work = process.Dial(Serve(process)).then([](kj::Own<Connection> connection) {
    return WorkerAt(*connection).launchRequest().send().ignoreResult().attach(kj::mv(connection));
  });
  const End end = RunToEnd(process, kj::mv(work));
  EXPECT_EQ(end.exit_code, kExitFailed);
  EXPECT_EQ(end.said, "bell: no work today\n");
}

// The first of two servers has another key; what the second one says is its own failure.
TEST(ServiceProcessTest, ARefusalIsForgottenOnceAnotherServerWasReached) {
  ServiceProcess process("bell", ConnectionOptions());
  auto server = LockedServer(process);
  auto accepting = server->Run().eagerlyEvaluate(nullptr);
  const std::string second = Serve(process);
  auto work = process.Dial(absl::StrCat("127.0.0.1:", server->port()))
                  .catch_([&](kj::Exception&&) { return process.Dial(second); })
                  .then([](kj::Own<Connection> connection) {
                    auto call = WorkerAt(*connection).launchRequest().send().ignoreResult();
                    return call.attach(kj::mv(connection));
                  });
  EXPECT_EQ(RunToEnd(process, kj::mv(work)).exit_code, kExitFailed);
}

TEST(ServiceProcessTest, WhatAServerSaysDoesNotSteerTheTerminal) {
  ServiceProcess process("bell", ConnectionOptions());
  const End end = RunToEnd(process, KJ_EXCEPTION(FAILED, "\x1b[2Jgone\nfor good"));
  EXPECT_EQ(end.said, "bell: ?[2Jgone\nfor good\n");
}

TEST(ServiceProcessTest, WhatIsReadFromAClosedInputIsItsEnd) {
  close(STDIN_FILENO);
  ServiceProcess process("bell", ConnectionOptions());
  char byte;
  EXPECT_EQ(read(STDIN_FILENO, &byte, 1), 0) << "no socket or the like has come in its place";
}

TEST(ServiceProcessTest, AnotherVersionHasAnExitCodeOfItsOwn) {
  ServiceProcess process("bell", ConnectionOptions());
  const End end = RunToEnd(process, KJ_EXCEPTION(UNIMPLEMENTED, "version 9"));
  EXPECT_EQ(end.exit_code, kExitVersionMismatch);
  EXPECT_EQ(end.said, "bell: version 9\n");
}

}  // namespace
}  // namespace millrace
