// Reports how attempts ended until the master has answered, over as many sessions as it takes.
//
// The answer decides what becomes of the files: an accepted map output is kept until its job is
// released, everything else is removed. Lives on one event loop.
#ifndef MILLRACE_WORKER_OUTCOME_REPORTER_H_
#define MILLRACE_WORKER_OUTCOME_REPORTER_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "rpc/backoff.h"
#include "rpc/task_types.h"

namespace millrace {

enum class OutcomeVerdict : uint8_t { kAccepted, kSuperseded, kStale };

class OutcomeReporter final : private kj::TaskSet::ErrorHandler {
 public:
  // Tells the master of the current session; rejects when it cannot be reached.
  using Send = kj::Function<kj::Promise<OutcomeVerdict>(const AttemptOutcome&)>;
  using Answered = kj::Function<void(const AttemptOutcome&, OutcomeVerdict)>;

  OutcomeReporter(kj::Timer& timer, const BackoffOptions& backoff, Answered answered);
  KJ_DISALLOW_COPY(OutcomeReporter);

  void Report(AttemptOutcome outcome);

  // A session begins: everything unanswered is told again.
  void Connect(Send send);
  void Disconnect();

  // Nobody wants to know any more. Returns what was not answered.
  std::vector<AttemptOutcome> ForgetJob(JobId job);
  void Forget(const AttemptId& attempt);

  // Null when it is not waiting for an answer.
  const AttemptOutcome* Find(const AttemptId& attempt) const;
  std::vector<std::pair<AttemptId, TaskId>> Unanswered() const;
  bool idle() const { return outcomes_.empty(); }

 private:
  struct Pending {
    AttemptOutcome outcome;
    Backoff backoff;
  };

  void SendOne(const AttemptId& attempt);
  void OnAnswer(const AttemptId& attempt, OutcomeVerdict verdict);
  kj::Promise<void> TryLater(const AttemptId& attempt);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  const BackoffOptions backoff_;
  Answered answered_;
  std::map<AttemptId, Pending> outcomes_;
  kj::Maybe<Send> send_;
  kj::Own<kj::TaskSet> calls_;  // of the current session
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_OUTCOME_REPORTER_H_
