// The life of a job: accepted or refused, published when its last stage is done, ended once, kept
// in a bounded history.
#ifndef MILLRACE_MASTER_CORE_JOB_RULES_H_
#define MILLRACE_MASTER_CORE_JOB_RULES_H_

#include <string>

#include "master/core/events.h"
#include "master/core/reuse_rules.h"
#include "master/core/turn.h"

namespace millrace {

class JobRules {
 public:
  explicit JobRules(Turn* turn) : turn_(*turn), reuse_(turn) {}

  void On(const JobSubmitted& event);
  void On(const CancelRequested& event);
  void On(const JobPublished& event);

  // Picks up what a former master left half done.
  void Recover();

  // Starts publishing when every task of the last stage is done.
  void PublishIfComplete(JobRecord* job);
  // Ends a job that runs or publishes. Its tasks are gone afterwards.
  void Fail(JobRecord* job, const std::string& error) { End(job, JobState::kFailed, error); }

  ReuseRules& reuse() { return reuse_; }
  const ReuseRules& reuse() const { return reuse_; }

 private:
  // Why `plan` is not accepted, or the answer that it was accepted before. Not set: accept it.
  bool AnswerWithoutNewJob(const JobPlan& plan);
  void End(JobRecord* job, JobState state, const std::string& error);
  void CancelAttempts(JobRecord* job);
  void BoundHistory();

  Turn& turn_;
  ReuseRules reuse_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_JOB_RULES_H_
