// A bank in a process of its own, which kills itself (SIGKILL) at a place between the arrival of a
// call and its reply, and is started again. Whatever the place, the client is told the truth, and
// the balance is right.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glog/logging.h"
#include "rpc/call_server.h"
#include "rpc/caller.h"
#include "rpc/connection.h"
#include "rpc/durable_calls.h"
#include "rpc/io_thread.h"
#include "rpc/listen.h"
#include "rpc/service_host.h"
#include "rpc/tiny_bank.h"
#include "storage/failpoint.h"

namespace millrace {
namespace {

// The bank's process: listens, says its port on standard output, and serves until it is killed.
int RunBank(const std::string& database, const std::string& port) {
  CHECK(ArmFailpointsFromEnvironment().ok());
  kj::AsyncIoContext io = kj::setupAsyncIo();
  IoThread thread;
  auto calls = DurableCalls::Open(database, kTinyBankSchema, TinyBank, thread);
  CHECK(calls.ok()) << calls.status();
  CallServer server(io.provider->getTimer(), {}, (*calls)->MakeService(), **calls,
                    (*calls)->TakeClients());
  auto receiver = ListenOn(io, "127.0.0.1:" + port);
  CHECK(receiver.ok()) << receiver.status();
  ServiceHost host(io.provider->getTimer(), *kj::mv(receiver), {},
                   [&](const PeerInfo& peer) { return server.Welcome(peer.address); });
  std::printf("%u\n", host.port());
  std::fflush(stdout);
  host.Run().exclusiveJoin((*calls)->Failure()).wait(io.waitScope);
  return 1;
}

class KilledBankTest : public testing::Test {
 protected:
  KilledBankTest() : io_(kj::setupAsyncIo()) { RemoveFiles(); }
  ~KilledBankTest() noexcept override {
    if (pid_ != 0) KillBank();
    RemoveFiles();
  }

  void RemoveFiles() {
    for (const char* end : {"", "-wal", "-journal", ".hits"}) unlink((database_ + end).c_str());
  }

  // With the failpoint, "" for none; on the same port each time.
  void StartBank(const std::string& failpoint) {
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    std::string self = "/proc/self/exe", role = "--bank", database = database_, port = port_;
    char* const arguments[] = {self.data(), role.data(), database.data(), port.data(), nullptr};
    std::string setting = std::string(kFailpointVariable) + "=" + failpoint;
    std::string log = std::string(kFailpointLogVariable) + "=" + database_ + ".hits";
    char* const environment[] = {setting.data(), log.data(), nullptr};
    ASSERT_EQ(posix_spawn(&pid_, self.c_str(), &actions, nullptr, arguments, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    char said[16] = {};
    ASSERT_GT(read(pipe_ends[0], said, sizeof(said) - 1), 0) << "the bank does not start";
    close(pipe_ends[0]);
    port_ = std::to_string(std::atoi(said));
  }

  void KillBank() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  std::unique_ptr<Caller> NewCaller() {
    CallerOptions options;
    options.backoff = {10 * kj::MILLISECONDS, 100 * kj::MILLISECONDS};
    return std::make_unique<Caller>(
        io_.provider->getTimer(), "the bank",
        [this]() {
          return Dial(io_.provider->getNetwork(), io_.provider->getTimer(), "127.0.0.1:" + port_,
                      Role::kClient, {});
        },
        options);
  }

  // While the loop runs.
  void WaitUntilItIsKilled() {
    while (!HasBeenKilled()) LetTimePass();
  }
  bool HasBeenKilled() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pid_ = 0;
    return true;
  }
  void LetTimePass() {
    io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }

  CallResult Wait(kj::Promise<CallResult> call) { return call.wait(io_.waitScope); }

  // Where the bank was killed.
  std::string Hit() {
    std::ifstream hits(database_ + ".hits");
    std::string place;
    hits >> place;
    return place;
  }

  kj::AsyncIoContext io_;
  const std::string database_ = testing::TempDir() + "/killed_bank." + std::to_string(getpid());
  std::string port_ = "0";
  pid_t pid_ = 0;
  int kills_ = 0;
};

class KilledBankAtTest : public KilledBankTest, public testing::WithParamInterface<const char*> {
 protected:
  ~KilledBankAtTest() noexcept override {}
};

TEST_P(KilledBankAtTest, ACallIsDoneOnceAndItsReplyIsTheFirstOne) {
  StartBank("");
  auto caller = NewCaller();
  EXPECT_EQ(Wait(caller->Call(CallMode::kExactlyOnce, "deduct 10")).bytes, "90");
  KillBank();

  StartBank(std::string(GetParam()) + ":kill");
  auto struck = caller->Call(CallMode::kExactlyOnce, "deduct 10");
  WaitUntilItIsKilled();
  EXPECT_EQ(Hit(), GetParam());
  EXPECT_FALSE(struck.poll(io_.waitScope));

  StartBank("");
  EXPECT_EQ(Wait(kj::mv(struck)).bytes, "80");
  EXPECT_EQ(Wait(caller->Call(CallMode::kExactlyOnce, "deduct 10")).bytes, "70");
}

INSTANTIATE_TEST_SUITE_P(Places, KilledBankAtTest,
                         testing::Values("call.begin", "call.before_commit", "call.after_commit"));

TEST_F(KilledBankTest, APlainCallThatWasStruckIsUnknown) {
  StartBank("call.begin:kill");
  auto caller = NewCaller();
  EXPECT_EQ(Wait(caller->Call(CallMode::kPlain, "deduct 10")).end, CallEnd::kUnknown);
  WaitUntilItIsKilled();
  EXPECT_EQ(Hit(), "call.begin");
}

// Two hundred calls of four clients, eight at a time, while the bank is killed three times.
TEST_F(KilledBankTest, ManyCallsUnderWayAreDoneOnceEach) {
  const char* const places[] = {"call.after_commit:kill:9", "call.before_commit:kill:9",
                                "call.begin:kill:60", ""};
  StartBank(places[0]);
  std::vector<std::unique_ptr<Caller>> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) callers.push_back(NewCaller());
  int done = 0;
  for (int round = 0; round < 25; ++round) {
    std::vector<kj::Promise<CallResult>> calls;
    for (int i = 0; i < 8; ++i) {
      const char* const request = i == 0 ? "deduct 1" : "deduct 0";
      calls.push_back(callers[i % 4]->Call(CallMode::kExactlyOnce, request));
    }
    for (auto& call : calls) {
      for (; !call.poll(io_.waitScope); LetTimePass()) {
        if (HasBeenKilled()) StartBank(places[++kills_]);
      }
      done += call.wait(io_.waitScope).end == CallEnd::kDone ? 1 : 0;
    }
  }
  EXPECT_EQ(done, 200);
  EXPECT_EQ(kills_, 3);
  EXPECT_EQ(Wait(callers[0]->Call(CallMode::kExactlyOnce, "balance")).bytes, "75");
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--bank") return millrace::RunBank(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
