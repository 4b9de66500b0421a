// Real worker processes with a scripted master: how they start, end and leave nothing behind.
#include "worker/worker_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <fstream>

#include "rpc/acceptor.h"
#include "rpc/connection.h"
#include "rpc/host_id.h"
#include "storage/posix_file_system.h"
#include "worker/child_exit.h"
#include "worker/child_process.h"
#include "worker/testdata/scripted_master.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string RealPath(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  std::string result = real == nullptr ? path : real;
  free(real);
  return result;
}

class WorkerProcessTest : public testing::Test {
 protected:
  WorkerProcessTest() {
    auto address = io_.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io_.waitScope);
    acceptor_ = kj::heap<Acceptor>(
        io_.provider->getTimer(), address->listen(), ConnectionOptions(),
        std::vector<Role>{Role::kWorker}, [this](PeerInfo, kj::Own<kj::AsyncIoStream> stream) {
          masters_.push_back(kj::heap<Connection>(
              kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
              capnp_master::Registry::Client(kj::heap<ScriptedRegistry>(script_)), "worker"));
        });
    accepting_ = acceptor_->Run().eagerlyEvaluate(nullptr);
  }
  ~WorkerProcessTest() noexcept override {
    script_.worker = nullptr;
    file_system_.RemoveTree(folder_).IgnoreError();
  }

  static std::string MakeFolder() {
    char folder[] = "/tmp/worker_process_test_XXXXXX";
    return mkdtemp(folder);
  }

  // Its standard error goes to folder_/log.
  std::unique_ptr<ChildProcess> Start(std::vector<std::string> flags) {
    ChildOptions options;
    options.path = RealPath("worker/worker");
    options.argv = {"worker", "--scratch_dir=" + folder_ + "/scratch"};
    options.argv.insert(options.argv.end(), flags.begin(), flags.end());
    options.environment = {"PATH=/usr/bin:/bin"};
    const int log =
        open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    options.fds = {{log, STDOUT_FILENO}, {log, STDERR_FILENO}};
    auto worker = ChildProcess::Start(options);
    close(log);
    EXPECT_TRUE(worker.ok()) << worker.status();
    return *std::move(worker);
  }
  std::unique_ptr<ChildProcess> StartJoining() {
    const size_t before = script_.registrations.size();
    auto worker = Start({"--master=127.0.0.1:" + std::to_string(acceptor_->port()), "--slots=1",
                         "--name=red", "--ready_file=" + folder_ + "/ready"});
    while (script_.registrations.size() == before) script_.News().wait(io_.waitScope);
    return worker;
  }
  // Waits for something to happen.
  void Turn() { io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope); }

  std::string EndOf(ChildProcess& worker) {
    ChildExit exit(io_.unixEventPort, worker);
    return exit.Wait().wait(io_.waitScope).Describe();
  }
  std::string Log() { return *ReadFile(file_system_, folder_ + "/log", 1 << 20); }
  std::vector<std::string> Scratch() { return *file_system_.List(folder_ + "/scratch"); }

  // A map of the misbehaving job that does what `line` says.
  void RunMap(const std::string& line) {
    std::ofstream(folder_ + "/input") << line;
    const std::string path = RealPath("worker/misbehaving_job");
    const FileInfo binary = *file_system_.Stat(path);
    JobContext job;
    job.job = JobId(1);
    job.name = "job";
    job.binary =
        JobBinary{path, std::string(64, 'a'), binary.size, binary.mtime_ns, binary.inode, HostId()};
    job.argv = {"misbehaving_job"};
    job.environment = {"PATH=/usr/bin:/bin"};
    job.map_count = 1;
    job.reducers = 1;
    job.output_folder = folder_ + "/output";
    job.staging_key = "job-1-cluster";
    job.task_memory_bytes = 64 << 20;
    job.nonce_path = folder_ + "/nonce";
    job.nonce = "nonce";
    std::ofstream(job.nonce_path) << job.nonce;
    auto& worker = KJ_ASSERT_NONNULL(script_.worker);
    auto prepare = worker.prepareJobRequest();
    Write(script_.session, prepare.initSession());
    Write(job, prepare.initContext());
    EXPECT_EQ(std::string(prepare.send().wait(io_.waitScope).getProblem().cStr()), "");

    const FileInfo input = *file_system_.Stat(folder_ + "/input");
    AttemptSpec spec;
    spec.attempt = AttemptId{Epoch(1), 1};
    spec.task = TaskId{JobId(1), 0, 0};
    spec.split = {FileRange{{folder_ + "/input", input.size, input.mtime_ns}, 0, input.size}};
    auto launch = worker.launchRequest();
    Write(script_.session, launch.initSession());
    Write(spec, launch.initSpec());
    launch.send().wait(io_.waitScope);
  }

  const std::string folder_ = MakeFolder();
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  PosixFileSystem file_system_;
  MasterScript script_;
  std::deque<kj::Own<Connection>> masters_;
  kj::Own<Acceptor> acceptor_;
  kj::Promise<void> accepting_ = nullptr;
};

TEST_F(WorkerProcessTest, JoinsRunsDrainsAndLeavesNothingBehind) {
  auto worker = StartJoining();
  EXPECT_EQ(script_.registrations[0].info.pid, static_cast<uint64_t>(worker->pid()));
  EXPECT_THAT(
      *ReadFile(file_system_, folder_ + "/ready", 1000),
      testing::AllOf(HasSubstr("\"pid\": " + std::to_string(worker->pid())),
                     HasSubstr("\"listen\": \"127.0.0.1:"), HasSubstr("\"name\": \"red\"")));
  RunMap("count a\n");
  while (script_.reports.empty()) script_.News().wait(io_.waitScope);
  EXPECT_EQ(script_.reports[0].cause, Cause::kSucceeded) << script_.reports[0].message;
  EXPECT_THAT(Scratch(), SizeIs(1));
  worker->KillGroup(SIGTERM);
  EXPECT_EQ(EndOf(*worker), "exited with 0") << Log();
  EXPECT_THAT(Scratch(), IsEmpty());
}

TEST_F(WorkerProcessTest, ACrashOfUserCodeIsReportedAndTheWorkerGoesOn) {
  auto worker = StartJoining();
  RunMap("count a\ncrash\n");
  while (script_.reports.empty()) script_.News().wait(io_.waitScope);
  EXPECT_EQ(script_.reports[0].cause, Cause::kUserCodeFailed);
  EXPECT_THAT(script_.reports[0].message, HasSubstr("killed by SIGSEGV"));
  EXPECT_EQ(script_.reports[0].position, folder_ + "/input:8");
  EXPECT_FALSE(worker->Reap().has_value());
}

TEST_F(WorkerProcessTest, AKilledWorkerTakesItsExecutorsAlongAndTheNextOneCleansUp) {
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
  kj::AutoCloseFd own_end(open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  kj::AutoCloseFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto stream = io_.lowLevelProvider->wrapInputFd(reader.get());
  auto worker = StartJoining();
  RunMap("leave " + fifo + "\nwait\n");  // a child of user code holds the FIFO open
  char byte;
  stream->read(&byte, 1).wait(io_.waitScope);
  kill(worker->pid(), SIGKILL);
  EXPECT_EQ(EndOf(*worker), "killed by SIGKILL");
  own_end = nullptr;
  EXPECT_EQ(stream->readAllBytes().wait(io_.waitScope).size(), 0u) << "all writers are gone";

  EXPECT_THAT(Scratch(), SizeIs(1)) << "nobody was left to clean up";
  auto next = StartJoining();
  EXPECT_THAT(Scratch(), SizeIs(1)) << "of the new worker";
}

TEST_F(WorkerProcessTest, AStoppedExecutorAndItsChildrenEndWithTheirKilledWorkerToo) {
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
  kj::AutoCloseFd own_end(open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  kj::AutoCloseFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto stream = io_.lowLevelProvider->wrapInputFd(reader.get());
  auto worker = StartJoining();
  RunMap("leave " + fifo + "\nwait\n");  // a child of user code holds the FIFO open
  char byte;
  stream->read(&byte, 1).wait(io_.waitScope);
  const std::string pid = std::to_string(worker->pid());
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  pid_t executor = 0;
  ASSERT_TRUE(children >> executor);
  ASSERT_EQ(0, kill(-executor, SIGSTOP));
  kill(worker->pid(), SIGKILL);
  EXPECT_EQ(EndOf(*worker), "killed by SIGKILL");
  own_end = nullptr;
  EXPECT_EQ(stream->readAllBytes().wait(io_.waitScope).size(), 0u) << "all writers are gone";
}

TEST_F(WorkerProcessTest, RefusesToListenBeyondLoopbackWithoutAKey) {
  auto worker = Start({"--listen=0.0.0.0:0"});
  EXPECT_EQ(EndOf(*worker), "exited with 2");
  EXPECT_THAT(Log(), HasSubstr("--cluster_key_file"));
}

TEST_F(WorkerProcessTest, NamesAnAddressThatIsInUse) {
  auto worker = Start({"--listen=127.0.0.1:" + std::to_string(acceptor_->port())});
  EXPECT_EQ(EndOf(*worker), "exited with 2");
  EXPECT_THAT(Log(), HasSubstr("the address is already in use"));
}

}  // namespace
}  // namespace millrace
