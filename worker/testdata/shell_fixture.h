// A worker's shell with a master that does what a test tells it, in virtual time and over Cap'n
// Proto on in-memory pipes.
#ifndef MILLRACE_WORKER_TESTDATA_SHELL_FIXTURE_H_
#define MILLRACE_WORKER_TESTDATA_SHELL_FIXTURE_H_

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include <string>
#include <utility>
#include <vector>

#include "rpc/connection.h"
#include "rpc/wire.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "worker/testdata/holding_runner.h"
#include "worker/testdata/scripted_executors.h"
#include "worker/testdata/scripted_master.h"
#include "worker/worker_shell.h"

namespace millrace {

// Peers are named by tests of the shuffle; here nobody is dialled.
class NoNetwork final : public kj::Network {
 public:
  kj::Promise<kj::Own<kj::NetworkAddress>> parseAddress(kj::StringPtr, uint) override {
    return KJ_EXCEPTION(DISCONNECTED, "no network in this test");
  }
  kj::Own<kj::NetworkAddress> getSockaddr(const void*, uint) override { Refuse(); }
  kj::Own<kj::Network> restrictPeers(kj::ArrayPtr<const kj::StringPtr>,
                                     kj::ArrayPtr<const kj::StringPtr>) override {
    Refuse();
  }

 private:
  [[noreturn]] static void Refuse() {
    kj::throwFatalException(KJ_EXCEPTION(UNIMPLEMENTED, "none"));
  }
};

class ShellFixture : public testing::Test {
 protected:
  ShellFixture() {
    EXPECT_TRUE(files_.CreateFolders("/scratch").ok());
    EXPECT_TRUE(files_.CreateFolders("/bin").ok());
    EXPECT_TRUE(WriteFileAtomically(files_, "/bin/job", "a program").ok());
    Restart(/*slots=*/2);
  }
  ~ShellFixture() noexcept override {}

  void Restart(uint32_t slots) {
    WorkerShellOptions options;
    options.info.name = "red";
    options.info.incarnation = Incarnation(100);
    options.info.slots = slots;
    options.info.host = "red-host";
    options.info.host_id = "one host";
    options.info.pid = 1;
    options.info.shuffle_address = "127.0.0.1:1";
    options.info.scratch_folder = "/scratch";
    options.new_incarnation = []() { return Incarnation(200); };
    shell_ = kj::heap<WorkerShell>(WorkerShell::Host{timer_, network_, files_, io_, executors_},
                                   std::move(options));
  }

  // A session begins.
  void Connect() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    master_ = kj::heap<Connection>(
        kj::mv(pipe.ends[0]), capnp::rpc::twoparty::Side::SERVER,
        capnp_master::Registry::Client(kj::heap<ScriptedRegistry>(script_)), "worker");
    worker_ = kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT,
                                   nullptr, "master");
    serving_ = shell_->Serve(*worker_).eagerlyEvaluate(
        [this](kj::Exception&& exception) { lost_ = exception.getDescription().cStr(); });
    Settle();
  }
  void Disconnect() {
    script_.worker = nullptr;
    master_ = nullptr;
    Settle();
    serving_ = nullptr;
    worker_ = nullptr;
  }

  // Everything that can happen without time passing has happened.
  void Settle() { scope_.poll(); }
  void Advance(kj::Duration time) {
    timer_.advanceTo(timer_.now() + time);
    Settle();
  }

  capnp_worker::Worker::Client& worker() { return KJ_ASSERT_NONNULL(script_.worker); }

  JobContext Job(uint32_t maps = 4, uint32_t reducers = 2) {
    JobContext job;
    job.job = JobId(1);
    job.name = "job";
    const FileInfo binary = *files_.Stat("/bin/job");
    job.binary = JobBinary{"/bin/job",      std::string(64, 'a'), binary.size,
                           binary.mtime_ns, binary.inode,         "one host"};
    job.argv = {"job", "--flag"};
    job.map_count = maps;
    job.reducers = reducers;
    job.output_folder = "/output";
    job.staging_key = "job-1-cluster";
    job.task_memory_bytes = 64 << 20;
    job.nonce_path = NoncePath(job.output_folder, job.staging_key);
    job.nonce = "nonce";
    return job;
  }

  // Gives the worker's objection, empty when there is none.
  std::string Prepare(const JobContext& job, bool visible = true) {
    if (visible) {
      EXPECT_TRUE(files_.CreateFolders(FolderOf(job.nonce_path)).ok());
      EXPECT_TRUE(WriteFileAtomically(files_, job.nonce_path, job.nonce).ok());
    }
    auto request = worker().prepareJobRequest();
    Write(script_.session, request.initSession());
    Write(job, request.initContext());
    std::string problem = request.send().wait(scope_).getProblem().cStr();
    Settle();
    return problem;
  }

  AttemptId Launch(uint64_t sequence, StageKind kind, uint32_t index) {
    AttemptSpec spec;
    spec.attempt = AttemptId{Epoch(1), sequence};
    spec.task = TaskId{JobId(1), kind == StageKind::kMap ? 0u : 1u, index};
    spec.kind = kind;
    if (kind == StageKind::kMap) {
      spec.split = {FileRange{InputFile{"/input", 100, 1}, 0, 100}};
    }
    auto request = worker().launchRequest();
    Write(script_.session, request.initSession());
    Write(spec, request.initSpec());
    request.send().wait(scope_);
    Settle();
    return spec.attempt;
  }
  AttemptId LaunchMap(uint64_t sequence, uint32_t index = 0) {
    return Launch(sequence, StageKind::kMap, index);
  }
  AttemptId LaunchReduce(uint64_t sequence, uint32_t index = 0) {
    return Launch(sequence, StageKind::kReduce, index);
  }

  // As the engine would: the attempt's output lies at its place.
  void Succeed(const AttemptId& attempt) {
    const std::string path = executors_.TaskOf(attempt).output_path;
    EXPECT_TRUE(files_.CreateFolders(FolderOf(path)).ok());
    EXPECT_TRUE(WriteFileAtomically(files_, path, "output").ok());
    executors_.End(attempt, Cause::kSucceeded);
    Settle();
  }

  bool Exists(const std::string& path) { return files_.Stat(path).ok(); }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  NoNetwork network_;
  MemoryFileSystem files_;
  HoldingRunner io_;
  ScriptedExecutors executors_;
  MasterScript script_;
  kj::Own<WorkerShell> shell_;
  std::string lost_;  // why the last session ended
  kj::Own<Connection> master_;
  kj::Own<Connection> worker_;
  kj::Promise<void> serving_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_TESTDATA_SHELL_FIXTURE_H_
