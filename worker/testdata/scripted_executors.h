// Executors for tests of what uses them: nothing runs, and an attempt ends when the test says so.
#ifndef MILLRACE_WORKER_TESTDATA_SCRIPTED_EXECUTORS_H_
#define MILLRACE_WORKER_TESTDATA_SCRIPTED_EXECUTORS_H_

#include <kj/async.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "worker/executor.h"

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
  bool frozen = false;                       // none of them answers
  std::string status;                        // of all that run
  std::map<AttemptId, std::string> written;  // by attempts, to standard error

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
    kj::Promise<AttemptProgress> Progress() override {
      AttemptProgress progress;
      progress.bytes = 42;
      progress.records = 7;
      progress.steps = 49;
      progress.status = all_.status;
      progress.answered = !all_.frozen;
      return progress;
    }
    AttemptLog Log() override {
      AttemptLog log;
      log.is_kept = true;
      const auto written = all_.written.find(attempt_);
      if (written != all_.written.end()) log.text = written->second;
      return log;
    }
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

}  // namespace millrace

#endif  // MILLRACE_WORKER_TESTDATA_SCRIPTED_EXECUTORS_H_
