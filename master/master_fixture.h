// A master in memory for tests: virtual time, pipes instead of sockets, files and journal in
// memory, blocking work done at once.
#ifndef MILLRACE_MASTER_MASTER_FIXTURE_H_
#define MILLRACE_MASTER_MASTER_FIXTURE_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/fake_worker.h"
#include "master/master.h"
#include "master/memory_journal.h"
#include "rpc/call.capnp.h"
#include "rpc/connection.h"
#include "rpc/io_thread.h"
#include "rpc/master.capnp.h"
#include "rpc/sha256.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"
#include "rpc/wire_views.h"
#include "storage/memory_file_system.h"

namespace millrace {

class MasterFixture : public ::testing::Test {
 protected:
  MasterFixture() { Start(Epoch(1)); }
  ~MasterFixture() noexcept override {
    running_ = nullptr;
    wait_scope_.poll();
  }

  // --- The master ---

  void Start(Epoch epoch) {
    Master::Options options;
    options.epoch = epoch;
    options.cluster_id = "0123456789abcdef0123456789abcdef";
    options.started_wall_us = 1'000'000'000;
    options.binaries_folder = "/state/binaries";
    options.host_id = "host-of-master";
    options.check_shuffle = check_shuffle_;
    master_ =
        std::make_unique<Master>(Master::Environment{timer_, fs_, journal_, runner_}, options);
    ASSERT_TRUE(master_->Recover().ok());
    running_ = master_->Run().eagerlyEvaluate(
        [this](kj::Exception&& e) { failure_ = e.getDescription().cStr(); });
    Settle();
  }

  // As kill -9 does: what was not synced is gone, and so are all connections.
  void KillAndRestart(Epoch epoch) {
    running_ = nullptr;
    client_ = nullptr;
    workers_.clear();
    master_ = nullptr;
    Settle();
    journal_.Crash();
    Start(epoch);
  }

  void Settle() { wait_scope_.poll(); }

  // Lets time pass in steps shorter than any pause would be.
  void Pass(kj::Duration duration) {
    const kj::TimePoint end = timer_.now() + duration;
    while (timer_.now() < end) {
      timer_.advanceTo(std::min(end, timer_.now() + 100 * kj::MILLISECONDS));
      Settle();
    }
  }

  // The loop stands still and then finds all that time gone.
  void Freeze(kj::Duration duration) {
    timer_.advanceTo(timer_.now() + duration);
    Settle();
  }

  // --- Workers ---

  FakeWorker& AddWorker(const std::string& name, uint32_t slots = 1) {
    workers_.push_back(std::make_unique<FakeWorker>(wait_scope_, timer_, fs_, name, slots));
    workers_.back()->Join(*master_);
    return *workers_.back();
  }

  void WorkAll() {
    bool worked = true;
    while (worked) {
      worked = false;
      for (auto& worker : workers_) worked = worker->Work() || worked;
    }
  }

  // --- Clients ---

  capnp_master::Jobs::Client Jobs() {
    if (client_.get() == nullptr) client_ = Connect(Role::kClient);
    return client_->Peer().castAs<capnp_master::Jobs>();
  }

  kj::Own<Connection> Connect(Role role) {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    master_->Accept({role, "somebody:1"}, kj::mv(pipe.ends[0]));
    return kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT, nullptr,
                                "the master");
  }

  // One file a map task.
  static JobSpec WordCount(const std::string& output, int maps = 1, uint32_t reducers = 1) {
    JobSpec spec;
    spec.name = "wordcount";
    spec.request_id = absl::StrCat("request-for-", output);
    spec.binary.path = "/bin/wordcount";
    spec.binary.sha256 = Sha256Hex("the program");
    spec.binary.size = 11;
    spec.binary.host_id = "host-of-client";
    spec.argv = {"wordcount"};
    for (int i = 0; i < maps; ++i) spec.inputs.push_back({absl::StrCat("/in/", i), 1000, 1});
    spec.split_bytes = 1000;
    spec.reducers = reducers;
    spec.output_folder = output;
    return spec;
  }

  struct Submitted {
    JobId job;
    std::string refused;
  };

  Submitted Submit(const JobSpec& spec) {
    auto submission = Begin(spec);
    return Finish(spec);
  }

  // By a client of its own for each.
  capnp_master::Submission::Client Begin(const JobSpec& spec) {
    auto request = Jobs().beginRequest();
    Write(spec, request.initSpec());
    request.initClient().setLow(++clients_);
    auto response = request.send().wait(wait_scope_);
    EXPECT_TRUE(response.getResult().isSubmission());
    auto submission = response.getResult().getSubmission();
    auto add = submission.addInputsRequest();
    auto files = add.initFiles(spec.inputs.size());
    for (size_t i = 0; i < spec.inputs.size(); ++i) Write(spec.inputs[i], files[i]);
    add.send().ignoreResult().wait(wait_scope_);
    return submission;
  }

  // A session with the master, for calls that run once.
  uint64_t OpenSession(uint64_t client) {
    auto request = Jobs().openRequest();
    request.initClient().setLow(client);
    return request.send().wait(wait_scope_).getSession();
  }

  // The only call of this client: makes a job of the submission with this request id.
  auto Commit(uint64_t client, uint64_t session, const std::string& request_id) {
    auto request = Jobs().callRequest();
    auto header = request.initHeader();
    header.initClient().setLow(client);
    header.setSession(session);
    header.setSequence(1);
    request.setRequest(kj::StringPtr(request_id.c_str()).asBytes());
    return request.send();
  }

  // By the client that has begun last.
  auto Commit(const JobSpec& spec) {
    return Commit(clients_, OpenSession(clients_), spec.request_id);
  }

  static Submitted ReadSubmitted(capnp_call::CallOutcome::Reader outcome) {
    if (!outcome.isReply()) return {JobId(), ReadMessageText(outcome.getRefused())};
    const auto reply = outcome.getReply().asChars();
    uint64_t job = 0;
    EXPECT_TRUE(absl::SimpleAtoi(std::string(reply.begin(), reply.size()), &job));
    return {JobId(job), ""};
  }

  Submitted Finish(const JobSpec& spec) {
    auto committed = Commit(spec).wait(wait_scope_);
    Settle();
    return ReadSubmitted(committed.getOutcome());
  }

  void Cancel(JobId job) {
    auto request = Jobs().cancelRequest();
    request.setJob(job.value());
    EXPECT_TRUE(request.send().wait(wait_scope_).getResult().isCancelled());
    Settle();
  }

  auto AskForLogs(WorkerId worker, const std::vector<AttemptId>& attempts) {
    auto request = Jobs().attemptLogsRequest();
    request.setWorker(worker.value());
    WriteLogRequest(attempts, request.initAttempts(attempts.size()));
    return request.send();
  }

  // What a client is told that asks for the logs of attempts.
  WorkerLogs Logs(WorkerId worker, const std::vector<AttemptId>& attempts) {
    auto answer = AskForLogs(worker, attempts);
    if (!answer.poll(wait_scope_)) Pass(6 * kj::SECONDS);
    auto response = answer.wait(wait_scope_);
    const auto result = response.getResult();
    if (result.isUnavailable()) return {{}, ReadMessageText(result.getUnavailable())};
    return {*ReadAttemptLogs(result.getLogs()), ""};
  }

  JobView View(JobId job) {
    const std::optional<JobView> view = master_->views().Job(job);
    EXPECT_TRUE(view.has_value()) << job;
    return view.value_or(JobView());
  }

  bool Exists(const std::string& path) { return fs_.Stat(path).ok(); }

  kj::EventLoop loop_;
  kj::WaitScope wait_scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  MemoryFileSystem fs_;
  MemoryJournal journal_;
  InlineRunner runner_;
  std::function<kj::Promise<void>(std::string address)> check_shuffle_;  // of the next master
  std::unique_ptr<Master> master_;
  std::vector<std::unique_ptr<FakeWorker>> workers_;
  kj::Own<Connection> client_;
  uint64_t clients_ = 0;  // that have begun a submission
  kj::Promise<void> running_ = nullptr;
  std::string failure_;  // why the master ended
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_MASTER_FIXTURE_H_
