#include "worker/outcome_reporter.h"

#include <glog/logging.h>

#include "storage/failpoint.h"

namespace millrace {

OutcomeReporter::OutcomeReporter(kj::Timer& timer, const BackoffOptions& backoff, Answered answered)
    : timer_(timer),
      backoff_(backoff),
      answered_(kj::mv(answered)),
      calls_(kj::heap<kj::TaskSet>(static_cast<kj::TaskSet::ErrorHandler&>(*this))) {}

void OutcomeReporter::Report(AttemptOutcome outcome) {
  const AttemptId attempt = outcome.attempt;
  outcomes_.emplace(attempt, Pending{std::move(outcome), Backoff(backoff_, attempt.sequence)});
  SendOne(attempt);
}

void OutcomeReporter::Connect(Send send) {
  Disconnect();
  send_ = kj::mv(send);
  for (const auto& [attempt, pending] : outcomes_) SendOne(attempt);
}

void OutcomeReporter::Disconnect() {
  send_ = nullptr;
  calls_ = kj::heap<kj::TaskSet>(static_cast<kj::TaskSet::ErrorHandler&>(*this));
}

void OutcomeReporter::SendOne(const AttemptId& attempt) {
  const auto pending = outcomes_.find(attempt);
  if (pending == outcomes_.end()) return;
  KJ_IF_MAYBE (send, send_) {
    calls_->add((*send)(pending->second.outcome)
                    .then([this, attempt](OutcomeVerdict verdict) { OnAnswer(attempt, verdict); },
                          [this, attempt](kj::Exception&& exception) {
                            LOG(WARNING) << "reporting " << ToString(attempt) << ": "
                                         << exception.getDescription().cStr();
                            calls_->add(TryLater(attempt));
                          }));
  }
}

// While the connection lives, a report that failed is made again; a broken one ends the session,
// and the next session makes all reports again.
kj::Promise<void> OutcomeReporter::TryLater(const AttemptId& attempt) {
  const auto pending = outcomes_.find(attempt);
  if (pending == outcomes_.end()) return kj::READY_NOW;
  return timer_.afterDelay(pending->second.backoff.Next()).then([this, attempt]() {
    SendOne(attempt);
  });
}

void OutcomeReporter::OnAnswer(const AttemptId& attempt, OutcomeVerdict verdict) {
  const auto pending = outcomes_.find(attempt);
  if (pending == outcomes_.end()) return;  // forgotten meanwhile
  PassFailpoint(Failpoint::kReportSent,
                [&]() { return FailpointDetail(pending->second.outcome.task, attempt); });
  const AttemptOutcome outcome = std::move(pending->second.outcome);
  outcomes_.erase(pending);
  answered_(outcome, verdict);
}

std::vector<AttemptOutcome> OutcomeReporter::ForgetJob(JobId job) {
  std::vector<AttemptOutcome> forgotten;
  for (auto pending = outcomes_.begin(); pending != outcomes_.end();) {
    if (pending->second.outcome.task.job != job) {
      ++pending;
      continue;
    }
    forgotten.push_back(std::move(pending->second.outcome));
    pending = outcomes_.erase(pending);
  }
  return forgotten;
}

void OutcomeReporter::Forget(const AttemptId& attempt) { outcomes_.erase(attempt); }

const AttemptOutcome* OutcomeReporter::Find(const AttemptId& attempt) const {
  const auto pending = outcomes_.find(attempt);
  return pending == outcomes_.end() ? nullptr : &pending->second.outcome;
}

std::vector<std::pair<AttemptId, TaskId>> OutcomeReporter::Unanswered() const {
  std::vector<std::pair<AttemptId, TaskId>> all;
  for (const auto& [attempt, pending] : outcomes_) {
    all.emplace_back(attempt, pending.outcome.task);
  }
  return all;
}

void OutcomeReporter::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "reporting an outcome: " << exception.getDescription().cStr();
}

}  // namespace millrace
