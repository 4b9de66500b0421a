// A tiny language for tests of the core: workers have names, time is moved by hand, and what the
// core answers is compared as a list of actions.
//
//   EXPECT_EQ(On(Joined(kRed, 1)), (Actions{LaunchAttempt{kRed, A(1), Map(0)}}));
//   EXPECT_EQ(On(Done(kRed, A(1), Map(0))), (Actions{Accepted(kRed, A(1)), ...}));
#ifndef MILLRACE_MASTER_CORE_CORE_FIXTURE_H_
#define MILLRACE_MASTER_CORE_CORE_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/core/master_core.h"

namespace millrace {

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};
constexpr WorkerId kGreen{3};
constexpr JobId kJob{1};  // the first job of a test
constexpr JobId kOther{2};

inline const char* ColourOf(WorkerId worker) {
  return worker == kRed ? "red" : worker == kBlue ? "blue" : worker == kGreen ? "green" : "grey";
}

// The n-th attempt that the test's (first) master launches.
inline AttemptId A(uint64_t sequence) { return AttemptId{Epoch(1), sequence}; }
inline TaskId Map(uint32_t index, JobId job = kJob) { return TaskId{job, 0, index}; }
inline TaskId Reduce(uint32_t index, JobId job = kJob) { return TaskId{job, 1, index}; }

inline WorkerJoined Joined(WorkerId worker, uint32_t slots) {
  WorkerJoined joined;
  joined.worker = worker;
  joined.slots = slots;
  joined.name = ColourOf(worker);
  joined.incarnation = Incarnation(100 + worker.value());
  return joined;
}

inline JobSubmitted Submitted(const std::string& name, uint32_t maps, uint32_t reducers) {
  JobSubmitted submitted;
  submitted.plan.name = name;
  submitted.plan.request_id = "request of " + name;
  submitted.plan.output_folder = "/out/" + name;
  submitted.plan.map_count = maps;
  submitted.plan.reducers = reducers;
  submitted.spec = "spec of " + name;
  return submitted;
}

// A job whose map outputs are no worker's to lose.
inline JobSubmitted Keeping(uint32_t maps, uint32_t reducers) {
  JobSubmitted submitted = Submitted("wordcount", maps, reducers);
  submitted.plan.keeps_outputs = true;
  return submitted;
}

// The digest of a task's output, unless the test says otherwise.
inline Digest DigestOfTask(const TaskId& task) { return Digest{task.stage + 1, task.index}; }

inline AttemptReported Done(WorkerId worker, const AttemptId& attempt, const TaskId& task) {
  AttemptReported report;
  report.worker = worker;
  report.outcome.attempt = attempt;
  report.outcome.task = task;
  report.outcome.cause = Cause::kSucceeded;
  report.outcome.digest = DigestOfTask(task);
  report.outcome.stats.input_bytes = 10;
  report.outcome.counters["test/done"] = 1;
  return report;
}

inline AttemptReported Failed(WorkerId worker, const AttemptId& attempt, const TaskId& task,
                              Cause cause, const std::string& message = "") {
  AttemptReported report = Done(worker, attempt, task);
  report.outcome.cause = cause;
  report.outcome.message = message;
  return report;
}

inline AttemptReported FetchFailed(WorkerId worker, const AttemptId& attempt, const TaskId& task,
                                   uint32_t map_index, const AttemptId& source) {
  AttemptReported report = Failed(worker, attempt, task, Cause::kFetchFailed);
  report.outcome.failed_map_index = map_index;
  report.outcome.failed_source = source;
  return report;
}

inline AttemptReported CannotReach(WorkerId worker, const AttemptId& attempt, const TaskId& task,
                                   uint32_t map_index, const AttemptId& source) {
  AttemptReported report = FetchFailed(worker, attempt, task, map_index, source);
  report.outcome.source_unreachable = true;
  return report;
}

inline AnswerOutcome Accepted(WorkerId worker, const AttemptId& attempt) {
  return AnswerOutcome{worker, attempt, OutcomeReply::kAccepted};
}
inline AnswerOutcome Stale(WorkerId worker, const AttemptId& attempt) {
  return AnswerOutcome{worker, attempt, OutcomeReply::kStale};
}

template <typename T>
bool Is(const Action& action) {
  return std::holds_alternative<T>(action);
}

template <typename T>
std::vector<T> Only(const Actions& actions) {
  std::vector<T> found;
  for (const Action& action : actions) {
    if (const T* match = std::get_if<T>(&action)) found.push_back(*match);
  }
  return found;
}

class CoreTest : public ::testing::Test {
 protected:
  CoreTest() { Restart(1); }

  // What the core answers, without wake-up calls and notices to waiting clients.
  Actions On(const Event& event) {
    Actions actions = EverythingOn(event);
    actions.erase(std::remove_if(actions.begin(), actions.end(),
                                 [](const Action& a) {
                                   return Is<WakeAt>(a) || Is<JobChanged>(a) || Is<FoldJob>(a);
                                 }),
                  actions.end());
    return actions;
  }

  Actions EverythingOn(const Event& event) {
    Decision decision = core_->OnEvent(now_, event);
    edits_ = decision.edits;
    journal_.insert(journal_.end(), edits_.begin(), edits_.end());
    return decision.actions;
  }

  // Accepts a job with nothing to launch, or whatever it launches.
  void Submit(uint32_t maps, uint32_t reducers, const std::string& name = "wordcount") {
    On(Submitted(name, maps, reducers));
  }

  void Pass(absl::Duration time) { now_ = now_ + time; }
  Actions Tick() { return On(millrace::Tick{}); }

  // For tests in which much time passes and heartbeats are of no interest.
  void RestartWithoutLeases() {
    options_.lease = absl::Hours(1000);
    Restart(1);
  }

  // A new master reads the journal of the former one.
  Actions Restart(uint64_t epoch) {
    options_.epoch = Epoch(epoch);
    core_ = std::make_unique<MasterCore>(options_);
    now_ = CoreTime();
    for (const JobEdit& edit : journal_) core_->Apply(edit);
    return On(MasterStarted{});
  }

  JobSnapshot Job(JobId job = kJob) { return *core_->Job(job); }
  JobState StateOf(JobId job = kJob) { return Job(job).summary.state; }
  std::string ErrorOf(JobId job = kJob) { return Job(job).summary.error; }
  uint64_t Started(Reason reason, JobId job = kJob) {
    return Job(job).summary.started[static_cast<size_t>(reason)];
  }
  uint64_t Ended(Cause cause, JobId job = kJob) {
    return Job(job).summary.ended[static_cast<size_t>(cause)];
  }
  SourcesReady Ready(WorkerId worker, const AttemptId& attempt, JobId job = kJob) {
    return SourcesReady{worker, attempt, core_->SourceVersion(job)};
  }

  CoreOptions options_;
  CoreTime now_;
  std::vector<JobEdit> edits_;    // of the last event
  std::vector<JobEdit> journal_;  // all
  std::unique_ptr<MasterCore> core_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_CORE_FIXTURE_H_
