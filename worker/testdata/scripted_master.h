// A master for tests of workers: it keeps what it hears and answers as the test says.
#ifndef MILLRACE_WORKER_TESTDATA_SCRIPTED_MASTER_H_
#define MILLRACE_WORKER_TESTDATA_SCRIPTED_MASTER_H_

#include <kj/async.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rpc/master.capnp.h"
#include "rpc/task_types.h"
#include "rpc/wire.h"

namespace millrace {

// What the master heard, and how it answers.
struct MasterScript {
  struct Registration {
    WorkerInfo info;
    std::vector<AttemptId> outputs;
    std::vector<AttemptId> attempts;
    std::vector<AttemptId> with_slots;  // of those attempts: reduces that were granted one
    std::vector<JobId> jobs;
  };

  std::string cluster_id = "cluster-a";
  Epoch epoch{1};
  bool answers_reports = true;
  bool session_is_current = true;
  capnp_master::Verdict verdict = capnp_master::Verdict::ACCEPTED;

  std::vector<Registration> registrations;
  int heartbeats = 0;
  std::map<AttemptId, uint64_t> progress;  // bytes, as of the last heartbeat
  std::map<AttemptId, uint64_t> steps;     // likewise, here and below
  std::map<AttemptId, std::string> statuses;
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
    script_.steps.clear();
    script_.statuses.clear();
    for (auto progress : context.getParams().getProgress()) {
      script_.progress[*ReadAttemptId(progress.getAttempt())] = progress.getBytes();
      script_.steps[*ReadAttemptId(progress.getAttempt())] = progress.getSteps();
      script_.statuses[*ReadAttemptId(progress.getAttempt())] = progress.getStatus().cStr();
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
      if (held.getHoldsSlot()) registration.with_slots.push_back(registration.attempts.back());
    }
    for (const uint64_t job : context.getParams().getJobs()) {
      registration.jobs.push_back(JobId(job));
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

}  // namespace millrace

#endif  // MILLRACE_WORKER_TESTDATA_SCRIPTED_MASTER_H_
