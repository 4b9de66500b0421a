// A worker's shell with a master that does what a test tells it, in virtual time and over Cap'n
// Proto on in-memory pipes.
#ifndef MILLRACE_WORKER_TESTDATA_SHELL_FIXTURE_H_
#define MILLRACE_WORKER_TESTDATA_SHELL_FIXTURE_H_

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rpc/connection.h"
#include "rpc/wire.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "worker/testdata/holding_runner.h"
#include "worker/worker_shell.h"

namespace millrace {

// Executors whose attempts end when a test says so.
class ScriptedExecutors final : public ExecutorFactory {
 public:
  absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) override {
    commands.push_back(command);
    return kj::Own<Executor>(kj::heap<Scripted>(*this));
  }

  bool IsRunning(const AttemptId& attempt) const { return running_.count(attempt) != 0; }
  const ExecutorTask& TaskOf(const AttemptId& attempt) const { return running_.at(attempt).task; }
  size_t running() const { return running_.size(); }

  void End(const AttemptId& attempt, Cause cause) {
    AttemptOutcome outcome;
    outcome.attempt = attempt;
    outcome.task = running_.at(attempt).task.task;
    outcome.cause = cause;
    kj::Own<kj::PromiseFulfiller<AttemptOutcome>> end = kj::mv(running_.at(attempt).end);
    running_.erase(attempt);
    end->fulfill(std::move(outcome));
  }

  std::vector<ExecutorCommand> commands;

 private:
  struct Running {
    ExecutorTask task;
    kj::Own<kj::PromiseFulfiller<AttemptOutcome>> end;
  };

  class Scripted final : public Executor {
   public:
    explicit Scripted(ScriptedExecutors& all) : all_(all) {}
    kj::Promise<AttemptOutcome> Run(const ExecutorTask& task) override {
      auto paf = kj::newPromiseAndFulfiller<AttemptOutcome>();
      attempt_ = task.attempt;
      all_.running_[task.attempt] = Running{task, kj::mv(paf.fulfiller)};
      return kj::mv(paf.promise);
    }
    kj::Promise<AttemptProgress> Progress() override { return AttemptProgress{42, 7}; }
    void Kill() override {
      alive_ = false;
      if (all_.IsRunning(attempt_)) all_.End(attempt_, Cause::kCancelled);
    }
    bool alive() const override { return alive_; }

   private:
    ScriptedExecutors& all_;
    AttemptId attempt_;
    bool alive_ = true;
  };

  std::map<AttemptId, Running> running_;
};

// What the master heard, and how it answers.
struct MasterScript {
  struct Registration {
    WorkerInfo info;
    std::vector<AttemptId> outputs;
    std::vector<AttemptId> attempts;
  };

  std::string cluster_id = "cluster-a";
  Epoch epoch{1};
  bool answers_reports = true;
  bool session_is_current = true;
  capnp_master::Verdict verdict = capnp_master::Verdict::ACCEPTED;

  std::vector<Registration> registrations;
  int heartbeats = 0;
  std::map<AttemptId, uint64_t> progress;  // bytes, as of the last heartbeat
  std::vector<AttemptOutcome> reports;
  std::vector<std::pair<AttemptId, uint64_t>> ready;  // requests for slots
  bool draining = false;

  // Resolves when the worker has said something new.
  kj::Promise<void> News() {
    auto paf = kj::newPromiseAndFulfiller<void>();
    news = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }
  void Tell() {
    if (news.get() != nullptr) news->fulfill();
  }
  kj::Own<kj::PromiseFulfiller<void>> news;

  WorkerSessionId session;
  kj::Maybe<capnp_worker::Worker::Client> worker;
};

class ScriptedSession final : public capnp_master::WorkerSession::Server {
 public:
  explicit ScriptedSession(MasterScript& script) : script_(script) {}

  kj::Promise<void> heartbeat(HeartbeatContext context) override {
    ++script_.heartbeats;
    script_.progress.clear();
    for (auto progress : context.getParams().getProgress()) {
      script_.progress[*ReadAttemptId(progress.getAttempt())] = progress.getBytes();
    }
    context.getResults().setCurrent(script_.session_is_current);
    return kj::READY_NOW;
  }
  kj::Promise<void> report(ReportContext context) override {
    script_.reports.push_back(*ReadAttemptOutcome(context.getParams().getOutcome()));
    script_.Tell();
    if (!script_.answers_reports) return kj::NEVER_DONE;
    context.getResults().setVerdict(script_.verdict);
    return kj::READY_NOW;
  }
  kj::Promise<void> sourcesReady(SourcesReadyContext context) override {
    const auto params = context.getParams();
    script_.ready.emplace_back(*ReadAttemptId(params.getAttempt()), params.getVersion());
    return kj::READY_NOW;
  }
  kj::Promise<void> drain(DrainContext) override {
    script_.draining = true;
    return kj::READY_NOW;
  }

 private:
  MasterScript& script_;
};

class ScriptedRegistry final : public capnp_master::Registry::Server {
 public:
  explicit ScriptedRegistry(MasterScript& script) : script_(script) {}

  // `register` is a word of C++.
  kj::Promise<void> register_(RegisterContext context) override {
    MasterScript::Registration registration;
    registration.info = *ReadWorkerInfo(context.getParams().getInfo());
    for (auto held : context.getParams().getOutputs()) {
      registration.outputs.push_back(*ReadAttemptId(held.getAttempt()));
    }
    for (auto held : context.getParams().getAttempts()) {
      registration.attempts.push_back(*ReadAttemptId(held.getAttempt()));
    }
    script_.session = {script_.epoch, WorkerId(1), registration.info.incarnation};
    script_.registrations.push_back(std::move(registration));
    script_.worker = context.getParams().getWorker();
    auto accepted = context.getResults().initAccepted();
    Write(script_.session, accepted.initSession());
    accepted.setCalls(kj::heap<ScriptedSession>(script_));
    accepted.setHeartbeatMs(1000);
    accepted.setLeaseMs(10'000);
    accepted.setClusterId(script_.cluster_id);
    script_.Tell();
    return kj::READY_NOW;
  }

 private:
  MasterScript& script_;
};

// Peers are named by tests of the shuffle; here nobody is dialled.
class NoNetwork final : public kj::Network {
 public:
  kj::Promise<kj::Own<kj::NetworkAddress>> parseAddress(kj::StringPtr, uint) override {
    return KJ_EXCEPTION(DISCONNECTED, "no network in this test");
  }
  kj::Own<kj::NetworkAddress> getSockaddr(const void*, uint) override { KJ_UNIMPLEMENTED("none"); }
  kj::Own<kj::Network> restrictPeers(kj::ArrayPtr<const kj::StringPtr>,
                                     kj::ArrayPtr<const kj::StringPtr>) override {
    KJ_UNIMPLEMENTED("none");
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
    const std::string problem = request.send().wait(scope_).getProblem().cStr();
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
